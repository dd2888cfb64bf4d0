"""OKX swaps: flat position tiers whose sizes are contracts, one ladder an instrument family."""

from dataclasses import dataclass

from harmonize.instrument import Instrument, contract
from harmonize.payload import (
    Column,
    Defect,
    Factor,
    Payload,
    Snapshot,
    UnreadablePayloadError,
    decode,
)
from harmonize.schedule import MarginMode, Profile, Tier, Unknown
from venues import ladder
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.reading import Row, defect, in_sequence, member, positive, rate, read_rows, rows, word
from venues.units import ToUsd, archived_price, contracts, factor

TIERS = "publicGetPublicPositionTiers"
INSTRUMENTS = "publicGetPublicInstruments"
MARKS = "publicGetPublicMarkPrice"

COLUMNS = (
    Column("upper", "/maxSz", "contracts"),
    Column("initial", "/imr", "rate"),
    Column("maintenance", "/mmr", "rate"),
)


@dataclass(frozen=True, slots=True)
class _Contract:
    family: str
    instrument: Instrument
    size: Factor
    multiple: Factor
    payload: Payload
    value_currency: str


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read each family's tiers; sizes become USD by contract value, multiplier and price.

    ``minSz`` of a tier is one step above ``maxSz`` of the one before, so a tier is read as
    (previous maxSz, maxSz]; ccxt labels these contract counts with the quote currency.
    """
    defects: list[Defect] = []
    listed = read_rows(
        snapshot.answers(INSTRUMENTS), ("data",), _contracts, defects, symbol_key="instId"
    )
    marks = dict(read_rows(snapshot.answers(MARKS), ("data",), _mark, defects, symbol_key="instId"))
    by_family = {one.family: one for one in listed}
    found = []
    for payload in snapshot.answers(TIERS):
        try:
            found.append(_ladder(snapshot, payload, by_family, marks))
        except UnreadablePayloadError as error:
            family = dict(payload.call.params).get("instFamily", "")
            defects.append(defect(payload, error, family))
    return ladder.parsed(snapshot, found, facts, defects)


def _contracts(payload: Payload, row: Row, at: str) -> list[_Contract]:
    if row.get("instType") != "SWAP":
        return []
    id_, kind = word(row, "instId", at), word(row, "ctType", at)
    base, quote = id_.split("-")[:2]
    if kind not in {"linear", "inverse"}:
        reason = f"linear or inverse was due, was {kind!r}"
        raise UnreadablePayloadError(where=f"{at}/ctType", reason=reason)
    listed = contract("okx", id_, base=base, quote=quote, settle=word(row, "settleCcy", at))
    size = factor(payload, f"contract value of {id_}", row, "ctVal", at, word(row, "ctValCcy", at))
    multiple = factor(payload, f"contract multiplier of {id_}", row, "ctMult", at, "times")
    unit = word(row, "ctValCcy", at)
    return [_Contract(word(row, "instFamily", at), listed, size, multiple, payload, unit)]


def _mark(payload: Payload, row: Row, at: str) -> list[tuple[str, Factor]]:
    id_ = word(row, "instId", at)
    return [(id_, factor(payload, f"mark price of {id_}", row, "markPx", at, "USD"))]


def _ladder(
    snapshot: Snapshot,
    payload: Payload,
    by_family: dict[str, _Contract],
    marks: dict[str, Factor],
) -> ladder.Ladder:
    data, top = member(decode(payload), "data")
    tiers, pointers, families = [], [], set()
    for position, (at, row) in enumerate(rows(data, top), start=1):
        in_sequence(row, "tier", position, at)
        families.add(word(row, "instFamily", at))
        pointers.append(at)
        tiers.append(
            Tier(
                upper=positive(row, "maxSz", at),
                initial_rate=rate(row, "imr", at),
                maintenance_rate=rate(row, "mmr", at),
            )
        )
    if len(families) > 1:
        reason = f"one family was due, were {', '.join(sorted(families))}"
        raise UnreadablePayloadError(where=top, reason=reason)
    family = families.pop()
    one = by_family.get(family)
    if one is None:
        reason = f"no instrument of family {family} in the snapshot, so no contract value"
        raise UnreadablePayloadError(where=top, reason=reason)
    return ladder.Ladder(
        payload=payload,
        instrument=one.instrument,
        profile=Profile(_mode(payload)),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=COLUMNS,
        usd=_to_usd(snapshot, payload, one, marks),
        also=(one.payload,),
    )


def _mode(payload: Payload) -> MarginMode:
    mode = dict(payload.call.params).get("tdMode", "")
    if mode not in {"cross", "isolated"}:
        reason = f"was asked with tdMode {mode!r}, cross or isolated was due"
        raise UnreadablePayloadError(where="", reason=reason)
    return MarginMode(mode)


def _to_usd(
    snapshot: Snapshot, payload: Payload, one: _Contract, marks: dict[str, Factor]
) -> ToUsd | Unknown:
    sizes = (one.size, one.multiple)
    if one.value_currency == "USD":
        return contracts(payload, sizes, None)
    mark = marks.get(one.instrument.id)
    price = mark or archived_price(snapshot, one.instrument.underlying.asset, payload.observed_at)
    return contracts(payload, sizes, price)


ADAPTER = VenueAdapter(
    venue="okx",
    title="OKX",
    endpoints=(
        Endpoint(
            TIERS, "GET /api/v5/public/position-tiers", Purpose.MARGIN, calls=Calls.PER_FAMILY
        ),
        Endpoint(INSTRUMENTS, "GET /api/v5/public/instruments", Purpose.INSTRUMENTS),
        Endpoint(MARKS, "GET /api/v5/public/mark-price", Purpose.PRICES),
    ),
    parse=parse,
)
