"""WOO X perpetuals: the least initial and maintenance rates; their rise with size is not public."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot, UnreadablePayloadError
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "v3PublicGetInstruments"
INITIAL, MAINTENANCE = flat_rates.PublishedRate("baseIMR"), flat_rates.PublishedRate("baseMMR")
RISE = "the least rates; they rise with size by a factor that is not in the payload"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every perpetual that trades."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data", "rows"), _ladder)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    symbol = word(row, "symbol", at)
    kind, _, name = symbol.partition("_")
    if kind == "SPOT" or word(row, "status", at) != "TRADING":
        return
    if kind != "PERP" or "_" not in name:
        reason = f"PERP_BASE_QUOTE was due, was {symbol!r}"
        raise UnreadablePayloadError(where=f"{at}/symbol", reason=reason)
    base, quote = word(row, "baseAsset", at), word(row, "quoteAsset", at)
    listed = contract("woo", symbol, base=base, quote=quote, settle=quote)
    yield flat_rates.both(
        payload, row, at, listed, INITIAL, MAINTENANCE, doubts=(RISE,), exclusion_reason=RISE
    )


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
