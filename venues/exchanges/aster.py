"""Aster perpetuals: leverage brackets in Binance's format, available only with an API key."""

from harmonize.core.payload import Defect, Snapshot
from venues.adapter import Access, Endpoint, Parsed, Purpose, VenueAdapter
from venues.engines import binance_brackets
from venues.facts import Facts
from venues.fields import read_rows
from venues.parsing import tier_tables

CONTRACTS = "fapiPublicGetV3ExchangeInfo"
BRACKETS = "fapiPrivateGetV3LeverageBracket"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads the brackets of every contract that trades."""
    defects: list[Defect] = []
    tables = read_rows(snapshot.answers(BRACKETS), (), binance_brackets.read_tier_tables, defects)
    tables = binance_brackets.open_tables(snapshot, CONTRACTS, tables, defects)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


ADAPTER = VenueAdapter(
    venue="aster",
    title="Aster",
    host="fapi.asterdex.com",
    endpoints=(
        Endpoint("fapiPublicGetV3PremiumIndex", "GET /fapi/v3/premiumIndex", Purpose.PRICES),
        Endpoint(CONTRACTS, "GET /fapi/v3/exchangeInfo", Purpose.STATUS),
        Endpoint(BRACKETS, "GET /fapi/v3/leverageBracket", Purpose.MARGIN, Access.KEY),
    ),
    parse=parse,
)
