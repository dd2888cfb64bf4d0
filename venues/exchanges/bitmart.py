"""BitMart futures: only the largest leverage of each contract is public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates as single
from venues.parsing import tiers as ladder

INSTRUMENTS = "publicGetContractPublicDetails"

LEVERAGE = single.Stated("max_leverage", "leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return single.parsed(snapshot, facts, INSTRUMENTS, ("data", "symbols"), _ladder, "symbol")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[ladder.Ladder]:
    if word(row, "status", at) != "Trading":
        return
    base, quote = word(row, "base_currency", at), word(row, "quote_currency", at)
    listed = contract("bitmart", word(row, "symbol", at), base=base, quote=quote, settle=quote)
    yield single.only_leverage(payload, row, at, listed, LEVERAGE)


ADAPTER = VenueAdapter(
    venue="bitmart",
    title="BitMart",
    endpoints=(Endpoint(INSTRUMENTS, "GET /contract/public/details", Purpose.MARGIN),),
    parse=parse,
    closed="ccxt no longer has this venue, so it is read from recordings alone",
)
