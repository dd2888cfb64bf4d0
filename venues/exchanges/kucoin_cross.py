"""KuCoin classic cross margin: a rate that rises with the position, from the contract list."""

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
from venues.fields import Row, positive, rate, word
from venues.fields import day as day_of
from venues.parsing.units import factor

CLASSIC = "classic"


def instrument(row: Row, at: str) -> Instrument:
    """Name a contract by its row in the contract list. Raises UnreadablePayloadError."""
    base, quote, settle = (
        word(row, key, at) for key in ("baseCurrency", "quoteCurrency", "settleCurrency")
    )
    expiry = None if row.get("expireDate") is None else day_of(row, "expireDate", at)
    symbol = word(row, "symbol", at)
    return contract("kucoin", symbol, base=base, quote=quote, settle=settle, expiry=expiry)


def schedules(payload: Payload, row: Row, at: str, facts: Facts) -> Iterator[MarginSchedule]:
    """``MMR = min((1 + n/m) / (2 * L), limit)``, ``IMR = max(1/L, f * MMR)`` on the whole position.

    n is the position in coins (in contracts of 1 USD on inverse ones), L the largest leverage.
    Source: KuCoin, "Max position size" help page; the rate formula is the web client's and gives
    the exchange's own sample positions exactly.
    """
    if row.get("supportCross") is not True:
        return
    listed = instrument(row, at)
    mode = MarginMode.CROSS
    day = payload.observed_at.date()
    fact = facts.about("kucoin", listed.payoff, mode, day, CLASSIC)
    if fact is None:
        reason = f"no source says how cross margin was computed on {day}"
        raise UnreadablePayloadError(where=at, reason=reason)
    mark = factor(payload, f"mark price of {listed.id}", row, "markPrice", at, "USD")
    functions = _functions(row, at, listed, mark)
    yield MarginSchedule(
        instrument=listed,
        profile=Profile(mode, CLASSIC),
        observed_at=payload.observed_at,
        dates=(payload.observed_at,),
        origin=payload.provenance.origin,
        rule=TierRule.CONTINUOUS,
        tiers=(),
        initial=Derived(functions[0], fact.doubt),
        maintenance=Derived(functions[1], fact.doubt),
        capacity=_capacity(row, at, listed, mark),
        meaning=fact.meaning,
        fee=fact.fee_add_on,
        scales=listed.payoff is not Payoff.INVERSE,
        capacity_price=mark.value if listed.payoff is Payoff.INVERSE else None,
        evidence=(
            Evidence(
                payload.sha256,
                (at,),
                tuple(Column(key, f"/{key}", unit) for key, unit in _PARAMETERS),
                Conversion("coins × price", (mark,)),
            ),
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


def _functions(
    row: Row, at: str, listed: Instrument, mark: Factor
) -> tuple[MarginFunction, MarginFunction]:
    leverage = positive(row, "mmrLevConstant", at)
    scale, multiple = positive(row, "m", at), positive(row, "f", at)
    limit = rate(row, "mmrLimit", at)
    unit = Decimal(1) if listed.payoff is Payoff.INVERSE else mark.value
    base = 1 / (2 * leverage)
    slope = base / (scale * unit)  # of the rate in USD
    capped = scale * unit * (limit / base - 1)
    if limit <= base or multiple * limit <= 1 / positive(row, "maxLeverage", at):
        reason = f"mmrLimit {limit} leaves the formula no range below it"
        raise UnreadablePayloadError(where=f"{at}/mmrLimit", reason=reason)
    maintenance = MarginFunction((Piece(capped, ZERO, base, slope), Piece(INFINITY, ZERO, limit)))
    least = 1 / positive(row, "maxLeverage", at)
    crossing = scale * unit * (least / (multiple * base) - 1)
    pieces = [Piece(capped, ZERO, multiple * base, multiple * slope)]
    if crossing > 0:
        pieces.insert(0, Piece(crossing, ZERO, least))
    pieces.append(Piece(INFINITY, ZERO, min(Decimal(1), multiple * limit)))
    return MarginFunction(tuple(pieces)), maintenance


def _capacity(row: Row, at: str, listed: Instrument, mark: Factor) -> Observed[Decimal]:
    raw = row.get("crossRiskLimit")
    if raw is None:
        return Unknown("the venue publishes no cross risk limit for this contract")
    limit = positive(row, "crossRiskLimit", at)
    note = "crossRiskLimit read as position value in the settlement currency"
    if listed.payoff is Payoff.INVERSE:
        return Derived(limit * mark.value, f"{note}, at the mark price")
    return Derived(limit, note)
