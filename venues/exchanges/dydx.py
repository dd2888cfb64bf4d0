"""dYdX v4 markets: flat rates, with IM raised by the market's open interest."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import (
    Column,
    Conversion,
    Defect,
    Payload,
    Snapshot,
    UnreadablePayloadError,
)
from harmonize.core.schedule import INFINITY, ZERO, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, is_missing, number, rate, read_members, text_value
from venues.parsing import tier_tables
from venues.parsing.units import UsdConversion, read_factor

MARKETS = "indexerGetPerpetualMarkets"

COLUMNS = (
    Column("base initial", "/initialMarginFraction", "rate"),
    Column("maintenance", "/maintenanceMarginFraction", "rate"),
    Column("open interest", "/openInterest", "coins"),
)
CAPS = (
    Column("lower cap", "/openInterestLowerCap", "USD"),
    Column("upper cap", "/openInterestUpperCap", "USD"),
)
NO_CAPS = "IM without its rise by open interest: the response has no caps of open interest"

_MODES = {"CROSS": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every active market of the indexer."""
    defects: list[Defect] = []
    tables = read_members(
        snapshot.answers(MARKETS), ("markets",), _tier_table, defects, symbol_key="ticker"
    )
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if text_value(row, "status", pointer) != "ACTIVE":
        return
    instrument = parse_symbol(text_value(row, "ticker", pointer), pointer)
    # Markets before isolated ones existed have no type and are margined together.
    mode = "CROSS" if is_missing(row, "marketType") else text_value(row, "marketType", pointer)
    if mode not in _MODES:
        reason = f"expected CROSS or ISOLATED, found {mode!r}"
        raise UnreadablePayloadError(where=f"{pointer}/marketType", reason=reason)
    price = read_factor(
        payload, f"oracle price of {instrument.id}", row, "oraclePrice", pointer, "USD"
    )
    has_caps = "openInterestLowerCap" in row or "openInterestUpperCap" in row
    tier = Tier(
        upper=INFINITY,
        initial_rate=scaled_initial(
            base=rate(row, "initialMarginFraction", pointer),
            open_interest=number(row, "openInterest", pointer) * price.value,
            lower=number(row, "openInterestLowerCap", pointer) if has_caps else ZERO,
            upper=number(row, "openInterestUpperCap", pointer) if has_caps else ZERO,
        ),
        maintenance_rate=rate(row, "maintenanceMarginFraction", pointer),
    )
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(_MODES[mode]),
        tiers=(tier,),
        rows=(pointer,),
        columns=(*COLUMNS, *CAPS) if has_caps else COLUMNS,
        usd=UsdConversion(Decimal(1), Conversion("open interest × oracle price", (price,)), ""),
        notes=("IM depends on the market's open interest in the snapshot, not on the position.",),
        initial_doubts=() if has_caps else (NO_CAPS,),
    )


def scaled_initial(
    *, base: Decimal, open_interest: Decimal, lower: Decimal, upper: Decimal
) -> Decimal:
    """IM rate ``min(1, base + max(0, (OI - lower) / (upper - lower)) * (1 - base))``.

    Open interest and caps are in USD. An upper cap of 0 disables scaling. Source: dYdX v4 chain,
    liquidity_tier.go.
    """
    if upper <= lower:
        return base
    share = max(Decimal(0), (open_interest - lower) / (upper - lower))
    return min(Decimal(1), base + share * (1 - base))


def parse_symbol(ticker: str, pointer: str) -> Instrument:
    """Parses a ticker such as BTC-USD, settled in USDC. Raises UnreadablePayloadError.

    A long ticker, such as TRUMP,RAYDIUM,6P6X…-USD, appends exchange and address of its coin. It is
    another coin than that of TRUMP-USD, so all of it is the name of the asset.
    """
    base, _, quote = ticker.rpartition("-")
    if not base or quote != "USD":
        reason = f"expected BASE-USD, found {ticker!r}"
        raise UnreadablePayloadError(where=f"{pointer}/ticker", reason=reason)
    return contract("dydx", ticker, base=base, quote="USDC", settle="USDC")


ADAPTER = VenueAdapter(
    venue="dydx",
    title="dYdX v4",
    host="indexer.dydx.trade",
    endpoints=(Endpoint(MARKETS, "GET /v4/perpetualMarkets", Purpose.MARGIN),),
    parse=parse,
)
