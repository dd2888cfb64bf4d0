"""Bybit linear contracts: risk limits in settlement currency, marginal MM with mmDeduction."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

from harmonize.instrument import Instrument, contract
from harmonize.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.schedule import MarginMode, Profile, Tier
from venues import ladder
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.reading import Row, defect, number, positive, rate, read_rows, word
from venues.scattered import Gathered, Scattered, gather
from venues.units import currency

RISK_LIMIT = "publicGetV5MarketRiskLimit"

COLUMNS = (
    Column("upper", "/riskLimitValue", "settlement currency"),
    Column("initial", "/initialMargin", "rate"),
    Column("maintenance", "/maintenanceMargin", "rate"),
    Column("deduction", "/mmDeduction", "settlement currency"),
)
_DATED = re.compile(r"^(?P<base>[A-Z0-9]+?)(?P<quote>USDT)?-(?P<day>\d{2}[A-Z]{3}\d{2})$")
_RATE_IS_FRACTION = 1
_RATE_IS_PERCENT = 100
_ROUNDING = 0.05


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read all pages of the risk limit list; risk ids are not monotone in the limit."""
    defects: list[Defect] = []
    payloads = snapshot.answers(RISK_LIMIT)
    found = []
    for one in gather(read_rows(payloads, ("result", "list"), _tier, defects), defects):
        try:
            found.append(_ladder(one))
        except UnreadablePayloadError as error:
            defects.append(defect(one.payload, error, one.symbol))
    return ladder.parsed(snapshot, found, facts, defects)


def _tier(payload: Payload, row: Row, at: str) -> Iterator[Scattered]:
    leverage = positive(row, "maxLeverage", at)
    initial = positive(row, "initialMargin", at)
    product = float(initial * leverage)
    if abs(product - _RATE_IS_FRACTION) > _ROUNDING:
        unit = "percent" if abs(product / _RATE_IS_PERCENT - 1) <= _ROUNDING else "no unit we know"
        reason = f"initialMargin {initial} at {leverage}x is written in {unit}, a fraction was due"
        raise UnreadablePayloadError(where=f"{at}/initialMargin", reason=reason)
    tier = Tier(
        upper=positive(row, "riskLimitValue", at),
        initial_rate=rate(row, "initialMargin", at),
        maintenance_rate=rate(row, "maintenanceMargin", at),
        deduction=None if row.get("mmDeduction") == "" else number(row, "mmDeduction", at),
    )
    yield Scattered(word(row, "symbol", at), tier, at, payload)


def _ladder(found: Gathered) -> ladder.Ladder:
    if found.tiers[0].deduction:
        reason = "the lowest tier is missing, for the lowest found has a deduction"
        raise UnreadablePayloadError(where=f"{found.rows[0]}/mmDeduction", reason=reason)
    listed = instrument(found.symbol)
    return ladder.Ladder(
        payload=found.payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=found.tiers,
        rows=found.rows,
        columns=COLUMNS,
        usd=currency(listed, listed.settle),
    )


def instrument(symbol: str) -> Instrument:
    """Take a symbol apart: BTCUSDT, BTCPERP (USDC), BTC-26SEP25 (USDC), BTCUSDT-26SEP25.

    Raises UnreadablePayloadError: none of these.
    """
    dated = _DATED.match(symbol)
    if dated:
        quote = dated["quote"] or "USDC"
        day = _day(dated["day"])
        return contract("bybit", symbol, base=dated["base"], quote=quote, settle=quote, expiry=day)
    for ending, quote in (("USDT", "USDT"), ("PERP", "USDC")):
        base = symbol.removesuffix(ending)
        if base and base != symbol:
            return contract("bybit", symbol, base=base, quote=quote, settle=quote)
    reason = f"{symbol!r} is no linear contract's symbol that we know"
    raise UnreadablePayloadError(where="/symbol", reason=reason)


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%d%b%y").replace(tzinfo=UTC).date()
    except ValueError:
        reason = f"{text!r} is no expiry"
        raise UnreadablePayloadError(where="/symbol", reason=reason) from None


ADAPTER = VenueAdapter(
    venue="bybit",
    title="Bybit",
    endpoints=(
        Endpoint(RISK_LIMIT, "GET /v5/market/risk-limit", Purpose.MARGIN, calls=Calls.PAGES),
        Endpoint("publicGetV5MarketTickers", "GET /v5/market/tickers", Purpose.PRICES),
    ),
    parse=parse,
)
