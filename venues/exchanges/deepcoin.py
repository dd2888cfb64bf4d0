"""Deepcoin swaps: the instrument list gives the largest leverage; no recording shows its steps."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import once
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "publicGetDeepcoinMarketInstruments"

LEVERAGE = flat_rates.PublishedRate("lever", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data",), _ladder, "instId")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    if row.get("instType") != "SWAP" or row.get("state") != "live":
        return
    base, quote = word(row, "baseCcy", at), word(row, "quoteCcy", at)
    settle = base if quote == "USD" else quote
    listed = contract("deepcoin", word(row, "instId", at), base=base, quote=quote, settle=settle)
    yield flat_rates.only_leverage(payload, row, at, listed, LEVERAGE)


ADAPTER = VenueAdapter(
    venue="deepcoin",
    title="Deepcoin",
    host="api.deepcoin.com",
    endpoints=(
        Endpoint(
            "publicGetDeepcoinMarketTickers",
            "GET /deepcoin/market/tickers",
            Purpose.PRICES,
            ask=once(instType="SWAP"),
        ),
        Endpoint(
            INSTRUMENTS,
            "GET /deepcoin/market/instruments",
            Purpose.MARGIN,
            ask=once(instType="SWAP"),
        ),
    ),
    parse=parse,
)
