"""Backpack perpetuals: margin rates that rise with the square root of position notional."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginFunction, MarginMode, Profile
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import JsonObject, json_object, number, rate, read_rows, text_value
from venues.parsing import formulas
from venues.parsing.listing import trades

MARKETS = "publicGetApiV1Markets"
_TRADING = frozenset({"Open", "LimitOnly", "PostOnly"})
NOTIONAL_WITH_ORDERS = (
    "argument of the square root read as the exposure, position and open orders at mark"
)


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads IM and MM as ``rate = max(base, factor * sqrt(N))`` on the whole position.

    Source: the payload names base, factor and type; Backpack, "Futures Specs".
    """
    defects: list[Defect] = []
    margin_formulas = read_rows(snapshot.answers(MARKETS), (), _formula, defects)
    return formulas.build_schedules(margin_formulas, facts, defects)


def _formula(payload: Payload, row: JsonObject, pointer: str) -> Iterator[formulas.Formula]:
    if text_value(row, "marketType", pointer) != "PERP":
        return
    if not trades(row, "orderBookState", pointer, _TRADING):
        return
    base, quote = text_value(row, "baseSymbol", pointer), text_value(row, "quoteSymbol", pointer)
    yield formulas.Formula(
        payload=payload,
        instrument=contract(
            "backpack", text_value(row, "symbol", pointer), base=base, quote=quote, settle=quote
        ),
        profile=Profile(MarginMode.CROSS),
        pointer=pointer,
        columns=(
            Column("initial base", "/imfFunction/base", "rate"),
            Column("initial factor", "/imfFunction/factor", "rate per √USD"),
            Column("maintenance base", "/mmfFunction/base", "rate"),
            Column("maintenance factor", "/mmfFunction/factor", "rate per √USD"),
        ),
        initial=_function(row, "imfFunction", pointer),
        maintenance=_function(row, "mmfFunction", pointer),
        unverified=(NOTIONAL_WITH_ORDERS,),
    )


def _function(row: JsonObject, key: str, pointer: str) -> MarginFunction:
    function_pointer = f"{pointer}/{key}"
    parameters = json_object(row.get(key), function_pointer)
    kind = text_value(parameters, "type", function_pointer)
    if kind != "sqrt":
        reason = f"expected sqrt, found {kind!r}"
        raise UnreadablePayloadError(where=f"{function_pointer}/type", reason=reason)
    base = rate(parameters, "base", function_pointer)
    factor = number(parameters, "factor", function_pointer)
    return formulas.power_above(base, factor, Decimal("0.5"))


ADAPTER = VenueAdapter(
    venue="backpack",
    title="Backpack",
    host="api.backpack.exchange",
    endpoints=(
        Endpoint("publicGetApiV1MarkPrices", "GET /api/v1/markPrices", Purpose.PRICES),
        Endpoint("publicGetApiV1OpenInterest", "GET /api/v1/openInterest", Purpose.OPEN_INTEREST),
        Endpoint("publicGetApiV1Tickers", "GET /api/v1/tickers", Purpose.PRICES),
        Endpoint(MARKETS, "GET /api/v1/markets", Purpose.MARGIN),
    ),
    parse=parse,
)
