"""BitMart futures: only the largest leverage of each contract is public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "publicGetContractPublicDetails"

LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data", "symbols"), _ladder, "symbol")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    if word(row, "status", at) != "Trading":
        return
    base, quote = word(row, "base_currency", at), word(row, "quote_currency", at)
    listed = contract("bitmart", word(row, "symbol", at), base=base, quote=quote, settle=quote)
    yield flat_rates.only_leverage(payload, row, at, listed, LEVERAGE)


ADAPTER = VenueAdapter(
    venue="bitmart",
    title="BitMart",
    endpoints=(Endpoint(INSTRUMENTS, "GET /contract/public/details", Purpose.MARGIN),),
    parse=parse,
    closed="ccxt no longer has this venue, so it is read from recordings alone",
)
