"""Poloniex futures: the rates of a contract's first tier; bounds stand in the tiers alone."""

from collections.abc import Iterator

from harmonize.instrument import contract
from harmonize.payload import Payload, Snapshot, UnreadablePayloadError
from venues import ladder, single
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.reading import Row, word

INSTRUMENTS = "swapPublicGetV3MarketAllInstruments"
INITIAL, MAINTENANCE = single.Stated("iM"), single.Stated("mM")
FIRST = "the rates of the first tier; the instrument list does not say how far it reaches"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every open contract. The tiers take one call a symbol, and no recording shows them."""
    return single.parsed(snapshot, facts, INSTRUMENTS, ("data",), _ladder)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[ladder.Ladder]:
    if word(row, "status", at) != "OPEN":
        return
    kind = word(row, "ctType", at)
    if kind not in {"LINEAR", "INVERSE"}:
        reason = f"LINEAR or INVERSE was due, was {kind!r}"
        raise UnreadablePayloadError(where=f"{at}/ctType", reason=reason)
    base, quote = word(row, "bCcy", at), word(row, "qCcy", at)
    settle = word(row, "sCcy", at)
    listed = contract("poloniex", word(row, "symbol", at), base=base, quote=quote, settle=settle)
    yield single.both(payload, row, at, listed, INITIAL, MAINTENANCE, doubts=(FIRST,), aside=FIRST)


ADAPTER = VenueAdapter(
    venue="poloniex",
    title="Poloniex",
    host="api.poloniex.com",
    endpoints=(
        Endpoint("swapPublicGetV3MarketTickers", "GET /v3/market/tickers", Purpose.PRICES),
        Endpoint(INSTRUMENTS, "GET /v3/market/allInstruments", Purpose.MARGIN),
    ),
    parse=parse,
)
