"""Gate contracts: their names, whether they trade, and the first tier that they carry."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

from harmonize.core.instrument import Instrument, Payoff, contract
from harmonize.core.payload import Column, Payload, UnreadablePayloadError
from harmonize.core.schedule import Derived, Known, MarginMode, Observed, Profile, Tier, Unknown
from venues.fields import Row, positive, rate, word
from venues.parsing import tier_tables
from venues.parsing.units import ToUsd

_NAME = re.compile(r"^(?P<base>[^_]+)_(?P<quote>USDT|USD)(?:_(?P<day>\d{8}))?$")
_COINS = "the amounts of contracts that settle in a coin are read as amounts of that coin"
_CLOSED = frozenset({"prelaunch", "delisting", "delisted"})

COLUMNS = (
    Column("upper", "/risk_limit_base", "settlement currency"),
    Column("initial", "/leverage_max", "leverage"),
    Column("maintenance", "/maintenance_rate", "rate"),
)

ToUsdOf = Callable[[Payload, Instrument], ToUsd | Unknown]


def guess(listed: Instrument) -> str:
    """Say how the amounts of a contract are read where no source states their unit."""
    return _COINS if listed.payoff is Payoff.INVERSE else ""


def first_tier(
    payload: Payload, row: Row, at: str, tiered: set[str], to_usd: ToUsdOf
) -> Iterator[tier_tables.TierTable]:
    """The contract's own leverage and maintenance rate hold up to its base risk limit.

    Its step and maximum look like a ladder but are deprecated and give a false one, so above the
    base limit nothing is known.
    """
    name = word(row, "name", at)
    if name in tiered or not trades(row):
        return
    listed = instrument(name, at, payload)
    tier = Tier(
        upper=positive(row, "risk_limit_base", at),
        initial_rate=tier_tables.inverse(positive(row, "leverage_max", at)),
        maintenance_rate=rate(row, "maintenance_rate", at),
    )
    usd = to_usd(payload, listed)
    yield tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=(tier,),
        rows=(at,),
        columns=COLUMNS,
        usd=usd,
        capacity=_capacity(row, at, listed, usd),
        doubts=("first tier read from the contract's own leverage and base risk limit",),
        notes=("The recording has no tiers above the base risk limit: not observable there.",),
        guessed_unit=guess(listed),
    )


def trades(row: Row) -> bool:
    """Whether a contract is open and stays so; dated ones have no status."""
    return row.get("in_delisting") is not True and row.get("status") not in _CLOSED


def _capacity(row: Row, at: str, listed: Instrument, usd: ToUsd | Unknown) -> Observed[Decimal]:
    largest = positive(row, "risk_limit_max", at)
    if isinstance(usd, Unknown):
        return usd
    if guess(listed):
        note = f"unverified: {guess(listed)}"
        return Derived(largest * usd.multiplier, note, verified=False)
    return Known(largest)


def instrument(name: str, at: str, payload: Payload) -> Instrument:
    """Take a name apart: BTC_USDT, BTC_USDT_20260626, and BTC_USD, which settles in BTC.

    Raises UnreadablePayloadError: none of these.
    """
    settle = dict(payload.call.params).get("settle", "usdt").upper()
    found = _NAME.match(name)
    if not found or (found["quote"] == "USDT") != (settle == "USDT"):
        reason = f"BASE_USDT was due, was {name!r} in {settle}"
        raise UnreadablePayloadError(where=f"{at}/name", reason=reason)
    expiry = None
    if found["day"]:
        try:
            expiry = datetime.strptime(found["day"], "%Y%m%d").replace(tzinfo=UTC).date()
        except ValueError:
            reason = f"a day was due, was {found['day']}"
            raise UnreadablePayloadError(where=f"{at}/name", reason=reason) from None
    return contract(
        "gate", name, base=found["base"], quote=found["quote"], settle=settle, expiry=expiry
    )
