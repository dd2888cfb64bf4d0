"""BingX perpetuals: maintenance tiers in quote value, for a key; initial margin is not in them."""

from collections.abc import Iterable

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode, Profile, Tier
from venues.adapter import Access, Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import each, values
from venues.facts import Facts
from venues.fields import Row, defect, member, number, positive, rate, rows, word
from venues.parsing import tier_tables
from venues.parsing.units import currency

TIERS = "swapV1PrivateGetMaintMarginRatio"
CONTRACTS = "swapV2PublicGetQuoteContracts"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read one answer a symbol: ``MM = N * rate - maintenance amount``."""
    defects: list[Defect] = []
    found: list[tier_tables.TierTable] = []
    for payload in snapshot.answers(TIERS):
        try:
            found.append(_ladder(payload))
        except UnreadablePayloadError as error:
            symbol = dict(payload.call.params).get("symbol", "")
            defects.append(defect(payload, error, symbol))
    return tier_tables.parsed(snapshot, found, facts, defects)


def _ladder(payload: Payload) -> tier_tables.TierTable:
    data, top = member(decode(payload), "data")
    found = list(rows(data, top))
    symbols = {word(row, "symbol", at) for at, row in found}
    if len(symbols) > 1:
        reason = f"one symbol was due, were {', '.join(sorted(symbols))}"
        raise UnreadablePayloadError(where=top, reason=reason)
    symbol = symbols.pop()
    base, _, quote = symbol.partition("-")
    if not base or not quote:
        reason = f"BASE-QUOTE was due, was {symbol!r}"
        raise UnreadablePayloadError(where=f"{top}/0/symbol", reason=reason)
    listed = contract("bingx", symbol, base=base, quote=quote, settle=quote)
    return tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(_tiers(found)),
        rows=tuple(at for at, _ in found),
        columns=(
            Column("upper", "/maxPositionVal", "quote currency"),
            Column("lower", "/minPositionVal", "quote currency"),
            Column("maintenance", "/maintMarginRatio", "rate"),
            Column("deduction", "/maintAmount", "quote currency"),
        ),
        usd=currency(listed, quote),
    )


def _tiers(found: Iterable[tuple[str, Row]]) -> Iterable[Tier]:
    for due, (at, row) in enumerate(found, start=1):
        name = word(row, "tier", at)
        if name != f"Tier {due}":
            reason = f"Tier {due} was due, was {name!r}"
            raise UnreadablePayloadError(where=f"{at}/tier", reason=reason)
        yield Tier(
            upper=positive(row, "maxPositionVal", at),
            lower=number(row, "minPositionVal", at),
            initial_rate=None,
            maintenance_rate=rate(row, "maintMarginRatio", at),
            deduction=number(row, "maintAmount", at),
        )


ADAPTER = VenueAdapter(
    venue="bingx",
    title="BingX",
    host="open-api.bingx.com",
    endpoints=(
        Endpoint("swapV2PublicGetQuoteTicker", "GET /openApi/swap/v2/quote/ticker", Purpose.PRICES),
        Endpoint(CONTRACTS, "GET /openApi/swap/v2/quote/contracts", Purpose.INSTRUMENTS),
        Endpoint(
            "swapV2PublicGetQuotePremiumIndex",
            "GET /openApi/swap/v2/quote/premiumIndex",
            Purpose.PRICES,
        ),
        Endpoint(
            TIERS,
            "GET /openApi/swap/v1/maintMarginRatio",
            Purpose.MARGIN,
            Access.KEY,
            Calls.PER_SYMBOL,
            ask=each("symbol", values(CONTRACTS, "data", field="symbol")),
        ),
    ),
    parse=parse,
)
