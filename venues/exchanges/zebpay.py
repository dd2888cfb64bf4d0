"""ZebPay futures: the largest leverage; its margin percentages contradict it and are not used."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "publicSwapGetV1MarketMarkets"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data", "symbols"), _ladder, "symbol")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    base, quote = word(row, "baseAsset", at), word(row, "quoteAsset", at)
    listed = contract("zebpay", word(row, "symbol", at), base=base, quote=quote, settle=quote)
    yield flat_rates.only_leverage(payload, row, at, listed)


ADAPTER = VenueAdapter(
    venue="zebpay",
    title="ZebPay",
    host="futuresbe.zebpay.com",
    endpoints=(Endpoint(INSTRUMENTS, "GET /api/v1/market/markets", Purpose.MARGIN),),
    parse=parse,
)
