"""OKX contracts: the family whose tiers apply, and the contract value."""

from dataclasses import dataclass

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Factor, Payload, UnreadablePayloadError
from venues.fields import JsonObject, date_of_milliseconds, is_missing, text_value
from venues.parsing.listing import has_ended
from venues.parsing.units import read_factor

INSTRUMENT_TYPES = ("SWAP", "FUTURES")

_IS_TRADED = {
    "live": True,
    "suspend": False,
    "post_only": True,
    "rebase": False,
    "preopen": False,
    "settling": False,
    "expired": False,
    "test": False,
}
"""Whether a contract in this state trades; during post_only, only maker orders are taken."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract; ``family`` is its instrument type and its instrument family."""

    family: tuple[str, str]
    instrument: Instrument
    size: Factor
    multiplier: Factor
    payload: Payload
    value_currency: str


def read(payload: Payload, row: JsonObject, pointer: str) -> list[Contract]:
    """Reads a contract; empty if it does not trade. Raises UnreadablePayloadError.

    ``uly`` names the currencies. It is not the family: an X-perpetual's ``uly`` names another one.
    """
    if row.get("instType") not in INSTRUMENT_TYPES or not is_traded(row, pointer):
        return []
    if has_ended(payload, row, "expTime", pointer):
        return []
    id_, contract_type = text_value(row, "instId", pointer), text_value(row, "ctType", pointer)
    if contract_type not in {"linear", "inverse"}:
        reason = f"expected linear or inverse, found {contract_type!r}"
        raise UnreadablePayloadError(where=f"{pointer}/ctType", reason=reason)
    base, _, quote = text_value(row, "uly", pointer).rpartition("-")
    if not base:
        reason = f"expected BASE-QUOTE, found {row['uly']!r}"
        raise UnreadablePayloadError(where=f"{pointer}/uly", reason=reason)
    expiry = date_of_milliseconds(row, "expTime", pointer) if row["instType"] == "FUTURES" else None
    settle = text_value(row, "settleCcy", pointer)
    instrument = contract("okx", id_, base=base, quote=quote, settle=settle, expiry=expiry)
    unit = text_value(row, "ctValCcy", pointer)
    size = read_factor(payload, f"contract value of {id_}", row, "ctVal", pointer, unit)
    multiplier = read_factor(
        payload, f"contract multiplier of {id_}", row, "ctMult", pointer, "times"
    )
    family = (text_value(row, "instType", pointer), family_of(row, pointer))
    return [Contract(family, instrument, size, multiplier, payload, unit)]


def listed_family(_: Payload, row: JsonObject, pointer: str) -> list[tuple[str, str]]:
    """Instrument type and family of a listed contract, whether or not it trades."""
    return [(text_value(row, "instType", pointer), family_of(row, pointer))]


def family_of(row: JsonObject, pointer: str) -> str:
    """Instrument family of a row: ``instFamily``, or ``uly`` in rows from before families existed.

    Raises UnreadablePayloadError: the row names neither.
    """
    return text_value(row, "uly" if is_missing(row, "instFamily") else "instFamily", pointer)


def is_traded(row: JsonObject, pointer: str) -> bool:
    """Whether a contract has opened and not ended. Raises UnreadablePayloadError."""
    state = text_value(row, "state", pointer)
    if state not in _IS_TRADED:
        reason = f"expected one of {', '.join(_IS_TRADED)}, found {state!r}"
        raise UnreadablePayloadError(where=f"{pointer}/state", reason=reason)
    return _IS_TRADED[state]


def is_known_to_trade(row: JsonObject) -> bool:
    """Whether a row states a known state in which its contract trades, for the plan of calls.

    An unknown state stops no gathering: it becomes a defect when the list is parsed.
    """
    state = row.get("state")
    return isinstance(state, str) and _IS_TRADED.get(state, False)
