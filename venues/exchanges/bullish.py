"""Bullish perpetuals and futures: margined as a portfolio, so no market publishes a rate."""

from collections.abc import Iterator

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot
from harmonize.core.schedule import MarginMode, Profile, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, iso_day, positive, read_rows, word
from venues.parsing import formulas

MARKETS = "publicGetV1Markets"
NOTHING = Unknown("the venue margins portfolios and publishes no rate of a contract")
_KINDS = {"PERPETUAL", "DATED_FUTURE"}


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every derivative market, so that each is shown as not observable."""
    defects: list[Defect] = []
    found = read_rows(snapshot.answers(MARKETS), (), _formula, defects)
    return formulas.parsed(found, facts, defects)


def _formula(payload: Payload, row: Row, at: str) -> Iterator[formulas.Formula]:
    if word(row, "marketType", at) not in _KINDS or row.get("marketEnabled") is not True:
        return
    base, quote = word(row, "underlyingBaseSymbol", at), word(row, "underlyingQuoteSymbol", at)
    settle = word(row, "settlementAssetSymbol", at)
    id_ = word(row, "symbol", at)
    positive(row, "openInterestLimitUSD", at)
    expiry = iso_day(row, "expiryDatetime", at) if row.get("expiryDatetime") is not None else None
    yield formulas.Formula(
        payload=payload,
        instrument=contract("bullish", id_, base=base, quote=quote, settle=settle, expiry=expiry),
        profile=Profile(MarginMode.CROSS, "portfolio"),
        at=at,
        columns=(Column("open interest limit", "/openInterestLimitUSD", "USD"),),
        initial=NOTHING,
        maintenance=NOTHING,
    )


ADAPTER = VenueAdapter(
    venue="bullish",
    title="Bullish",
    host="api.exchange.bullish.com",
    endpoints=(Endpoint(MARKETS, "GET /trading-api/v1/markets", Purpose.MARGIN),),
    parse=parse,
)
