"""Deribit futures: rates that rise with position size, by slopes from the venue's help pages."""

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
from venues.calls import calls_with, single_call
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    is_missing,
    non_empty,
    positive_number,
    rate,
    read_rows,
    text_value,
)
from venues.parsing import formulas, tier_tables
from venues.parsing.listing import has_ended, trades
from venues.parsing.units import UsdConversion, archived_price, coins_to_usd, read_factor

INSTRUMENTS = "publicGetGetInstruments"
SUMMARIES = "publicGetGetBookSummaryByCurrency"
SLOPES = "documentedMarginSlopes"
"""Method name under which the help pages' slopes are archived; no endpoint publishes them."""

_NO_EXPIRY = 32503708800000  # expiration_timestamp of perpetuals, in ms

_LEVERAGE_COLUMNS = (Column("maximum leverage", "/max_leverage", "leverage"),)
_SLOPE_COLUMNS = (
    Column("initial base", "/initial_base", "rate"),
    Column("initial slope", "/initial_slope", "rate per coin"),
    Column("maintenance base", "/maintenance_base", "rate"),
    Column("maintenance slope", "/maintenance_slope", "rate per coin"),
)


@dataclass(frozen=True, slots=True)
class _Slope:
    """Base rate and slope per coin of IM and MM, from the help-page payload."""

    payload: Payload
    pointer: str
    initial: tuple[Decimal, Decimal]
    maintenance: tuple[Decimal, Decimal]


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads futures: margins where slopes are documented, otherwise the maximum leverage alone."""
    defects: list[Defect] = []
    slopes = dict(read_rows(snapshot.answers(SLOPES), ("slopes",), _slope, defects))
    summaries = non_empty(snapshot.answers(SUMMARIES), "result")
    marks = dict(read_rows(summaries, ("result",), _mark, defects, symbol_key="instrument_name"))

    def build(payload: Payload, row: JsonObject, pointer: str) -> Iterator[MarginSchedule]:
        return _schedule(snapshot, payload, row, pointer, slopes, marks, facts)

    schedules = read_rows(
        snapshot.answers(INSTRUMENTS), ("result",), build, defects, symbol_key="instrument_name"
    )
    return Parsed(tuple(schedules), tuple(defects))


def _mark(payload: Payload, row: JsonObject, pointer: str) -> list[tuple[str, Factor]]:
    if row.get("mark_price") is None:
        return []
    id_ = text_value(row, "instrument_name", pointer)
    return [(id_, read_factor(payload, f"mark price of {id_}", row, "mark_price", pointer, "USD"))]


def _slope(payload: Payload, row: JsonObject, pointer: str) -> list[tuple[str, _Slope]]:
    initial = _line(row, "initial", pointer)
    maintenance = _line(row, "maintenance", pointer)
    key = f"{text_value(row, 'base_currency', pointer)}/{text_value(row, 'settlement_currency', pointer)}"
    return [(key, _Slope(payload, pointer, initial, maintenance))]


def _line(row: JsonObject, name: str, pointer: str) -> tuple[Decimal, Decimal]:
    """Base rate and slope per coin; a base of 1 leaves no room to rise."""
    base = rate(row, f"{name}_base", pointer)
    if base == 1:
        reason = "expected a base rate below 1, found 1"
        raise UnreadablePayloadError(where=f"{pointer}/{name}_base", reason=reason)
    return base, positive_number(row, f"{name}_slope", pointer)


def _schedule(  # noqa: PLR0913, PLR0917 - the inputs of a schedule
    snapshot: Snapshot,
    payload: Payload,
    row: JsonObject,
    pointer: str,
    slopes: dict[str, _Slope],
    marks: dict[str, Factor],
    facts: Facts,
) -> Iterator[MarginSchedule]:
    if row.get("kind") != "future" or row.get("is_active") is not True:
        return
    if not trades(row, "state", pointer, {"open"}) or has_ended(
        payload, row, "expiration_timestamp", pointer
    ):
        return
    instrument = read_instrument(row, pointer)
    fact = facts.find("deribit", instrument.payoff, MarginMode.ANY, payload.observed_at.date())
    if fact is None:
        reason = f"no source states how margin was computed on {payload.observed_at.date()}"
        raise UnreadablePayloadError(where=pointer, reason=reason)
    slope = _documented_slope(instrument, slopes)
    price = marks.get(instrument.id) or archived_price(
        snapshot, instrument.underlying.asset, payload.observed_at
    )
    usd = coins_to_usd(payload, price)
    has_leverage = slope is None or not is_missing(row, "max_leverage")
    leverage = positive_number(row, "max_leverage", pointer) if has_leverage else ZERO
    initial, maintenance = _margins(slope, usd) if slope else _lowest_margins(instrument, leverage)
    slope_payloads = (slope.payload,) if slope else ()
    factors = usd.conversion.factors if isinstance(usd, UsdConversion) and slope else ()
    yield MarginSchedule(
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        observed_at=payload.observed_at,
        precision=payload.precision,
        dates=_dates(payload, slope_payloads, factors),
        origin=tier_tables.least_reliable_origin((payload, *slope_payloads)),
        rule=TierRule.CONTINUOUS,
        tiers=(),
        initial=initial,
        maintenance=maintenance,
        capacity=formulas.NO_CAPACITY,
        meaning=fact.meaning,
        fee=fact.fee_add_on,
        evidence=_evidence(payload, pointer, slope, usd, has_leverage=has_leverage),
        exclusion_reason="" if slope else formulas.ONLY_LEVERAGE,
        known_up_to=INFINITY if slope else ZERO,
    )


def _documented_slope(instrument: Instrument, slopes: dict[str, _Slope]) -> _Slope | None:
    """Returns the slope of a contract; a linear one in USDT has that of the same asset in USDC.

    Source: the page on linear contracts (25944738177565) covers contracts in USDC or USDT.
    """
    asset, settle = instrument.underlying.asset, instrument.settle
    slope = slopes.get(f"{asset}/{settle}")
    return slopes.get(f"{asset}/USDC") if slope is None and settle == "USDT" else slope


def _lowest_margins(
    instrument: Instrument, leverage: Decimal
) -> tuple[Observed[MarginFunction], Observed[MarginFunction]]:
    """Returns IM at the maximum leverage, without the rise by size, and the reason for no MM."""
    lowest = MarginFunction((Piece(INFINITY, ZERO, tier_tables.leverage_to_rate(leverage)),))
    doubt = f"lowest IM, at the maximum leverage; the size-dependent rate of {instrument.id} is not public"
    no_maintenance = Unknown("the venue publishes only the maximum leverage of this contract")
    return tier_tables.observed_function(lowest, [doubt]), no_maintenance


def _margins(
    slope: _Slope, usd: UsdConversion | Unknown
) -> tuple[Observed[MarginFunction], Observed[MarginFunction]]:
    """Returns IM and MM: ``rate = base + slope * q`` on the whole position, q in coins."""
    if isinstance(usd, Unknown):
        return usd, usd
    doubts = (f"slopes from the help page dated {slope.payload.observed_at.date()}", usd.derivation)
    initial, maintenance = (
        formulas.sloped_above(base, per_coin / usd.multiplier, ZERO)
        for base, per_coin in (slope.initial, slope.maintenance)
    )
    maintenance = formulas.up_to_end(maintenance, initial)
    return (
        tier_tables.observed_function(initial, doubts),
        tier_tables.observed_function(maintenance, doubts),
    )


def _evidence(
    payload: Payload,
    pointer: str,
    slope: _Slope | None,
    usd: UsdConversion | Unknown,
    *,
    has_leverage: bool,
) -> tuple[Evidence, ...]:
    leverage = Evidence(payload.sha256, (pointer,), _LEVERAGE_COLUMNS)
    if slope is None:
        return (leverage,)
    conversion = usd.conversion if isinstance(usd, UsdConversion) else None
    slopes = Evidence(slope.payload.sha256, (slope.pointer,), _SLOPE_COLUMNS, conversion)
    return (slopes, leverage) if has_leverage else (slopes,)


def _dates(
    payload: Payload, slope_payloads: tuple[Payload, ...], factors: tuple[Factor, ...]
) -> tuple[datetime, ...]:
    times = {payload.observed_at}
    times |= {slopes.observed_at for slopes in slope_payloads}
    times |= {factor.observed_at for factor in factors}
    return tuple(sorted(times))


def read_instrument(row: JsonObject, pointer: str) -> Instrument:
    """Reads a future from its row: BTC-PERPETUAL is inverse, BTC_USDC-PERPETUAL linear.

    Rows of 2021 name no currency of settlement: futures quoted in USD settle in their coin.
    """
    id_, base = (
        text_value(row, "instrument_name", pointer),
        text_value(row, "base_currency", pointer),
    )
    quote_key = "quote_currency" if is_missing(row, "counter_currency") else "counter_currency"
    quote = text_value(row, quote_key, pointer)
    is_unstated = is_missing(row, "settlement_currency") and quote == "USD"
    settle = base if is_unstated else text_value(row, "settlement_currency", pointer)
    expiry = positive_number(row, "expiration_timestamp", pointer)
    return contract(
        "deribit", id_, base=base, quote=quote, settle=settle, expiry=_expiry(expiry, pointer)
    )


def _expiry(milliseconds: Decimal, pointer: str) -> date | None:
    if milliseconds == _NO_EXPIRY:
        return None
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC).date()
    except (OverflowError, OSError, ValueError):
        reason = f"expected a time in milliseconds, found {milliseconds}"
        where = f"{pointer}/expiration_timestamp"
        raise UnreadablePayloadError(where=where, reason=reason) from None


def documented() -> tuple[Payload, ...]:
    """Slopes of the venue's two help pages, under the pages' date."""
    provenance = Provenance(
        Origin.DOCUMENTATION,
        "numbers of two Deribit help pages, support.deribit.com 25944738177565 and 25944826427293",
        "the pages' date; a live position agrees with 1.0 % and 2.0 %",
    )
    content = files("venues").joinpath("deribit_slopes.json").read_bytes()
    published_at = datetime(2022, 1, 11, tzinfo=UTC)
    return (Payload.of("deribit", Call(SLOPES), published_at, provenance, content),)


ADAPTER = VenueAdapter(
    venue="deribit",
    title="Deribit",
    host="www.deribit.com",
    endpoints=(
        Endpoint(
            SUMMARIES,
            "GET /api/v2/public/get_book_summary_by_currency",
            Purpose.PRICES,
            call_plan=calls_with(
                *({"currency": currency, "kind": "future"} for currency in ("BTC", "ETH", "USDC"))
            ),
        ),
        Endpoint(
            INSTRUMENTS,
            "GET /api/v2/public/get_instruments",
            Purpose.MARGIN,
            call_plan=single_call(currency="any", kind="future"),
        ),
    ),
    parse=parse,
    documented_payloads=documented,
)
