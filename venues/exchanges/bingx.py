"""BingX perpetuals: maintenance tiers in quote value, available only with an API key; no initial rates."""

from collections.abc import Iterable

from harmonize.core.instrument import contract
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.core.schedule import MarginMode, Profile, Tier
from venues.adapter import Access, Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.calls import call_per_value, field_values
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    build_defect,
    iter_objects,
    non_empty,
    number,
    rate,
    text_value,
    upper_bound,
    value_at,
)
from venues.parsing import tier_tables
from venues.parsing.account_figures import reject_account_fields
from venues.parsing.listing import closed_contracts, has_ended, trades
from venues.parsing.narrow_answers import contract_name, requested_name
from venues.parsing.units import currency_to_usd

TIERS = "swapV1PrivateGetMaintMarginRatio"
CONTRACTS = "swapV2PublicGetQuoteContracts"


DEDUCTION = Column("deduction", "/maintAmount", "quote currency")
NO_DEDUCTION = "MM by continuity at the bounds: the response has no maintAmount"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads one response per symbol: ``MM = N * rate - maintenance amount``."""
    defects: list[Defect] = []
    tables: list[tier_tables.TierTable] = []
    contract_lists = non_empty(snapshot.answers(CONTRACTS), "data")
    closed = closed_contracts(contract_lists, ("data",), "symbol", _is_trading)
    for payload in snapshot.answers(TIERS):
        try:
            table = _tier_table(payload)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect here alone
            defects.append(build_defect(payload, error, requested_name(payload, "symbol")))
            continue
        if table.instrument.id not in closed:
            tables.append(table)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _is_trading(payload: Payload, row: JsonObject, pointer: str) -> bool:
    """Whether a listed contract trades; in state 25, positions can only be closed."""
    is_open = trades(row, "status", pointer, {"1", "25"}, {"0", "5"})
    return is_open and not has_ended(payload, row, "offTime", pointer)


def _tier_table(payload: Payload) -> tier_tables.TierTable:
    data, data_pointer = value_at(decode(payload), "data")
    tier_rows = list(iter_objects(data, data_pointer))
    symbols = {
        contract_name(payload, row, pointer, "symbol", "symbol") for pointer, row in tier_rows
    }
    if len(symbols) > 1:
        reason = f"expected one symbol, found {', '.join(sorted(symbols))}"
        raise UnreadablePayloadError(where=data_pointer, reason=reason)
    symbol = symbols.pop()
    base, _, quote = symbol.rpartition("-")
    if not base or not quote:
        reason = f"expected BASE-QUOTE, found {symbol!r}"
        raise UnreadablePayloadError(where=f"{data_pointer}/0/symbol", reason=reason)
    for pointer, row in tier_rows:
        reject_account_fields(row, pointer)
    has_amounts = any("maintAmount" in row for _, row in tier_rows)
    instrument = contract("bingx", symbol, base=base, quote=quote, settle=quote)
    return tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(_tiers(tier_rows, has_amounts=has_amounts)),
        rows=tuple(pointer for pointer, _ in tier_rows),
        columns=(
            Column("upper", "/maxPositionVal", "quote currency"),
            Column("lower", "/minPositionVal", "quote currency"),
            Column("maintenance", "/maintMarginRatio", "rate"),
            *((DEDUCTION,) if has_amounts else ()),
        ),
        usd=currency_to_usd(instrument, quote),
        maintenance_doubts=() if has_amounts else (NO_DEDUCTION,),
    )


def _tiers(tier_rows: Iterable[tuple[str, JsonObject]], *, has_amounts: bool) -> Iterable[Tier]:
    for ordinal, (pointer, row) in enumerate(tier_rows, start=1):
        name = text_value(row, "tier", pointer)
        if name != f"Tier {ordinal}":
            reason = f"expected Tier {ordinal}, found {name!r}"
            raise UnreadablePayloadError(where=f"{pointer}/tier", reason=reason)
        yield Tier(
            upper=upper_bound(row, "maxPositionVal", pointer),
            lower=number(row, "minPositionVal", pointer),
            initial_rate=None,
            maintenance_rate=rate(row, "maintMarginRatio", pointer),
            deduction=number(row, "maintAmount", pointer) if has_amounts else None,
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
            call_plan=call_per_value("symbol", field_values(CONTRACTS, "data", field="symbol")),
        ),
    ),
    parse=parse,
)
