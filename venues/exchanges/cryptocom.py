"""Crypto.com derivatives: the largest leverage; how rates rise with size has no known scale."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, day, number, word
from venues.parsing import flat_rates
from venues.parsing import tier_tables as tiers

INSTRUMENTS = "v1PublicGetPublicGetInstruments"
LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")
_KINDS = {"PERPETUAL_SWAP", "FUTURE"}


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract that trades; IM is the least, ``N / max_leverage``.

    The venue adds a rate per unit held (``unit_margin_rate``), whose scale no source states; it is
    gathered and not used.
    """
    return flat_rates.parsed(snapshot, facts, INSTRUMENTS, ("result", "data"), _ladder)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tiers.TierTable]:
    if word(row, "inst_type", at) not in _KINDS or row.get("tradable") is not True:
        return
    base, quote = word(row, "base_ccy", at), word(row, "quote_ccy", at)
    id_ = word(row, "symbol", at)
    key = "expiry_timestamp_ms"
    expiry = day(row, key, at) if number(row, key, at) else None
    listed = contract("cryptocom", id_, base=base, quote=quote, settle=quote, expiry=expiry)
    yield flat_rates.only_leverage(payload, row, at, listed, LEVERAGE)


_PATH = "/exchange/v1/public"

ADAPTER = VenueAdapter(
    venue="cryptocom",
    title="Crypto.com",
    host="api.crypto.com",
    endpoints=(
        Endpoint("v1PublicGetPublicGetTickers", f"GET {_PATH}/get-tickers", Purpose.PRICES),
        Endpoint(
            "v1PublicGetPublicGetRiskParameters",
            f"GET {_PATH}/get-risk-parameters",
            Purpose.INSTRUMENTS,
        ),
        Endpoint(INSTRUMENTS, f"GET {_PATH}/get-instruments", Purpose.MARGIN),
    ),
    parse=parse,
)
