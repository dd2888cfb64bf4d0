"""BTSE futures: risk limits per level without rates or unit, so margins are unknown."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    check_tier_number,
    iter_objects,
    read_rows,
    text_value,
    upper_bound,
)
from venues.parsing import formulas

LIMITS = "publicGetPublicApiMarketV1RiskLimits"
NO_RATE = Unknown("the venue publishes risk limits per level without margin rates or leverage")


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads the levels of every contract and lists its margins as unknown."""
    defects: list[Defect] = []
    margin_formulas = read_rows(snapshot.answers(LIMITS), ("data",), _formula, defects)
    return formulas.build_schedules(margin_formulas, facts, defects)


def _formula(payload: Payload, row: JsonObject, pointer: str) -> Iterator[formulas.Formula]:
    symbol = text_value(row, "symbol", pointer)
    parts = symbol.rsplit("-", 2)
    if len(parts) != 3:  # noqa: PLR2004 - base, kind, quote
        reason = f"expected BASE-PERP-QUOTE, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
    base, _, quote = parts
    for ordinal, (level_pointer, level) in enumerate(
        iter_objects(row.get("riskLimits"), f"{pointer}/riskLimits"), 1
    ):
        check_tier_number(level, "level", ordinal, level_pointer)
        upper_bound(level, "value", level_pointer)
    yield formulas.Formula(
        payload=payload,
        instrument=contract("btse", symbol, base=base, quote=quote, settle=quote),
        profile=Profile(MarginMode.ANY),
        pointer=f"{pointer}/riskLimits/0",
        columns=(Column("first risk limit", "/value", "not stated"),),
        initial=NO_RATE,
        maintenance=NO_RATE,
        capacity=Unknown("the venue does not state the unit of its risk limits"),
    )


ADAPTER = VenueAdapter(
    venue="btse",
    title="BTSE",
    host="api.btse.com",
    endpoints=(
        Endpoint(
            "publicGetFuturesApiV23MarketSummary",
            "GET /futures/api/v2.3/market_summary",
            Purpose.PRICES,
        ),
        Endpoint(LIMITS, "GET /public-api/market/v1/riskLimits", Purpose.MARGIN),
    ),
    parse=parse,
)
