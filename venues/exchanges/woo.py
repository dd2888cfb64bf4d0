"""WOO X perpetuals: the least initial and maintenance rates; their rise with size is not public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot, UnreadablePayloadError
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates as single
from venues.parsing import tiers as ladder

INSTRUMENTS = "v3PublicGetInstruments"
INITIAL, MAINTENANCE = single.Stated("baseIMR"), single.Stated("baseMMR")
RISE = "the least rates; they rise with size by a factor that is not in the payload"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every perpetual that trades."""
    return single.parsed(snapshot, facts, INSTRUMENTS, ("data", "rows"), _ladder)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[ladder.Ladder]:
    symbol = word(row, "symbol", at)
    kind, _, name = symbol.partition("_")
    if kind == "SPOT" or word(row, "status", at) != "TRADING":
        return
    if kind != "PERP" or "_" not in name:
        reason = f"PERP_BASE_QUOTE was due, was {symbol!r}"
        raise UnreadablePayloadError(where=f"{at}/symbol", reason=reason)
    base, quote = word(row, "baseAsset", at), word(row, "quoteAsset", at)
    listed = contract("woo", symbol, base=base, quote=quote, settle=quote)
    yield single.both(payload, row, at, listed, INITIAL, MAINTENANCE, doubts=(RISE,), aside=RISE)


ADAPTER = VenueAdapter(
    venue="woo",
    title="WOO X",
    host="api.woox.io",
    endpoints=(
        Endpoint("v3PublicGetFutures", "GET /v3/public/futures", Purpose.PRICES),
        Endpoint(INSTRUMENTS, "GET /v3/public/instruments", Purpose.MARGIN),
    ),
    parse=parse,
)
