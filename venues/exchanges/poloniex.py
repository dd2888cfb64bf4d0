"""Poloniex futures: tiers in contracts, one call a symbol; without them, the first tier's rates."""

from collections.abc import Iterator

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import (
    Column,
    Defect,
    Factor,
    Payload,
    Snapshot,
    UnreadablePayloadError,
    decode,
)
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import each, values
from venues.facts import Facts
from venues.fields import (
    Row,
    defect,
    filled,
    in_sequence,
    member,
    number,
    positive,
    rate,
    read_rows,
    rows,
    word,
)
from venues.parsing import flat_rates, tier_tables
from venues.parsing.units import ToUsd, contracts, factor

INSTRUMENTS = "swapPublicGetV3MarketAllInstruments"
TICKERS = "swapPublicGetV3MarketTickers"
TIERS = "swapPublicGetV3MarketRiskLimit"
INITIAL, MAINTENANCE = flat_rates.PublishedRate("iM"), flat_rates.PublishedRate("mM")
FIRST = "the rates of the first tier; the instrument list does not say how far it reaches"
_MODES = {"CROSS": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}

_Listed = dict[str, tuple[Instrument, Factor]]


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read the tiers of each symbol by margin mode; a symbol without any keeps its first tier."""
    defects: list[Defect] = []
    listed: _Listed = dict(read_rows(snapshot.answers(INSTRUMENTS), ("data",), _contract, defects))
    tickers = filled(snapshot.answers(TICKERS), "data")
    marks = dict(read_rows(tickers, ("data",), _mark, defects))
    found: list[tier_tables.TierTable] = []
    tiered = set()
    for payload in snapshot.answers(TIERS):
        symbol = dict(payload.call.params).get("symbol", "")
        tiered.add(symbol)
        try:
            found += _tiered(payload, listed, marks)
        except UnreadablePayloadError as error:
            defects.append(defect(payload, error, symbol))

    def first(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
        id_ = word(row, "symbol", at)
        if id_ in listed and id_ not in tiered:
            one = listed[id_][0]
            yield flat_rates.both(
                payload, row, at, one, INITIAL, MAINTENANCE, doubts=(FIRST,), exclusion_reason=FIRST
            )

    found += read_rows(snapshot.answers(INSTRUMENTS), ("data",), first, defects)
    return tier_tables.parsed(snapshot, found, facts, defects)


def _contract(
    payload: Payload, row: Row, at: str
) -> Iterator[tuple[str, tuple[Instrument, Factor]]]:
    if word(row, "status", at) != "OPEN":
        return
    kind = word(row, "ctType", at)
    if kind not in {"LINEAR", "INVERSE"}:
        reason = f"LINEAR or INVERSE was due, was {kind!r}"
        raise UnreadablePayloadError(where=f"{at}/ctType", reason=reason)
    base, quote = word(row, "bCcy", at), word(row, "qCcy", at)
    id_, settle = word(row, "symbol", at), word(row, "sCcy", at)
    size = factor(payload, f"contract value of {id_}", row, "ctVal", at, "coins a contract")
    yield id_, (contract("poloniex", id_, base=base, quote=quote, settle=settle), size)


def _mark(payload: Payload, row: Row, at: str) -> Iterator[tuple[str, Factor]]:
    symbol = word(row, "symbol", at)
    yield symbol, factor(payload, f"mark price of {symbol}", row, "mPx", at, "USD")


def _tiered(
    payload: Payload, listed: _Listed, marks: dict[str, Factor]
) -> Iterator[tier_tables.TierTable]:
    data, top = member(decode(payload), "data")
    by_mode: dict[tuple[str, str], list[tuple[str, Tier]]] = {}
    for at, row in rows(data, top):
        key = (word(row, "symbol", at), word(row, "mgnMode", at))
        ladder_rows = by_mode.setdefault(key, [])
        in_sequence(row, "tier", len(ladder_rows) + 1, at)
        tier = Tier(
            upper=positive(row, "maxSize", at),
            lower=number(row, "minSize", at),
            initial_rate=tier_tables.inverse(positive(row, "maxLever", at)),
            maintenance_rate=rate(row, "mMRatio", at),
        )
        ladder_rows.append((at, tier))
    for (symbol, mode), found in by_mode.items():
        if mode not in _MODES or symbol not in listed:
            reason = f"CROSS or ISOLATED of a listed contract was due, was {mode!r} of {symbol!r}"
            raise UnreadablePayloadError(where=top, reason=reason)
        one, size = listed[symbol]
        yield tier_tables.TierTable(
            payload=payload,
            instrument=one,
            profile=Profile(_MODES[mode]),
            tiers=tuple(tier for _, tier in found),
            rows=tuple(at for at, _ in found),
            columns=(
                Column("upper", "/maxSize", "contracts"),
                Column("lower", "/minSize", "contracts"),
                Column("initial", "/maxLever", "leverage"),
                Column("maintenance", "/mMRatio", "rate"),
            ),
            usd=_usd(payload, one, size, marks.get(symbol)),
        )


def _usd(payload: Payload, one: Instrument, size: Factor, mark: Factor | None) -> ToUsd | Unknown:
    if one.payoff is not Payoff.LINEAR:
        return Unknown("no source states what a coin-margined contract is worth")
    if mark is None:
        return Unknown(f"the snapshot holds no mark price of {one.id}")
    return contracts(payload, (size,), mark)


ADAPTER = VenueAdapter(
    venue="poloniex",
    title="Poloniex",
    host="api.poloniex.com",
    endpoints=(
        Endpoint(TICKERS, "GET /v3/market/tickers", Purpose.PRICES),
        Endpoint(INSTRUMENTS, "GET /v3/market/allInstruments", Purpose.INSTRUMENTS),
        Endpoint(
            TIERS,
            "GET /v3/market/riskLimit",
            Purpose.MARGIN,
            calls=Calls.PER_SYMBOL,
            ask=each(
                "symbol",
                values(
                    INSTRUMENTS,
                    "data",
                    field="symbol",
                    where=lambda row: row.get("status") == "OPEN",
                ),
            ),
        ),
    ),
    parse=parse,
)
