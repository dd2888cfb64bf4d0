"""HTX USDT contracts: adjustment factors by chosen leverage and position size in contracts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Column, Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier, Unknown
from venues.adapter import Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.fields import Row, in_sequence, number, positive, read_rows, rows, word
from venues.parsing import tier_tables
from venues.parsing.units import archived_price, contracts, factor

PRICES = "contractPublicGetLinearSwapExMarketDetailBatchMerged"
ISOLATED = "contractPublicGetLinearSwapApiV1SwapAdjustfactor"
CROSS = "contractPublicGetLinearSwapApiV1SwapCrossAdjustfactor"
CONTRACTS = "contractPublicGetLinearSwapApiV1SwapContractInfo"

COLUMNS = (
    Column("upper", "/max_size", "contracts"),
    Column("lower", "/min_size", "contracts"),
    Column("adjustment factor", "/adjust_factor", "share of initial margin"),
)


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read one schedule a leverage: MM = N / leverage × adjustment factor, so MM depends on both.

    Rows of different leverages are never one ladder, although ccxt lists them so. ``max_size`` is
    the last whole contract of a ladder row; the next row begins one contract above it.
    """
    defects: list[Defect] = []
    sizes = dict(
        read_rows(
            snapshot.answers(CONTRACTS), ("data",), _size, defects, symbol_key="contract_code"
        )
    )

    prices = dict(
        read_rows(snapshot.answers(PRICES), ("ticks",), _price, defects, symbol_key="contract_code")
    )

    def build(payload: Payload, row: Row, at: str) -> Iterator[tier_tables.TierTable]:
        return _ladders(snapshot, payload, row, at, sizes, prices)

    found = [
        one
        for method in (CROSS, ISOLATED)
        for one in read_rows(
            snapshot.answers(method), ("data",), build, defects, symbol_key="contract_code"
        )
    ]
    return tier_tables.parsed(snapshot, found, facts, defects)


def _size(payload: Payload, row: Row, at: str) -> list[tuple[str, tuple[Factor, Payload]]]:
    code = word(row, "contract_code", at)
    name = f"contract size of {code}"
    return [(code, (factor(payload, name, row, "contract_size", at, "coins"), payload))]


def _price(payload: Payload, row: Row, at: str) -> list[tuple[str, Factor]]:
    code = word(row, "contract_code", at)
    return [(code, factor(payload, f"last price of {code}", row, "close", at, "USD"))]


def _ladders(  # noqa: PLR0913, PLR0917 - what a ladder rests on
    snapshot: Snapshot,
    payload: Payload,
    row: Row,
    at: str,
    sizes: dict[str, tuple[Factor, Payload]],
    prices: dict[str, Factor],
) -> Iterator[tier_tables.TierTable]:
    code, mode = word(row, "contract_code", at), word(row, "margin_mode", at)
    if mode not in {"cross", "isolated"}:
        reason = f"cross or isolated was due, was {mode!r}"
        raise UnreadablePayloadError(where=f"{at}/margin_mode", reason=reason)
    listed = instrument(code, at)
    size = sizes.get(code) or sizes.get(f"{listed.underlying.asset}-USDT")
    price = prices.get(code) or archived_price(
        snapshot, listed.underlying.asset, payload.observed_at
    )
    missing = Unknown(f"sizes are in contracts and the snapshot has no contract size of {code}")
    usd = contracts(payload, (size[0],), price) if size else missing
    for lever_at, lever in rows(row.get("list"), f"{at}/list"):
        leverage = positive(lever, "lever_rate", lever_at)
        pointers, tiers = _tiers(lever, lever_at, leverage)
        yield tier_tables.TierTable(
            payload=payload,
            instrument=listed,
            profile=Profile(MarginMode(mode), chosen_leverage=f"{leverage:f}"),
            tiers=tiers,
            rows=pointers,
            columns=COLUMNS,
            usd=usd,
            notes=(f"At the chosen leverage {leverage:f}x; MM is IM times the adjustment factor.",),
            also=(size[1],) if size else (),
        )


def _tiers(lever: Row, at: str, leverage: Decimal) -> tuple[tuple[str, ...], tuple[Tier, ...]]:
    pointers, tiers = [], []
    for position, (pointer, ladder_row) in enumerate(rows(lever.get("ladders"), f"{at}/ladders")):
        in_sequence(ladder_row, "ladder", position, pointer)
        open_end = ladder_row.get("max_size", "") is None
        share = positive(ladder_row, "adjust_factor", pointer)
        pointers.append(pointer)
        number(ladder_row, "min_size", pointer)
        tiers.append(
            Tier(
                upper=INFINITY if open_end else positive(ladder_row, "max_size", pointer),
                initial_rate=tier_tables.inverse(leverage),
                maintenance_rate=share / leverage,
            )
        )
    return tuple(pointers), tuple(tiers)


def instrument(code: str, at: str) -> Instrument:
    """Take a contract code apart: BTC-USDT, BTC-USDT-211210. Raises UnreadablePayloadError."""
    base, _, rest = code.partition("-")
    quote, _, expiry = rest.partition("-")
    if not base or quote != "USDT":
        reason = f"BASE-USDT was due, was {code!r}"
        raise UnreadablePayloadError(where=f"{at}/contract_code", reason=reason)
    day = _day(expiry, at) if expiry else None
    return contract("htx", code, base=base, quote=quote, settle=quote, expiry=day)


def _day(text: str, at: str) -> date:
    try:
        return datetime.strptime(text, "%y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        reason = f"{text!r} is no expiry"
        raise UnreadablePayloadError(where=f"{at}/contract_code", reason=reason) from None


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
