"""Gate contracts: symbols, trading status and the first tier in the contract list."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Column, Payload, UnreadablePayloadError
from harmonize.core.schedule import Derived, Known, MarginMode, Observed, Profile, Tier, Unknown
from venues.fields import JsonObject, positive_number, rate, text_value, upper_bound
from venues.parsing import tier_tables
from venues.parsing.listing import SECOND, has_ended, has_expired, trades
from venues.parsing.units import UsdConversion

_NAME = re.compile(r"^(?P<base>.+)_(?P<quote>USDT|USD)(?:_(?P<day>\d{8}))?$")
_COIN_UNIT = "amounts of coin-settled contracts read as amounts of the settlement coin"
_TRADING = frozenset({"trading"})

COLUMNS = (
    Column("upper", "/risk_limit_base", "settlement currency"),
    Column("initial", "/leverage_max", "leverage"),
    Column("maintenance", "/maintenance_rate", "rate"),
)

UsdConverter = Callable[[Payload, Instrument], UsdConversion | Unknown]


def assumed_unit(instrument: Instrument) -> str:
    """States the assumed unit of a contract's amounts; empty where a source states the unit."""
    return _COIN_UNIT if instrument.payoff is Payoff.INVERSE else ""


def first_tier(
    payload: Payload, row: JsonObject, pointer: str, tiered_symbols: set[str], to_usd: UsdConverter
) -> Iterator[tier_tables.TierTable]:
    """Reads the tier up to the base risk limit from the contract's leverage and maintenance rate.

    The contract's step and maximum are deprecated and describe a wrong tier table, so margins above
    the base limit are unknown.
    """
    name = text_value(row, "name", pointer)
    if name in tiered_symbols or not is_trading(payload, row, pointer):
        return
    instrument = parse_symbol(name, pointer, payload)
    if has_expired(instrument, payload):
        return
    tier = Tier(
        upper=positive_number(row, "risk_limit_base", pointer),
        initial_rate=tier_tables.leverage_to_rate(positive_number(row, "leverage_max", pointer)),
        maintenance_rate=rate(row, "maintenance_rate", pointer),
    )
    usd = to_usd(payload, instrument)
    yield tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=(tier,),
        rows=(pointer,),
        columns=COLUMNS,
        usd=usd,
        capacity=_capacity(row, pointer, instrument, usd),
        doubts=("first tier read from the contract's maximum leverage and base risk limit",),
        notes=(
            "Margins above the base risk limit are not observable: the recording has no tiers there.",
        ),
        assumed_unit=assumed_unit(instrument),
    )


def is_trading(payload: Payload, row: JsonObject, pointer: str) -> bool:
    """Whether a contract trades and is not being delisted; dated contracts have no status.

    The times of expiry and delisting are held against the observation. Raises
    UnreadablePayloadError: unknown status or time.
    """
    return (
        row.get("in_delisting") is not True
        and trades(row, "status", pointer, _TRADING)
        and not has_ended(payload, row, "expire_time", pointer, SECOND)
        and not has_ended(payload, row, "delisted_time", pointer, SECOND)
    )


def _capacity(
    row: JsonObject, pointer: str, instrument: Instrument, usd: UsdConversion | Unknown
) -> Observed[Decimal]:
    max_position = upper_bound(row, "risk_limit_max", pointer, open_ended_if_missing=True)
    if isinstance(usd, Unknown):
        return usd
    if assumed_unit(instrument):
        note = f"unverified: {assumed_unit(instrument)}"
        return Derived(max_position * usd.multiplier, note, verified=False)
    return Known(max_position)


def parse_symbol(name: str, pointer: str, payload: Payload) -> Instrument:
    """Parses a name: BTC_USDT, BTC_USDT_20260626, or BTC_USD, which settles in BTC.

    Raises UnreadablePayloadError: the name has another form.
    """
    settle = dict(payload.call.params).get("settle", "usdt").upper()
    match = _NAME.match(name)
    if not match or (match["quote"] == "USDT") != (settle == "USDT"):
        reason = f"expected BASE_USDT in USDT or BASE_USD in a coin, found {name!r} in {settle}"
        raise UnreadablePayloadError(where=f"{pointer}/name", reason=reason)
    expiry = None
    if match["day"]:
        try:
            expiry = datetime.strptime(match["day"], "%Y%m%d").replace(tzinfo=UTC).date()
        except ValueError:
            reason = f"expected an expiry YYYYMMDD, found {match['day']}"
            raise UnreadablePayloadError(where=f"{pointer}/name", reason=reason) from None
    return contract(
        "gate", name, base=match["base"], quote=match["quote"], settle=settle, expiry=expiry
    )
