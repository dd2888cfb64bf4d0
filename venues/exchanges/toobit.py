"""Toobit perpetuals: risk limits in contracts with initial and maintenance rates."""

from harmonize.core.payload import Snapshot
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.engines import hashkey_toobit
from venues.facts import Facts

ENGINE = hashkey_toobit.RiskLimitBrand(
    venue="toobit",
    contracts="commonGetApiV1ExchangeInfo",
    tickers="commonGetQuoteV1ContractTicker24hr",
    named=hashkey_toobit.linear_instrument,
)


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads the risk limits of every perpetual."""
    return hashkey_toobit.parse(ENGINE, snapshot, facts)


ADAPTER = VenueAdapter(
    venue="toobit",
    title="Toobit",
    host="api.toobit.com",
    endpoints=(
        Endpoint(ENGINE.tickers, "GET /quote/v1/contract/ticker/24hr", Purpose.PRICES),
        Endpoint(ENGINE.contracts, "GET /api/v1/exchangeInfo", Purpose.MARGIN),
    ),
    parse=parse,
)
