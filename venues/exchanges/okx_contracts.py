"""OKX contracts: the family whose tiers apply, and the contract value."""

from dataclasses import dataclass

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Factor, Payload, UnreadablePayloadError
from venues.fields import Row, day, word
from venues.parsing.units import factor

INSTRUMENT_TYPES = ("SWAP", "FUTURES")

_IS_TRADED = {
    "live": True,
    "suspend": True,
    "post_only": True,
    "rebase": True,
    "preopen": False,
    "settling": True,
    "expired": False,
    "test": False,
}
"""Whether a contract in this state has opened and not ended."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract; ``family`` is its instrument type and its instrument family."""

    family: tuple[str, str]
    instrument: Instrument
    size: Factor
    multiplier: Factor
    payload: Payload
    value_currency: str


def read(payload: Payload, row: Row, pointer: str) -> list[Contract]:
    """Reads a contract; empty if it does not trade. Raises UnreadablePayloadError.

    ``uly`` names the currencies. It is not the family: an X-perpetual's ``uly`` names another one.
    """
    if row.get("instType") not in INSTRUMENT_TYPES or not is_traded(row, pointer):
        return []
    id_, contract_type = word(row, "instId", pointer), word(row, "ctType", pointer)
    if contract_type not in {"linear", "inverse"}:
        reason = f"expected linear or inverse, found {contract_type!r}"
        raise UnreadablePayloadError(where=f"{pointer}/ctType", reason=reason)
    base, _, quote = word(row, "uly", pointer).partition("-")
    if not quote:
        reason = f"expected BASE-QUOTE, found {row['uly']!r}"
        raise UnreadablePayloadError(where=f"{pointer}/uly", reason=reason)
    expiry = day(row, "expTime", pointer) if row["instType"] == "FUTURES" else None
    settle = word(row, "settleCcy", pointer)
    instrument = contract("okx", id_, base=base, quote=quote, settle=settle, expiry=expiry)
    unit = word(row, "ctValCcy", pointer)
    size = factor(payload, f"contract value of {id_}", row, "ctVal", pointer, unit)
    multiplier = factor(payload, f"contract multiplier of {id_}", row, "ctMult", pointer, "times")
    family = (word(row, "instType", pointer), word(row, "instFamily", pointer))
    return [Contract(family, instrument, size, multiplier, payload, unit)]


def is_traded(row: Row, pointer: str) -> bool:
    """Whether a contract has opened and not ended. Raises UnreadablePayloadError."""
    state = word(row, "state", pointer)
    if state not in _IS_TRADED:
        reason = f"expected one of {', '.join(_IS_TRADED)}, found {state!r}"
        raise UnreadablePayloadError(where=f"{pointer}/state", reason=reason)
    return _IS_TRADED[state]
