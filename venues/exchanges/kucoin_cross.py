"""KuCoin classic cross margin: a rate that rises with position size, from the contract list."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import (
    Column,
    Conversion,
    Evidence,
    Factor,
    Payload,
    UnreadablePayloadError,
)
from harmonize.core.schedule import (
    INFINITY,
    ZERO,
    Derived,
    MarginFunction,
    MarginMode,
    MarginSchedule,
    Observed,
    Piece,
    Profile,
    TierRule,
    Unknown,
)
from venues.facts import Facts
from venues.fields import JsonObject, positive_number, rate, text_value, upper_bound
from venues.fields import date_of_milliseconds as day_of
from venues.parsing import formulas
from venues.parsing.listing import has_begun, has_ended, trades
from venues.parsing.tier_tables import NO_CAPACITY
from venues.parsing.units import read_factor

CLASSIC = "classic"


def read_instrument(row: JsonObject, pointer: str) -> Instrument:
    """Reads a contract from its row in the contract list. Raises UnreadablePayloadError."""
    base, quote, settle = (
        text_value(row, key, pointer) for key in ("baseCurrency", "quoteCurrency", "settleCurrency")
    )
    expiry = None if row.get("expireDate") is None else day_of(row, "expireDate", pointer)
    symbol = text_value(row, "symbol", pointer)
    return contract("kucoin", symbol, base=base, quote=quote, settle=settle, expiry=expiry)


def is_trading(payload: Payload, row: JsonObject, pointer: str) -> bool:
    """Whether a listed contract has opened and not expired. Raises UnreadablePayloadError."""
    is_open = trades(row, "status", pointer, {"Open"})
    has_opened = has_begun(payload, row, "firstOpenDate", pointer)
    return is_open and has_opened and not has_ended(payload, row, "expireDate", pointer)


def cross_schedules(
    payload: Payload, row: JsonObject, pointer: str, facts: Facts
) -> Iterator[MarginSchedule]:
    """Cross margin by ``MMR = min((1 + n/m) / (2 * L), limit)`` and ``IMR = max(1/L, f * MMR)``.

    Both rates apply to the whole position. n is the position in coins (in contracts of 1 USD on
    inverse contracts), L the maximum leverage. Source: KuCoin, "Max position size" help page. The
    rate formula is the web client's and reproduces the exchange's sample positions exactly.
    """
    if row.get("supportCross") is not True or not is_trading(payload, row, pointer):
        return
    instrument = read_instrument(row, pointer)
    mode = MarginMode.CROSS
    day = payload.observed_at.date()
    fact = facts.find("kucoin", instrument.payoff, mode, day, CLASSIC)
    if fact is None:
        reason = f"no source states how cross margin was computed on {day}"
        raise UnreadablePayloadError(where=pointer, reason=reason)
    mark = read_factor(payload, f"mark price of {instrument.id}", row, "markPrice", pointer, "USD")
    functions = _functions(row, pointer, instrument, mark)
    yield MarginSchedule(
        instrument=instrument,
        profile=Profile(mode, CLASSIC),
        observed_at=payload.observed_at,
        precision=payload.precision,
        dates=(payload.observed_at,),
        origin=payload.provenance.origin,
        rule=TierRule.CONTINUOUS,
        tiers=(),
        initial=Derived(functions[0], fact.derivation),
        maintenance=Derived(functions[1], fact.derivation),
        capacity=_capacity(row, pointer, instrument, mark),
        meaning=fact.meaning,
        fee=fact.fee_add_on,
        scales_with_price=instrument.payoff is not Payoff.INVERSE,
        capacity_price=mark.value if instrument.payoff is Payoff.INVERSE else None,
        evidence=(
            Evidence(payload.sha256, (pointer,), _COLUMNS, Conversion("coins × price", (mark,))),
        ),
    )


_PARAMETERS = (
    ("m", "coins"),
    ("f", "times"),
    ("mmrLimit", "rate"),
    ("mmrLevConstant", "leverage"),
    ("maxLeverage", "leverage"),
    ("crossRiskLimit", "settlement currency"),
)
_COLUMNS = tuple(Column(key, f"/{key}", unit) for key, unit in _PARAMETERS)


def _functions(
    row: JsonObject, pointer: str, instrument: Instrument, mark: Factor
) -> tuple[MarginFunction, MarginFunction]:
    leverage = positive_number(row, "mmrLevConstant", pointer)
    scale, multiple = positive_number(row, "m", pointer), positive_number(row, "f", pointer)
    limit = rate(row, "mmrLimit", pointer)
    unit = Decimal(1) if instrument.payoff is Payoff.INVERSE else mark.value
    base = 1 / (2 * leverage)
    slope = base / (scale * unit)  # of the rate in USD
    cap_notional = scale * unit * (limit / base - 1)
    if limit <= base or multiple * limit <= 1 / positive_number(row, "maxLeverage", pointer):
        reason = f"expected a limit above the formula's lowest rate, found {limit}"
        raise UnreadablePayloadError(where=f"{pointer}/mmrLimit", reason=reason)
    maintenance = MarginFunction(
        (Piece(cap_notional, ZERO, base, slope), Piece(INFINITY, ZERO, limit))
    )
    lowest_rate = 1 / positive_number(row, "maxLeverage", pointer)
    crossing_notional = scale * unit * (lowest_rate / (multiple * base) - 1)
    full_notional = scale * unit * (1 / (multiple * base) - 1)
    pieces = [
        Piece(crossing_notional, ZERO, lowest_rate),
        Piece(min(cap_notional, full_notional), ZERO, multiple * base, multiple * slope),
    ]
    if multiple * limit < 1:
        pieces.append(Piece(INFINITY, ZERO, multiple * limit))
    initial = MarginFunction(formulas.rising(pieces))
    return initial, formulas.up_to_end(maintenance, initial)


def _capacity(
    row: JsonObject, pointer: str, instrument: Instrument, mark: Factor
) -> Observed[Decimal]:
    raw = row.get("crossRiskLimit")
    if raw is None:
        return Unknown("the venue publishes no cross risk limit for this contract")
    limit = upper_bound(row, "crossRiskLimit", pointer)
    note = "crossRiskLimit read as position value in the settlement currency"
    if not limit.is_finite():
        return NO_CAPACITY
    if instrument.payoff is Payoff.INVERSE:
        return Derived(limit * mark.value, f"{note}, at the mark price")
    return Derived(limit, note)
