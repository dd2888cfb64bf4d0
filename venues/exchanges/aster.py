"""Aster perpetuals: leverage brackets in Binance's shape, for an account alone."""

from harmonize.core.payload import Defect, Snapshot
from venues.adapter import Access, Endpoint, Parsed, Purpose, VenueAdapter
from venues.engines import binance_brackets
from venues.facts import Facts
from venues.fields import read_rows
from venues.parsing import tier_tables as tiers

BRACKETS = "fapiPrivateGetV3LeverageBracket"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every symbol's brackets."""
    defects: list[Defect] = []
    found = read_rows(snapshot.answers(BRACKETS), (), binance_brackets.linear, defects)
    return tiers.parsed(snapshot, found, facts, defects)


ADAPTER = VenueAdapter(
    venue="aster",
    title="Aster",
    host="fapi.asterdex.com",
    endpoints=(
        Endpoint("fapiPublicGetV3PremiumIndex", "GET /fapi/v3/premiumIndex", Purpose.PRICES),
        Endpoint(BRACKETS, "GET /fapi/v3/leverageBracket", Purpose.MARGIN, Access.KEY),
    ),
    parse=parse,
)
