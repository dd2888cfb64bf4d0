"""HTX USDT contracts: adjustment factors per chosen leverage and position size in contracts."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import MarginMode, Profile, Tier, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import (
    JsonObject,
    check_tier_number,
    is_missing,
    iter_objects,
    non_empty,
    number,
    positive_number,
    read_rows,
    text_value,
    upper_bound,
)
from venues.parsing import tier_tables
from venues.parsing.listing import closed_contracts, has_ended, has_expired, trades
from venues.parsing.narrow_answers import contract_name, without_empty_lists
from venues.parsing.units import archived_price, contracts_to_usd, read_factor

PRICES = "contractPublicGetLinearSwapExMarketDetailBatchMerged"
ISOLATED = "contractPublicGetLinearSwapApiV1SwapAdjustfactor"
CROSS = "contractPublicGetLinearSwapApiV1SwapCrossAdjustfactor"
CONTRACTS = "contractPublicGetLinearSwapApiV1SwapContractInfo"

COLUMNS = (
    Column("upper", "/max_size", "contracts"),
    Column("lower", "/min_size", "contracts"),
    Column("adjustment factor", "/adjust_factor", "share of initial margin"),
)


_MODES = {CROSS: "cross", ISOLATED: "isolated"}
_CLOSED_STATES = frozenset({"0", "2", "3", "4", "5", "6", "7", "8", "9"})
"""Delisted, pending, suspended, in settlement, in delivery or delivered."""


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads one schedule per leverage: ``MM = N / leverage × adjustment factor``.

    Rows of different leverages are separate tier tables, although ccxt lists them as one.
    ``max_size`` is the last whole contract of a tier; the next tier begins one contract above it.
    """
    defects: list[Defect] = []
    contract_lists = non_empty(snapshot.answers(CONTRACTS), "data")
    sizes = dict(
        read_rows(
            contract_lists,
            ("data",),
            _contract_size,
            defects,
            symbol_key="contract_code",
        )
    )
    closed = closed_contracts(contract_lists, ("data",), "contract_code", _is_trading)

    prices = dict(
        read_rows(
            snapshot.answers(PRICES), ("ticks",), _last_price, defects, symbol_key="contract_code"
        )
    )

    def build(payload: Payload, row: JsonObject, pointer: str) -> Iterator[tier_tables.TierTable]:
        code = contract_name(payload, row, pointer, "contract_code", "contract_code")
        if code in closed:
            return iter(())
        return _tier_tables(snapshot, payload, row, pointer, code, sizes, prices)

    tables = [
        table
        for method in (CROSS, ISOLATED)
        for table in read_rows(
            without_empty_lists(snapshot.answers(method), "data"),
            ("data",),
            build,
            defects,
            symbol_key="contract_code",
        )
    ]
    return tier_tables.build_schedules(snapshot, tables, facts, defects)


def _is_trading(payload: Payload, row: JsonObject, pointer: str) -> bool:
    """Whether a listed contract trades: in state 1, and before its delivery."""
    is_open = trades(row, "contract_status", pointer, {"1"}, _CLOSED_STATES)
    return is_open and not has_ended(payload, row, "delivery_time", pointer)


def _contract_size(
    payload: Payload, row: JsonObject, pointer: str
) -> list[tuple[str, tuple[Factor, Payload]]]:
    code = text_value(row, "contract_code", pointer)
    name = f"contract size of {code}"
    return [(code, (read_factor(payload, name, row, "contract_size", pointer, "coins"), payload))]


def _last_price(payload: Payload, row: JsonObject, pointer: str) -> list[tuple[str, Factor]]:
    code = text_value(row, "contract_code", pointer)
    return [(code, read_factor(payload, f"last price of {code}", row, "close", pointer, "USD"))]


def _tier_tables(  # noqa: PLR0913, PLR0917 - the inputs of a tier table
    snapshot: Snapshot,
    payload: Payload,
    row: JsonObject,
    pointer: str,
    code: str,
    sizes: dict[str, tuple[Factor, Payload]],
    prices: dict[str, Factor],
) -> Iterator[tier_tables.TierTable]:
    is_unstated = is_missing(row, "margin_mode")
    mode = _MODES[payload.call.method] if is_unstated else text_value(row, "margin_mode", pointer)
    if mode not in {"cross", "isolated"}:
        reason = f"expected cross or isolated, found {mode!r}"
        raise UnreadablePayloadError(where=f"{pointer}/margin_mode", reason=reason)
    instrument = parse_symbol(code, pointer)
    if has_expired(instrument, payload):
        return
    size = sizes.get(code) or sizes.get(f"{instrument.underlying.asset}-USDT")
    price = prices.get(code) or archived_price(
        snapshot, instrument.underlying.asset, payload.observed_at
    )
    no_contract_size = Unknown(
        f"sizes are in contracts and the snapshot has no contract size of {code}"
    )
    usd = contracts_to_usd(payload, (size[0],), price) if size else no_contract_size
    for leverage_pointer, leverage_row in iter_objects(row.get("list"), f"{pointer}/list"):
        leverage = positive_number(leverage_row, "lever_rate", leverage_pointer)
        pointers, tiers = _tiers(leverage_row, leverage_pointer, leverage)
        yield tier_tables.TierTable(
            payload=payload,
            instrument=instrument,
            profile=Profile(MarginMode(mode), chosen_leverage=f"{leverage:f}"),
            tiers=tiers,
            rows=pointers,
            columns=COLUMNS,
            usd=usd,
            notes=(
                f"At a chosen leverage of {leverage:f}x, MM is IM times the adjustment factor.",
            ),
            supporting=(size[1],) if size else (),
        )


def _tiers(
    leverage_row: JsonObject, pointer: str, leverage: Decimal
) -> tuple[tuple[str, ...], tuple[Tier, ...]]:
    pointers, tiers = [], []
    for ordinal, (tier_pointer, tier_row) in enumerate(
        iter_objects(leverage_row.get("ladders"), f"{pointer}/ladders")
    ):
        check_tier_number(tier_row, "ladder", ordinal, tier_pointer)
        adjustment_factor = positive_number(tier_row, "adjust_factor", tier_pointer)
        pointers.append(tier_pointer)
        tiers.append(
            Tier(
                upper=upper_bound(tier_row, "max_size", tier_pointer),
                lower=number(tier_row, "min_size", tier_pointer),
                initial_rate=tier_tables.leverage_to_rate(leverage),
                maintenance_rate=adjustment_factor / leverage,
            )
        )
    return tuple(pointers), tuple(tiers)


def parse_symbol(code: str, pointer: str) -> Instrument:
    """Parses a contract code: BTC-USDT, BTC-USDT-211210. Raises UnreadablePayloadError."""
    match = _CODE.match(code)
    if match is None:
        reason = f"expected BASE-USDT, found {code!r}"
        raise UnreadablePayloadError(where=f"{pointer}/contract_code", reason=reason)
    base, day = match["base"], match["day"]
    expiry = _parse_expiry(day, pointer) if day else None
    return contract("htx", code, base=base, quote="USDT", settle="USDT", expiry=expiry)


_CODE = re.compile(r"^(?P<base>.+?)-USDT(?:-(?P<day>\d+))?$")


def _parse_expiry(text: str, pointer: str) -> date:
    try:
        return datetime.strptime(text, "%y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        reason = f"expected an expiry YYMMDD, found {text!r}"
        raise UnreadablePayloadError(where=f"{pointer}/contract_code", reason=reason) from None


ADAPTER = VenueAdapter(
    venue="htx",
    title="HTX",
    host="api.hbdm.vn",
    endpoints=(
        Endpoint(PRICES, "GET /linear-swap-ex/market/detail/batch_merged", Purpose.PRICES),
        Endpoint(CROSS, "GET /linear-swap-api/v1/swap_cross_adjustfactor", Purpose.MARGIN),
        Endpoint(ISOLATED, "GET /linear-swap-api/v1/swap_adjustfactor", Purpose.MARGIN),
        Endpoint(CONTRACTS, "GET /linear-swap-api/v1/swap_contract_info", Purpose.INSTRUMENTS),
    ),
    parse=parse,
)
