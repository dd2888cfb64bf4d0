"""The engine behind HitBTC and its brands: only the largest leverage of each contract is public."""

from collections.abc import Callable, Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Defect, Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, iso_day, read_members, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

SYMBOLS = "publicGetPublicSymbol"
LEVERAGE = flat_rates.PublishedRate("max_initial_leverage", "leverage")


def parse(venue: str, snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    defects: list[Defect] = []

    def build(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
        return _ladder(venue, payload, row, at)

    found = read_members(snapshot.answers(SYMBOLS), (), build, defects)
    return tiers.parsed(snapshot, found, facts, defects)


def _ladder(venue: str, payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    if row.get("type") != "futures" or row.get("status") != "working":
        return
    quote, base = word(row, "quote_currency", at), word(row, "underlying", at)
    expiry = None if row.get("expiry") is None else iso_day(row, "expiry", at)
    id_ = at.removeprefix("/")
    listed = contract(venue, id_, base=base, quote=quote, settle=quote, expiry=expiry)
    yield flat_rates.only_leverage(payload, row, at, listed, LEVERAGE)


def adapter(
    venue: str, title: str, host: str, read: Callable[[Snapshot, Facts], Parsed]
) -> VenueAdapter:
    """One brand on the engine."""
    prefix = "GET /api/3/public"
    return VenueAdapter(
        venue=venue,
        title=title,
        host=host,
        endpoints=(
            Endpoint("publicGetPublicFuturesInfo", f"{prefix}/futures/info", Purpose.OPEN_INTEREST),
            Endpoint("publicGetPublicTicker", f"{prefix}/ticker", Purpose.PRICES),
            Endpoint(SYMBOLS, f"{prefix}/symbol", Purpose.MARGIN),
        ),
        parse=read,
    )
