"""Deepcoin swaps: the instrument list gives the largest leverage; no recording shows its steps."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import once
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates as single
from venues.parsing import tiers as ladder

INSTRUMENTS = "publicGetDeepcoinMarketInstruments"

LEVERAGE = single.Stated("lever", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return single.parsed(snapshot, facts, INSTRUMENTS, ("data",), _ladder, "instId")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[ladder.Ladder]:
    if row.get("instType") != "SWAP" or row.get("state") != "live":
        return
    base, quote = word(row, "baseCcy", at), word(row, "quoteCcy", at)
    settle = base if quote == "USD" else quote
    listed = contract("deepcoin", word(row, "instId", at), base=base, quote=quote, settle=settle)
    yield single.only_leverage(payload, row, at, listed, LEVERAGE)


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
