"""Delta Exchange futures: percentage rates that rise linearly above a notional threshold."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginFunction, MarginMode, Profile
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import next_by_cursor, single_call
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    iso_date,
    json_object,
    number,
    positive_number,
    read_rows,
    text_value,
)
from venues.parsing import formulas
from venues.parsing.listing import has_ended_on, trades

PRODUCTS = "publicGetProducts"
_FUTURES = {"perpetual_futures", "futures"}


_TRADING = frozenset({"operational", "disrupted_post_only"})
_HALTED = frozenset({"disrupted_cancel_only"})


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads ``rate % = margin + scaling_factor * max(0, N - max_leverage_notional)``.

    The rate applies to the whole position, for IM and MM alike. Source: delta.exchange/contracts.
    """
    defects: list[Defect] = []
    margin_formulas = read_rows(snapshot.answers(PRODUCTS), ("result",), _formula, defects)
    return formulas.build_schedules(margin_formulas, facts, defects)


def _formula(payload: Payload, row: JsonObject, pointer: str) -> Iterator[formulas.Formula]:
    contract_type = text_value(row, "contract_type", pointer)
    if contract_type not in _FUTURES or row.get("state", "live") != "live":
        return
    if not trades(row, "trading_status", pointer, _TRADING, _HALTED) or has_ended_on(
        payload, row, "settlement_time", pointer
    ):
        return
    base, quote, settle = (
        text_value(json_object(row.get(key), f"{pointer}/{key}"), "symbol", f"{pointer}/{key}")
        for key in ("underlying_asset", "quoting_asset", "settling_asset")
    )
    expiry = iso_date(row, "settlement_time", pointer) if contract_type == "futures" else None
    id_ = text_value(row, "symbol", pointer)
    yield formulas.Formula(
        payload=payload,
        instrument=contract("delta", id_, base=base, quote=quote, settle=settle, expiry=expiry),
        profile=Profile(MarginMode.ANY),
        pointer=pointer,
        columns=(
            Column("threshold", "/max_leverage_notional", "USD"),
            Column("initial base", "/initial_margin", "percent"),
            Column("initial slope", "/initial_margin_scaling_factor", "percent per USD"),
            Column("maintenance base", "/maintenance_margin", "percent"),
            Column("maintenance slope", "/maintenance_margin_scaling_factor", "percent per USD"),
        ),
        initial=_function(row, "initial_margin", pointer),
        maintenance=_function(row, "maintenance_margin", pointer),
    )


def _function(row: JsonObject, key: str, pointer: str) -> MarginFunction:
    base = positive_number(row, key, pointer) / 100
    if base > 1:
        reason = f"expected a rate of at most 100 %, found {base * 100}"
        raise UnreadablePayloadError(where=f"{pointer}/{key}", reason=reason)
    slope = number(row, f"{key}_scaling_factor", pointer) / 100
    return formulas.sloped_above(
        base, slope, positive_number(row, "max_leverage_notional", pointer)
    )


ADAPTER = VenueAdapter(
    venue="delta",
    title="Delta Exchange",
    host="api.delta.exchange",
    endpoints=(
        Endpoint("publicGetTickers", "GET /v2/tickers", Purpose.PRICES),
        Endpoint(
            PRODUCTS,
            "GET /v2/products",
            Purpose.MARGIN,
            calls=Calls.PAGES,
            call_plan=single_call(page_size="1000"),
            next_page=next_by_cursor("after", "meta", "after"),
        ),
    ),
    parse=parse,
)
