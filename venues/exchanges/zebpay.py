"""ZebPay futures: the largest leverage; its margin percentages contradict it and are not used."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates as single
from venues.parsing import tiers as ladder

INSTRUMENTS = "publicSwapGetV1MarketMarkets"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return single.parsed(snapshot, facts, INSTRUMENTS, ("data", "symbols"), _ladder, "symbol")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[ladder.Ladder]:
    base, quote = word(row, "baseAsset", at), word(row, "quoteAsset", at)
    listed = contract("zebpay", word(row, "symbol", at), base=base, quote=quote, settle=quote)
    yield single.only_leverage(payload, row, at, listed)


ADAPTER = VenueAdapter(
    venue="zebpay",
    title="ZebPay",
    host="futuresbe.zebpay.com",
    endpoints=(Endpoint(INSTRUMENTS, "GET /api/v1/market/markets", Purpose.MARGIN),),
    parse=parse,
)
