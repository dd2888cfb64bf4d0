"""Paradex perpetuals: a base initial rate, and maintenance as a share of it."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot
from harmonize.core.schedule import MarginMode, Profile, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import single_call
from venues.facts import Facts
from venues.fields import JsonObject, json_object, number, rate, read_rows, text_value
from venues.parsing import formulas
from venues.parsing.listing import has_begun, has_ended

MARKETS = "publicGetMarkets"
_PARAMS = "delta1_cross_margin_params"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads ``IMR = imf_base`` and ``MMR = imf_base * mmf_factor`` on the whole position at mark.

    ``imf_factor`` and ``imf_shift`` made the rate rise with size in 2024 and are now always 0. If
    either is not 0, no source states the formula. Source: docs.paradex.trade, risk checks.
    """
    defects: list[Defect] = []
    margin_formulas = read_rows(snapshot.answers(MARKETS), ("results",), _formula, defects)
    return formulas.build_schedules(margin_formulas, facts, defects)


def _formula(payload: Payload, row: JsonObject, pointer: str) -> Iterator[formulas.Formula]:
    if text_value(row, "asset_kind", pointer) != "PERP":
        return
    has_opened = has_begun(payload, row, "open_at", pointer)
    if not has_opened or has_ended(payload, row, "expiry_at", pointer):
        return
    params_pointer = f"{pointer}/{_PARAMS}"
    params = json_object(row.get(_PARAMS), params_pointer)
    base_rate = rate(params, "imf_base", params_pointer)
    maintenance_share = rate(params, "mmf_factor", params_pointer)
    rises_with_size = number(params, "imf_factor", params_pointer) or number(
        params, "imf_shift", params_pointer
    )
    unknown_formula = Unknown("the rate rises with size by a formula that no source states")
    base, quote = (
        text_value(row, "base_currency", pointer),
        text_value(row, "quote_currency", pointer),
    )
    settle = text_value(row, "settlement_currency", pointer)
    instrument = contract(
        "paradex", text_value(row, "symbol", pointer), base=base, quote=quote, settle=settle
    )
    yield formulas.Formula(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.CROSS),
        pointer=params_pointer,
        columns=(
            Column("initial base", "/imf_base", "rate"),
            Column("maintenance share of initial", "/mmf_factor", "times"),
        ),
        initial=unknown_formula if rises_with_size else formulas.single_rate(base_rate),
        maintenance=unknown_formula
        if rises_with_size
        else formulas.single_rate(base_rate * maintenance_share),
    )


ADAPTER = VenueAdapter(
    venue="paradex",
    title="Paradex",
    host="api.prod.paradex.trade",
    endpoints=(
        Endpoint(
            "publicGetMarketsSummary",
            "GET /v1/markets/summary",
            Purpose.PRICES,
            call_plan=single_call(market="ALL"),
        ),
        Endpoint(MARKETS, "GET /v1/markets", Purpose.MARGIN),
    ),
    parse=parse,
)
