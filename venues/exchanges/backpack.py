"""Backpack perpetuals: margin rates that rise with the square root of position notional."""

from collections.abc import Iterator
from decimal import Decimal

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginFunction, MarginMode, Profile
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, mapping, number, rate, read_rows, word
from venues.parsing import formulas

MARKETS = "publicGetApiV1Markets"
ROOT = "the square root is taken of the position's notional, including orders that add to it"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """``rate = max(base, factor * sqrt(N))`` of the whole position, for IM and for MM.

    Source: the payload names base, factor and type; Backpack, "Futures Specs".
    """
    defects: list[Defect] = []
    found = read_rows(snapshot.answers(MARKETS), (), _formula, defects)
    return formulas.parsed(found, facts, defects)


def _formula(payload: Payload, row: Row, at: str) -> Iterator[formulas.Formula]:
    if word(row, "marketType", at) != "PERP":
        return
    base, quote = word(row, "baseSymbol", at), word(row, "quoteSymbol", at)
    yield formulas.Formula(
        payload=payload,
        instrument=contract(
            "backpack", word(row, "symbol", at), base=base, quote=quote, settle=quote
        ),
        profile=Profile(MarginMode.CROSS),
        at=at,
        columns=(
            Column("initial base", "/imfFunction/base", "rate"),
            Column("initial factor", "/imfFunction/factor", "rate per root of USD"),
            Column("maintenance base", "/mmfFunction/base", "rate"),
            Column("maintenance factor", "/mmfFunction/factor", "rate per root of USD"),
        ),
        initial=_function(row, "imfFunction", at),
        maintenance=_function(row, "mmfFunction", at),
        unverified=(ROOT,),
    )


def _function(row: Row, key: str, at: str) -> MarginFunction:
    there = f"{at}/{key}"
    stated = mapping(row.get(key), there)
    kind = word(stated, "type", there)
    if kind != "sqrt":
        reason = f"sqrt was due, was {kind!r}"
        raise UnreadablePayloadError(where=f"{there}/type", reason=reason)
    base, factor = rate(stated, "base", there), number(stated, "factor", there)
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
