"""OKX swaps and futures: flat position tiers whose sizes are contracts, one ladder a family."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import Params, all_answered, every, joined, together, values
from venues.exchanges import okx_contracts
from venues.facts import Facts
from venues.fields import (
    Row,
    defect,
    filled,
    in_sequence,
    member,
    positive,
    rate,
    read_rows,
    rows,
    word,
)
from venues.parsing import mark_prices, tier_tables
from venues.parsing.units import ToUsd, contracts

TIERS = "publicGetPublicPositionTiers"
INSTRUMENTS = "publicGetPublicInstruments"
MARKS = "publicGetPublicMarkPrice"

COLUMNS = (
    Column("upper", "/maxSz", "contracts"),
    Column("initial", "/imr", "rate"),
    Column("maintenance", "/mmr", "rate"),
)
_MODES = ("cross", "isolated")
_AT_ONCE = 5
"""The most families that one call may name."""


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read each family's tiers; sizes become USD by contract value, multiplier and price.

    ``minSz`` of a tier is one step above ``maxSz`` of the one before, so a tier is read as
    (previous maxSz, maxSz]; ccxt labels these contract counts with the quote currency. All
    contracts of a family have its tiers, whenever they expire. ``uly`` is no family: that of an
    X-perpetual names another one.
    """
    defects: list[Defect] = []
    lists = filled(snapshot.answers(INSTRUMENTS), "data")
    by_family: defaultdict[tuple[str, str], list[okx_contracts.Contract]] = defaultdict(list)
    for one in read_rows(lists, ("data",), okx_contracts.read, defects, symbol_key="instId"):
        by_family[one.family].append(one)
    marks = mark_prices.read(snapshot.answers(MARKS), ("data",), ("instId", "markPx"), defects)
    found: list[tier_tables.TierTable] = []
    for payload in snapshot.answers(TIERS):
        try:
            answer = _answer(payload)
        except UnreadablePayloadError as error:
            family = dict(payload.call.params).get("instFamily", "")
            defects.append(defect(payload, error, family))
            continue
        for family in answer.families:
            try:
                found += [
                    _ladder(answer, family, one, _to_usd(snapshot, payload, one, marks))
                    for one in _of_family(by_family, answer, family)
                ]
            except UnreadablePayloadError as error:
                defects.append(defect(payload, error, family))
    return tier_tables.parsed(snapshot, found, facts, defects)


_Rows = list[tuple[str, Row]]


@dataclass(frozen=True, slots=True)
class _Answer:
    """The rows of one answer by family, and the kind of contract and margin mode asked for."""

    payload: Payload
    kind: str
    mode: str
    families: dict[str, _Rows]


def _answer(payload: Payload) -> _Answer:
    """Take an answer apart by family. Raises UnreadablePayloadError: one that was not asked."""
    asked = dict(payload.call.params)
    mode, kind = _one_of(asked, "tdMode", _MODES), _one_of(asked, "instType", okx_contracts.KINDS)
    due = asked.get("instFamily", "").split(",")
    data, top = member(decode(payload), "data")
    found: dict[str, _Rows] = {}
    for at, row in rows(data, top):
        family = word(row, "instFamily", at)
        if family not in due:
            reason = f"one family was due, of {', '.join(due)}, was {family}"
            raise UnreadablePayloadError(where=f"{at}/instFamily", reason=reason)
        found.setdefault(family, []).append((at, row))
    return _Answer(payload, kind, mode, found)


_ByFamily = dict[tuple[str, str], list[okx_contracts.Contract]]


def _of_family(by_family: _ByFamily, answer: _Answer, family: str) -> list[okx_contracts.Contract]:
    if (answer.kind, family) not in by_family:
        reason = f"no instrument of family {family} in the snapshot, so no contract value"
        raise UnreadablePayloadError(where="/data", reason=reason)
    return by_family[answer.kind, family]


def _one_of(asked: dict[str, str], name: str, due: tuple[str, str]) -> str:
    value = asked.get(name, "")
    if value not in due:
        reason = f"was asked with {name} {value!r}, {' or '.join(due)} was due"
        raise UnreadablePayloadError(where="", reason=reason)
    return value


def _tiers(found: _Rows) -> tuple[Tier, ...]:
    tiers = []
    for position, (at, row) in enumerate(found, start=1):
        in_sequence(row, "tier", position, at)
        tiers.append(
            Tier(
                upper=positive(row, "maxSz", at),
                initial_rate=rate(row, "imr", at),
                maintenance_rate=rate(row, "mmr", at),
            )
        )
    return tuple(tiers)


def _ladder(
    answer: _Answer, family: str, one: okx_contracts.Contract, usd: ToUsd | Unknown
) -> tier_tables.TierTable:
    found = answer.families[family]
    return tier_tables.TierTable(
        payload=answer.payload,
        instrument=one.instrument,
        profile=Profile(MarginMode(answer.mode)),
        tiers=_tiers(found),
        rows=tuple(at for at, _ in found),
        columns=COLUMNS,
        usd=usd,
        also=(one.payload,),
    )


def _to_usd(
    snapshot: Snapshot, payload: Payload, one: okx_contracts.Contract, marks: mark_prices.Marks
) -> ToUsd | Unknown:
    sizes = (one.size, one.multiple)
    if one.value_currency == "USD":
        return contracts(payload, sizes, None)
    return contracts(payload, sizes, marks.price(snapshot, one.instrument, payload))


def _listed(kind: str) -> Callable[[Snapshot], Iterable[str]]:
    def traded(row: Row) -> bool:
        return row.get("instType") == kind and okx_contracts.traded(row, "")

    return values(INSTRUMENTS, "data", field="instFamily", where=traded)


def _due(snapshot: Snapshot) -> Iterator[str]:
    for kind in okx_contracts.KINDS:
        for family in set(_listed(kind)(snapshot)):
            yield from (f"{family} ({kind}, {mode})" for mode in _MODES)


def _answered(snapshot: Snapshot) -> Iterator[str]:
    for payload in snapshot.answers(TIERS):
        answer = _answer(payload)
        yield from (f"{one} ({answer.kind}, {answer.mode})" for one in answer.families)


def _all_families(snapshot: Snapshot) -> Iterable[Params]:
    """Ask for the tiers of all families, in both margin modes."""
    asks = (
        joined("instFamily", _listed(kind), _AT_ONCE, instType=kind, tdMode=mode)
        for kind in okx_contracts.KINDS
        for mode in _MODES
    )
    return together(*asks)(snapshot)


_EACH_KIND = every(*({"instType": kind} for kind in okx_contracts.KINDS))

ADAPTER = VenueAdapter(
    venue="okx",
    title="OKX",
    host="www.okx.com",
    endpoints=(
        Endpoint(
            INSTRUMENTS, "GET /api/v5/public/instruments", Purpose.INSTRUMENTS, ask=_EACH_KIND
        ),
        Endpoint(
            "publicGetPublicOpenInterest",
            "GET /api/v5/public/open-interest",
            Purpose.OPEN_INTEREST,
            ask=_EACH_KIND,
        ),
        Endpoint(
            "publicGetMarketTickers", "GET /api/v5/market/tickers", Purpose.PRICES, ask=_EACH_KIND
        ),
        Endpoint(MARKS, "GET /api/v5/public/mark-price", Purpose.PRICES, ask=_EACH_KIND),
        Endpoint(
            TIERS,
            "GET /api/v5/public/position-tiers",
            Purpose.MARGIN,
            calls=Calls.PER_FAMILY,
            ask=_all_families,
        ),
    ),
    parse=parse,
    whole=all_answered(_due, _answered),
)
