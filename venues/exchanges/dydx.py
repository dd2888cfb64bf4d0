"""dYdX v4 markets: one rate for every size, IM raised by the market's open interest."""

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
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, number, rate, read_members, word
from venues.parsing import tier_tables
from venues.parsing.units import ToUsd, factor

MARKETS = "indexerGetPerpetualMarkets"

COLUMNS = (
    Column("base initial", "/initialMarginFraction", "rate"),
    Column("maintenance", "/maintenanceMarginFraction", "rate"),
    Column("open interest", "/openInterest", "coins"),
    Column("lower cap", "/openInterestLowerCap", "USD"),
    Column("upper cap", "/openInterestUpperCap", "USD"),
)

_MODES = {"CROSS": MarginMode.CROSS, "ISOLATED": MarginMode.ISOLATED}


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every active market of the indexer."""
    defects: list[Defect] = []
    found = read_members(
        snapshot.answers(MARKETS), ("markets",), _ladder, defects, symbol_key="ticker"
    )
    return tier_tables.parsed(snapshot, found, facts, defects)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    if word(row, "status", at) != "ACTIVE":
        return
    listed = instrument(word(row, "ticker", at), at)
    mode = word(row, "marketType", at)
    if mode not in _MODES:
        reason = f"CROSS or ISOLATED was due, was {mode!r}"
        raise UnreadablePayloadError(where=f"{at}/marketType", reason=reason)
    price = factor(payload, f"oracle price of {listed.id}", row, "oraclePrice", at, "USD")
    tier = Tier(
        upper=INFINITY,
        initial_rate=scaled_initial(
            base=rate(row, "initialMarginFraction", at),
            open_interest=number(row, "openInterest", at) * price.value,
            lower=number(row, "openInterestLowerCap", at),
            upper=number(row, "openInterestUpperCap", at),
        ),
        maintenance_rate=rate(row, "maintenanceMarginFraction", at),
    )
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(_MODES[mode]),
        tiers=(tier,),
        rows=(at,),
        columns=COLUMNS,
        usd=ToUsd(Decimal(1), Conversion("open interest × oracle price", (price,)), ""),
        notes=("IM depends on the market's open interest in the snapshot, not on the position.",),
    )


def scaled_initial(
    *, base: Decimal, open_interest: Decimal, lower: Decimal, upper: Decimal
) -> Decimal:
    """``min(1, base + max(0, (OI - lower) / (upper - lower)) * (1 - base))``; amounts in USD.

    An upper cap of 0 switches scaling off. Source: dYdX v4 chain, liquidity_tier.go.
    """
    if upper <= lower:
        return base
    share = max(Decimal(0), (open_interest - lower) / (upper - lower))
    return min(Decimal(1), base + share * (1 - base))


def instrument(ticker: str, at: str) -> Instrument:
    """Take a ticker apart: BTC-USD, settled in USDC. Raises UnreadablePayloadError."""
    base, _, quote = ticker.rpartition("-")
    if not base or quote != "USD":
        reason = f"BASE-USD was due, was {ticker!r}"
        raise UnreadablePayloadError(where=f"{at}/ticker", reason=reason)
    # Long names carry their issuer's address after a comma: only the code names the asset.
    return contract("dydx", ticker, base=base.split(",")[0], quote="USDC", settle="USDC")


ADAPTER = VenueAdapter(
    venue="dydx",
    title="dYdX v4",
    host="indexer.dydx.trade",
    endpoints=(Endpoint(MARKETS, "GET /v4/perpetualMarkets", Purpose.MARGIN),),
    parse=parse,
)
