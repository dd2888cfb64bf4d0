"""Delta Exchange futures: percent rates that rise linearly above a threshold of notional."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginFunction, MarginMode, Profile
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import cursor, once
from venues.facts import Facts
from venues.fields import Row, iso_day, mapping, number, positive, read_rows, word
from venues.parsing import formulas

PRODUCTS = "publicGetProducts"
_FUTURES = {"perpetual_futures", "futures"}


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """``rate % = margin + scaling_factor * max(0, N - max_leverage_notional)``, of the whole position.

    Source: delta.exchange/contracts, for initial and maintenance margin alike.
    """
    defects: list[Defect] = []
    found = read_rows(snapshot.answers(PRODUCTS), ("result",), _formula, defects)
    return formulas.parsed(found, facts, defects)


def _formula(payload: Payload, row: Row, at: str) -> Iterator[formulas.Formula]:
    kind = word(row, "contract_type", at)
    if kind not in _FUTURES or row.get("state", "live") != "live":
        return
    base, quote, settle = (
        word(mapping(row.get(key), f"{at}/{key}"), "symbol", f"{at}/{key}")
        for key in ("underlying_asset", "quoting_asset", "settling_asset")
    )
    expiry = iso_day(row, "settlement_time", at) if kind == "futures" else None
    id_ = word(row, "symbol", at)
    yield formulas.Formula(
        payload=payload,
        instrument=contract("delta", id_, base=base, quote=quote, settle=settle, expiry=expiry),
        profile=Profile(MarginMode.ANY),
        at=at,
        columns=(
            Column("threshold", "/max_leverage_notional", "USD"),
            Column("initial base", "/initial_margin", "percent"),
            Column("initial slope", "/initial_margin_scaling_factor", "percent per USD"),
            Column("maintenance base", "/maintenance_margin", "percent"),
            Column("maintenance slope", "/maintenance_margin_scaling_factor", "percent per USD"),
        ),
        initial=_function(row, "initial_margin", at),
        maintenance=_function(row, "maintenance_margin", at),
    )


def _function(row: Row, key: str, at: str) -> MarginFunction:
    base = positive(row, key, at) / 100
    if base > 1:
        reason = f"a rate of at most 100 % was due, was {base * 100}"
        raise UnreadablePayloadError(where=f"{at}/{key}", reason=reason)
    slope = number(row, f"{key}_scaling_factor", at) / 100
    return formulas.sloped_above(base, slope, positive(row, "max_leverage_notional", at))


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
            ask=once(page_size="1000"),
            next_page=cursor("after", "meta", "after"),
        ),
    ),
    parse=parse,
)
