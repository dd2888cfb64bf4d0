"""KuCoin futures, classic accounts: isolated risk-limit levels, and the continuous cross formula."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.instrument import Instrument, Payoff, contract
from harmonize.payload import (
    Column,
    Conversion,
    Defect,
    Evidence,
    Factor,
    Payload,
    Snapshot,
    UnreadablePayloadError,
)
from harmonize.schedule import (
    INFINITY,
    ZERO,
    Derived,
    Figure,
    MarginFunction,
    MarginMode,
    MarginSchedule,
    Piece,
    Profile,
    Tier,
    TierRule,
    Unknown,
)
from venues import ladder
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.reading import Row, number, positive, rate, read_rows, word
from venues.scattered import Gathered, Scattered, gather
from venues.units import currency, factor

LEVELS = "futuresPublicGetContractsRiskLimitSymbol"
CONTRACTS = "futuresPublicGetContractsActive"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read isolated levels and, from the contract list, the parameters of the cross formula."""
    defects: list[Defect] = []

    def cross(payload: Payload, row: Row, at: str) -> Iterator[MarginSchedule]:
        return _cross(payload, row, at, facts)

    schedules = read_rows(snapshot.answers(CONTRACTS), ("data",), cross, defects)
    levels = read_rows(snapshot.answers(LEVELS), ("data",), _level, defects)
    isolated = [_ladder(one) for one in gather(levels, defects)]
    parsed = ladder.parsed(snapshot, isolated, facts, defects)
    return Parsed((*schedules, *parsed.schedules), parsed.defects)


def _level(payload: Payload, row: Row, at: str) -> Iterator[Scattered]:
    tier = Tier(
        upper=positive(row, "maxRiskLimit", at),
        lower=number(row, "minRiskLimit", at),
        initial_rate=rate(row, "initialMargin", at),
        maintenance_rate=rate(row, "maintainMargin", at),
    )
    symbol = word(row, "symbol", at)
    _linear(symbol, at)
    yield Scattered(symbol, tier, at, payload)


def _ladder(found: Gathered) -> ladder.Ladder:
    listed = _linear(found.symbol, "")
    return ladder.Ladder(
        payload=found.payload,
        instrument=listed,
        profile=Profile(MarginMode.ISOLATED, "classic"),
        tiers=found.tiers,
        rows=found.rows,
        columns=(
            Column("upper", "/maxRiskLimit", "quote currency"),
            Column("lower", "/minRiskLimit", "quote currency"),
            Column("initial", "/initialMargin", "rate"),
            Column("maintenance", "/maintainMargin", "rate"),
        ),
        usd=currency(listed, listed.quote),
        notes=("The user sets the level; the rate of the level holds for the whole position.",),
    )


def _linear(symbol: str, at: str) -> Instrument:
    """Name a USDT contract by its symbol: XBTUSDTM. Raises UnreadablePayloadError."""
    base = symbol.removesuffix("USDTM")
    if not base or base == symbol:
        reason = f"a USDT contract BASEUSDTM was due, was {symbol!r}"
        raise UnreadablePayloadError(where=f"{at}/symbol", reason=reason)
    return contract("kucoin", symbol, base=base, quote="USDT", settle="USDT")


def _cross(payload: Payload, row: Row, at: str, facts: Facts) -> Iterator[MarginSchedule]:
    """``MMR = min((1 + n/m) / (2 * L), limit)``, ``IMR = max(1/L, f * MMR)`` on the whole position.

    n is the position in coins (in contracts of 1 USD on inverse ones), L the largest leverage.
    Source: KuCoin, "Max position size" help page; the rate formula is the web client's and gives
    the exchange's own sample positions exactly.
    """
    if row.get("supportCross") is not True:
        return
    listed = _listed(row, at)
    mode = MarginMode.CROSS
    day = payload.observed_at.date()
    fact = facts.about("kucoin", listed.payoff, mode, day)
    if fact is None:
        reason = f"no source says how cross margin was computed on {day}"
        raise UnreadablePayloadError(where=at, reason=reason)
    mark = factor(payload, f"mark price of {listed.id}", row, "markPrice", at, "USD")
    functions = _functions(row, at, listed, mark)
    yield MarginSchedule(
        instrument=listed,
        profile=Profile(mode, "classic"),
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


def _listed(row: Row, at: str) -> Instrument:
    base, quote, settle = (
        word(row, key, at) for key in ("baseCurrency", "quoteCurrency", "settleCurrency")
    )
    return contract("kucoin", word(row, "symbol", at), base=base, quote=quote, settle=settle)


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


def _capacity(row: Row, at: str, listed: Instrument, mark: Factor) -> Figure[Decimal]:
    raw = row.get("crossRiskLimit")
    if raw is None:
        return Unknown("the venue publishes no cross risk limit for this contract")
    limit = positive(row, "crossRiskLimit", at)
    note = "crossRiskLimit read as position value in the settlement currency"
    if listed.payoff is Payoff.INVERSE:
        return Derived(limit * mark.value, f"{note}, at the mark price")
    return Derived(limit, note)


ADAPTER = VenueAdapter(
    venue="kucoin",
    title="KuCoin",
    endpoints=(
        Endpoint(
            LEVELS,
            "GET /api/v1/contracts/risk-limit/{symbol}",
            Purpose.MARGIN,
            calls=Calls.PER_SYMBOL,
        ),
        Endpoint(CONTRACTS, "GET /api/v1/contracts/active", Purpose.MARGIN),
    ),
    parse=parse,
)
