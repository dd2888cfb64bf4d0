"""BloFin swaps: the instrument list gives the largest leverage; no recording shows its tiers."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot, UnreadablePayloadError
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "publicGetMarketInstruments"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("data",), _ladder, "instId")


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    if row.get("instType") != "SWAP" or row.get("state") != "live":
        return
    base, quote = word(row, "baseCurrency", at), word(row, "quoteCurrency", at)
    kind = word(row, "contractType", at)
    if kind not in {"linear", "inverse"}:
        reason = f"linear or inverse was due, was {kind!r}"
        raise UnreadablePayloadError(where=f"{at}/contractType", reason=reason)
    settle = quote if kind == "linear" else base
    listed = contract("blofin", word(row, "instId", at), base=base, quote=quote, settle=settle)
    yield flat_rates.only_leverage(payload, row, at, listed)


ADAPTER = VenueAdapter(
    venue="blofin",
    title="BloFin",
    host="openapi.blofin.com",
    endpoints=(
        Endpoint("publicGetMarketTickers", "GET /api/v1/market/tickers", Purpose.PRICES),
        Endpoint("publicGetMarketMarkPrice", "GET /api/v1/market/mark-price", Purpose.PRICES),
        Endpoint(INSTRUMENTS, "GET /api/v1/market/instruments", Purpose.MARGIN),
    ),
    parse=parse,
)
