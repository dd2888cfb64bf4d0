"""Mudrex futures: only the largest leverage, and that for a key alone."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot, UnreadablePayloadError
from venues.adapter import Access, Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "privateGetFutures"

LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data",), _ladder, "symbol")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    symbol = word(row, "symbol", at)
    base = symbol.removesuffix("USDT")
    if not base or base == symbol:
        reason = f"{symbol!r} does not end in USDT"
        raise UnreadablePayloadError(where=f"{at}/symbol", reason=reason)
    listed = contract("mudrex", symbol, base=base, quote="USDT", settle="USDT")
    yield flat_rates.only_leverage(payload, row, at, listed, LEVERAGE)


ADAPTER = VenueAdapter(
    venue="mudrex",
    title="Mudrex",
    host="trade.mudrex.com",
    endpoints=(Endpoint(INSTRUMENTS, "GET /fapi/v1/futures", Purpose.MARGIN, access=Access.KEY),),
    parse=parse,
)
