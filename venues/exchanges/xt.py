"""XT futures: leverage brackets by position value, with initial and maintenance rates."""

from collections.abc import Iterator

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, in_sequence, positive, rate, read_rows, rows, word
from venues.parsing import tier_tables
from venues.parsing.units import ToUsd, currency

LINEAR = "publicLinearGetFutureMarketV1PublicLeverageBracketList"
INVERSE = "publicInverseGetFutureMarketV1PublicLeverageBracketList"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read both markets. A bracket ends at its ``maxNominalValue`` and begins where the one below ends.

    ccxt gives the first bracket the last one's bound as its floor. The unit of inverse brackets no
    source states, so inverse contracts stay unknown.
    """
    defects: list[Defect] = []
    answers = (*snapshot.answers(LINEAR), *snapshot.answers(INVERSE))
    found = read_rows(answers, ("result",), _ladder, defects)
    return tier_tables.parsed(snapshot, found, facts, defects)


def _ladder(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
    listed = instrument(word(row, "symbol", at), at)
    pointers, tiers = [], []
    for due, (pointer, bracket) in enumerate(
        rows(row.get("leverageBrackets"), f"{at}/leverageBrackets"), start=1
    ):
        in_sequence(bracket, "bracket", due, pointer)
        pointers.append(pointer)
        tiers.append(
            Tier(
                upper=positive(bracket, "maxNominalValue", pointer),
                initial_rate=rate(bracket, "startMarginRate", pointer),
                maintenance_rate=rate(bracket, "maintMarginRate", pointer),
            )
        )
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=(
            Column("upper", "/maxNominalValue", "quote currency"),
            Column("initial", "/startMarginRate", "rate"),
            Column("maintenance", "/maintMarginRate", "rate"),
        ),
        usd=_usd(payload, listed),
    )


def _usd(payload: Payload, listed: Instrument) -> ToUsd | Unknown:
    if payload.call.method == INVERSE:
        return Unknown("no source states the unit of the brackets of inverse contracts")
    return currency(listed, listed.quote)


def instrument(symbol: str, at: str) -> Instrument:
    """Take a symbol apart: btc_usdt is linear, btc_usd inverse. Raises UnreadablePayloadError."""
    base, _, quote = symbol.upper().rpartition("_")
    if not base or not quote:
        reason = f"base_quote was due, was {symbol!r}"
        raise UnreadablePayloadError(where=f"{at}/symbol", reason=reason)
    settle = base if quote == "USD" else quote
    return contract("xt", symbol, base=base, quote=quote, settle=settle)


_PATH = "/future/market/v1/public/leverage/bracket/list"

ADAPTER = VenueAdapter(
    venue="xt",
    title="XT.COM",
    host="fapi.xt.com",
    endpoints=(
        Endpoint(
            "publicLinearGetFutureMarketV1PublicQAggTickers",
            "GET /future/market/v1/public/q/agg-tickers",
            Purpose.PRICES,
        ),
        Endpoint(
            "publicInverseGetFutureMarketV1PublicQAggTickers",
            "GET dapi.xt.com/future/market/v1/public/q/agg-tickers",
            Purpose.PRICES,
        ),
        Endpoint(LINEAR, f"GET {_PATH}", Purpose.MARGIN),
        Endpoint(INVERSE, f"GET dapi.xt.com{_PATH}", Purpose.MARGIN),
    ),
    parse=parse,
)
