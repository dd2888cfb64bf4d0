"""XT futures: leverage brackets by position value with initial and maintenance rates."""

from collections.abc import Iterator

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    check_tier_number,
    iter_objects,
    rate,
    read_rows,
    upper_bound,
)
from venues.parsing import tier_tables
from venues.parsing.leverage_rates import initial_rate, leverage_columns
from venues.parsing.narrow_answers import contract_name, without_empty_lists
from venues.parsing.units import UsdConversion, currency_to_usd

_LEVERAGE = "maxLeverage"
LINEAR = "publicLinearGetFutureMarketV1PublicLeverageBracketList"
INVERSE = "publicInverseGetFutureMarketV1PublicLeverageBracketList"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads linear and inverse brackets. A bracket ends at its ``maxNominalValue``.

    It begins where the bracket below ends; ccxt gives the first bracket the last bound as its
    floor. No source states the unit of inverse brackets, so inverse contracts stay unknown.
    """
    defects: list[Defect] = []
    every_answer = (*snapshot.answers(LINEAR), *snapshot.answers(INVERSE))
    answers = without_empty_lists(every_answer, "result")
    tables = read_rows(answers, ("result",), _tier_table, defects)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _tier_table(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
    symbol = contract_name(payload, row, pointer, "symbol", "symbol")
    instrument = parse_symbol(symbol, pointer)
    brackets = list(iter_objects(row.get("leverageBrackets"), f"{pointer}/leverageBrackets"))
    pointers, tiers = [], []
    for ordinal, (tier_pointer, bracket) in enumerate(brackets, start=1):
        check_tier_number(bracket, "bracket", ordinal, tier_pointer)
        pointers.append(tier_pointer)
        tiers.append(
            Tier(
                upper=upper_bound(bracket, "maxNominalValue", tier_pointer),
                initial_rate=initial_rate(
                    rate(bracket, "startMarginRate", tier_pointer),
                    bracket,
                    _LEVERAGE,
                    tier_pointer,
                ),
                maintenance_rate=rate(bracket, "maintMarginRate", tier_pointer),
            )
        )
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=(
            Column("upper", "/maxNominalValue", "quote currency"),
            Column("initial", "/startMarginRate", "rate"),
            Column("maintenance", "/maintMarginRate", "rate"),
            *leverage_columns((bracket for _, bracket in brackets), _LEVERAGE),
        ),
        usd=_to_usd(payload, instrument),
    )


def _to_usd(payload: Payload, instrument: Instrument) -> UsdConversion | Unknown:
    if payload.call.method == INVERSE:
        return Unknown("no source states the unit of inverse brackets")
    return currency_to_usd(instrument, instrument.quote)


def parse_symbol(symbol: str, pointer: str) -> Instrument:
    """Parses a symbol: btc_usdt is linear, btc_usd inverse. Raises UnreadablePayloadError."""
    base, _, quote = symbol.upper().rpartition("_")
    if not base or not quote:
        reason = f"expected base_quote, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{pointer}/symbol", reason=reason)
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
