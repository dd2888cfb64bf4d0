"""Bullish perpetuals and futures: portfolio margin without published rates per contract."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot
from harmonize.core.schedule import MarginMode, Profile, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, iso_date, read_rows, text_value, upper_bound
from venues.parsing import formulas
from venues.parsing.listing import has_ended_on

MARKETS = "publicGetV1Markets"
NO_RATE = Unknown("the venue margins portfolios and publishes no rates per contract")
_MARKET_TYPES = {"PERPETUAL", "DATED_FUTURE"}


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every derivative market and lists its margins as unknown."""
    defects: list[Defect] = []
    margin_formulas = read_rows(snapshot.answers(MARKETS), (), _formula, defects)
    return formulas.build_schedules(margin_formulas, facts, defects)


def _formula(payload: Payload, row: JsonObject, pointer: str) -> Iterator[formulas.Formula]:
    if (
        text_value(row, "marketType", pointer) not in _MARKET_TYPES
        or row.get("marketEnabled") is not True
        or has_ended_on(payload, row, "expiryDatetime", pointer)
    ):
        return
    base = text_value(row, "underlyingBaseSymbol", pointer)
    quote = text_value(row, "underlyingQuoteSymbol", pointer)
    settle = text_value(row, "settlementAssetSymbol", pointer)
    id_ = text_value(row, "symbol", pointer)
    upper_bound(row, "openInterestLimitUSD", pointer)
    expiry = (
        iso_date(row, "expiryDatetime", pointer) if row.get("expiryDatetime") is not None else None
    )
    yield formulas.Formula(
        payload=payload,
        instrument=contract("bullish", id_, base=base, quote=quote, settle=settle, expiry=expiry),
        profile=Profile(MarginMode.CROSS, "portfolio"),
        pointer=pointer,
        columns=(Column("open interest limit", "/openInterestLimitUSD", "USD"),),
        initial=NO_RATE,
        maintenance=NO_RATE,
    )


ADAPTER = VenueAdapter(
    venue="bullish",
    title="Bullish",
    host="api.exchange.bullish.com",
    endpoints=(Endpoint(MARKETS, "GET /trading-api/v1/markets", Purpose.MARGIN),),
    parse=parse,
)
