"""Crypto.com derivatives: maximum leverage only; the scale of its size-dependent rate is unknown."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Payload, Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, date_of_milliseconds, optional_number, text_value
from venues.parsing import flat_rates, tier_tables
from venues.parsing.listing import has_ended

INSTRUMENTS = "v1PublicGetPublicGetInstruments"
LEVERAGE = flat_rates.PublishedRate("max_leverage", "leverage")
_CONTRACT_TYPES = {"PERPETUAL_SWAP", "FUTURE"}


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract that trades. IM is ``N / max_leverage``, the lowest possible margin.

    The venue adds a rate per unit of position (``unit_margin_rate``). No source states its scale,
    so it is gathered and not used.
    """
    return flat_rates.parse_rows(snapshot, facts, INSTRUMENTS, ("result", "data"), _tier_table)


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    if (
        text_value(row, "inst_type", pointer) not in _CONTRACT_TYPES
        or row.get("tradable") is not True
        or has_ended(payload, row, "expiry_timestamp_ms", pointer)
    ):
        return
    base, quote = text_value(row, "base_ccy", pointer), text_value(row, "quote_ccy", pointer)
    id_ = text_value(row, "symbol", pointer)
    key = "expiry_timestamp_ms"
    is_dated = optional_number(row, key, pointer)
    expiry = date_of_milliseconds(row, key, pointer) if is_dated else None
    instrument = contract("cryptocom", id_, base=base, quote=quote, settle=quote, expiry=expiry)
    yield flat_rates.table_from_leverage(payload, row, pointer, instrument, LEVERAGE)


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
