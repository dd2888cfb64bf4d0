"""Deribit futures: margin that rises with position size, by slopes from the venue's help pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import (
    Call,
    Column,
    Defect,
    Evidence,
    Factor,
    Origin,
    Payload,
    Provenance,
    Snapshot,
    UnreadablePayloadError,
)
from harmonize.core.schedule import (
    INFINITY,
    ZERO,
    MarginFunction,
    MarginMode,
    MarginSchedule,
    Observed,
    Piece,
    Profile,
    TierRule,
    Unknown,
)
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import every, once
from venues.facts import Facts
from venues.fields import Row, filled, positive, rate, read_rows, word
from venues.parsing import tier_tables
from venues.parsing.units import ToUsd, archived_price, coins, factor

INSTRUMENTS = "publicGetGetInstruments"
SUMMARIES = "publicGetGetBookSummaryByCurrency"
SLOPES = "documentedMarginSlopes"
"""The call under which the help page's slopes are archived; no endpoint publishes them."""

_PERPETUAL = 32503708800000  # the expiry, in ms, that stands for none

_SLOPE_COLUMNS = (
    Column("initial base", "/initial_base", "rate"),
    Column("initial slope", "/initial_slope", "rate per coin"),
    Column("maintenance base", "/maintenance_base", "rate"),
    Column("maintenance slope", "/maintenance_slope", "rate per coin"),
)


@dataclass(frozen=True, slots=True)
class _Slope:
    payload: Payload
    at: str
    initial: tuple[Decimal, Decimal]
    maintenance: tuple[Decimal, Decimal]


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read futures; one with a documented slope gets margins, another its maximum leverage."""
    defects: list[Defect] = []
    slopes = dict(read_rows(snapshot.answers(SLOPES), ("slopes",), _slope, defects))
    summaries = filled(snapshot.answers(SUMMARIES), "result")
    marks = dict(read_rows(summaries, ("result",), _mark, defects, symbol_key="instrument_name"))

    def build(payload: Payload, row: Row, at: str) -> Iterator[MarginSchedule]:
        return _schedule(snapshot, payload, row, at, slopes, marks, facts)

    schedules = read_rows(
        snapshot.answers(INSTRUMENTS), ("result",), build, defects, symbol_key="instrument_name"
    )
    return Parsed(tuple(schedules), tuple(defects))


def _mark(payload: Payload, row: Row, at: str) -> list[tuple[str, Factor]]:
    if row.get("mark_price") is None:
        return []
    id_ = word(row, "instrument_name", at)
    return [(id_, factor(payload, f"mark price of {id_}", row, "mark_price", at, "USD"))]


def _slope(payload: Payload, row: Row, at: str) -> list[tuple[str, _Slope]]:
    initial = (rate(row, "initial_base", at), positive(row, "initial_slope", at))
    maintenance = (rate(row, "maintenance_base", at), positive(row, "maintenance_slope", at))
    key = f"{word(row, 'base_currency', at)}/{word(row, 'settlement_currency', at)}"
    return [(key, _Slope(payload, at, initial, maintenance))]


def _schedule(  # noqa: PLR0913, PLR0917 - what a schedule rests on
    snapshot: Snapshot,
    payload: Payload,
    row: Row,
    at: str,
    slopes: dict[str, _Slope],
    marks: dict[str, Factor],
    facts: Facts,
) -> Iterator[MarginSchedule]:
    if row.get("kind") != "future" or row.get("is_active") is not True:
        return
    listed = instrument(row, at)
    fact = facts.about("deribit", listed.payoff, MarginMode.ANY, payload.observed_at.date())
    if fact is None:
        reason = f"no source says how margin was computed on {payload.observed_at.date()}"
        raise UnreadablePayloadError(where=at, reason=reason)
    slope = slopes.get(f"{listed.underlying.asset}/{listed.settle}")
    price = marks.get(listed.id) or archived_price(
        snapshot, listed.underlying.asset, payload.observed_at
    )
    usd = coins(payload, price)
    leverage = positive(row, "max_leverage", at)
    initial, maintenance = _margins(listed, slope, usd, leverage)
    listing = Evidence(
        payload.sha256, (at,), (Column("maximum leverage", "/max_leverage", "leverage"),)
    )
    evidence = (_slope_evidence(slope, usd), listing) if slope else (listing,)
    also = (slope.payload,) if slope else ()
    factors = usd.conversion.factors if isinstance(usd, ToUsd) and slope else ()
    yield MarginSchedule(
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        observed_at=payload.observed_at,
        dates=_dates(payload, also, factors),
        origin=tier_tables.weakest((payload, *also)),
        rule=TierRule.CONTINUOUS,
        tiers=(),
        initial=initial,
        maintenance=maintenance,
        capacity=Unknown("the venue publishes no largest position"),
        meaning=fact.meaning,
        fee=fact.fee_add_on,
        evidence=evidence,
        exclusion_reason="" if slope else "only the maximum leverage is published",
    )


def _margins(
    listed: Instrument, slope: _Slope | None, usd: ToUsd | Unknown, leverage: Decimal
) -> tuple[Observed[MarginFunction], Observed[MarginFunction]]:
    """``rate = base + slope * q``, q the position in coins, on the whole position."""
    if slope is None:
        lowest = MarginFunction((Piece(INFINITY, ZERO, tier_tables.inverse(leverage)),))
        doubt = f"least IM at the maximum leverage; the rise with size of {listed.id} is not public"
        missing = Unknown("the venue publishes only the maximum leverage of this contract")
        return tier_tables.figure(lowest, [doubt]), missing
    if isinstance(usd, Unknown):
        return usd, usd
    doubts = (f"slopes of the help page of {slope.payload.observed_at.date()}", usd.derivation)
    return (
        tier_tables.figure(_rising(*slope.initial, usd.multiplier), doubts),
        tier_tables.figure(_rising(*slope.maintenance, usd.multiplier), doubts),
    )


def _rising(base: Decimal, slope: Decimal, price: Decimal) -> MarginFunction:
    """Margin with a rate that rises with size, until it is the whole notional."""
    whole = (1 - base) * price / slope
    return MarginFunction(
        (Piece(whole, ZERO, base, slope / price), Piece(INFINITY, ZERO, Decimal(1)))
    )


def _slope_evidence(slope: _Slope, usd: ToUsd | Unknown) -> Evidence:
    conversion = usd.conversion if isinstance(usd, ToUsd) else None
    return Evidence(slope.payload.sha256, (slope.at,), _SLOPE_COLUMNS, conversion)


def _dates(
    payload: Payload, also: tuple[Payload, ...], factors: tuple[Factor, ...]
) -> tuple[datetime, ...]:
    times = {payload.observed_at}
    times |= {one.observed_at for one in also} | {one.observed_at for one in factors}
    return tuple(sorted(times))


def instrument(row: Row, at: str) -> Instrument:
    """Name a future: BTC-PERPETUAL is inverse, BTC_USDC-PERPETUAL linear."""
    id_, base = word(row, "instrument_name", at), word(row, "base_currency", at)
    settle, quote = word(row, "settlement_currency", at), word(row, "counter_currency", at)
    expiry = positive(row, "expiration_timestamp", at)
    return contract("deribit", id_, base=base, quote=quote, settle=settle, expiry=_day(expiry, at))


def _day(milliseconds: Decimal, at: str) -> date | None:
    if milliseconds == _PERPETUAL:
        return None
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC).date()
    except (OverflowError, OSError, ValueError):
        reason = f"a time in milliseconds was due, was {milliseconds}"
        where = f"{at}/expiration_timestamp"
        raise UnreadablePayloadError(where=where, reason=reason) from None


def documented() -> tuple[Payload, ...]:
    """The slopes of the venue's two help pages, dated as they are."""
    provenance = Provenance(
        Origin.DOCUMENTATION,
        "numbers of two Deribit help pages, support.deribit.com 25944738177565 and 25944826427293",
        "the pages' date; a live position agrees with 1.0 % and 2.0 %",
    )
    content = files("venues").joinpath("deribit_slopes.json").read_bytes()
    written = datetime(2022, 1, 11, tzinfo=UTC)
    return (Payload.of("deribit", Call(SLOPES), written, provenance, content),)


ADAPTER = VenueAdapter(
    venue="deribit",
    title="Deribit",
    host="www.deribit.com",
    endpoints=(
        Endpoint(
            SUMMARIES,
            "GET /api/v2/public/get_book_summary_by_currency",
            Purpose.PRICES,
            ask=every(*({"currency": one, "kind": "future"} for one in ("BTC", "ETH", "USDC"))),
        ),
        Endpoint(
            INSTRUMENTS,
            "GET /api/v2/public/get_instruments",
            Purpose.MARGIN,
            ask=once(currency="any", kind="future"),
        ),
    ),
    parse=parse,
    documented=documented,
)
