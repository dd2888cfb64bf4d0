"""Paradex perpetuals: a base initial fraction, and maintenance as a part of it."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot
from harmonize.core.schedule import MarginMode, Profile, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import once
from venues.facts import Facts
from venues.fields import Row, mapping, number, rate, read_rows, word
from venues.parsing import formulas

MARKETS = "publicGetMarkets"
_AT = "delta1_cross_margin_params"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """``IMR = imf_base``, ``MMR = imf_base * mmf_factor``, on the whole position at mark.

    Source: docs.paradex.trade, risk checks: ``imf_factor`` and ``imf_shift``, which made the rate
    rise with size in 2024, are now always 0. Where one is not, no source states the formula.
    """
    defects: list[Defect] = []
    found = read_rows(snapshot.answers(MARKETS), ("results",), _formula, defects)
    return formulas.parsed(found, facts, defects)


def _formula(payload: Payload, row: Row, at: str) -> Iterator[formulas.Formula]:
    if word(row, "asset_kind", at) != "PERP":
        return
    there = f"{at}/{_AT}"
    params = mapping(row.get(_AT), there)
    base, part = rate(params, "imf_base", there), rate(params, "mmf_factor", there)
    grows = number(params, "imf_factor", there) or number(params, "imf_shift", there)
    unknown = Unknown("the fraction rises with size, by a formula that no source states")
    coin, quote = word(row, "base_currency", at), word(row, "quote_currency", at)
    settle = word(row, "settlement_currency", at)
    listed = contract("paradex", word(row, "symbol", at), base=coin, quote=quote, settle=settle)
    yield formulas.Formula(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.CROSS),
        at=there,
        columns=(
            Column("initial base", "/imf_base", "rate"),
            Column("maintenance part of initial", "/mmf_factor", "times"),
        ),
        initial=unknown if grows else formulas.least(base),
        maintenance=unknown if grows else formulas.least(base * part),
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
            ask=once(market="ALL"),
        ),
        Endpoint(MARKETS, "GET /v1/markets", Purpose.MARGIN),
    ),
    parse=parse,
)
