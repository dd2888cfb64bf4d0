"""OKX contracts: which family's tiers each has, and what one contract is worth."""

from dataclasses import dataclass

from harmonize.core.instrument import Instrument, contract
from harmonize.core.payload import Factor, Payload, UnreadablePayloadError
from venues.fields import Row, day, word
from venues.parsing.units import factor

KINDS = ("SWAP", "FUTURES")

_TRADED = {
    "live": True,
    "suspend": True,
    "post_only": True,
    "rebase": True,
    "preopen": False,
    "settling": True,
    "expired": False,
    "test": False,
}
"""Whether a contract in a state has opened and not ended."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract; ``family`` is its kind and its instrument family."""

    family: tuple[str, str]
    instrument: Instrument
    size: Factor
    multiple: Factor
    payload: Payload
    value_currency: str


def read(payload: Payload, row: Row, at: str) -> list[Contract]:
    """Read a contract that trades. Raises UnreadablePayloadError.

    ``uly`` names the coins; it is no family, for that of an X-perpetual is another one's.
    """
    if row.get("instType") not in KINDS or not traded(row, at):
        return []
    id_, kind = word(row, "instId", at), word(row, "ctType", at)
    if kind not in {"linear", "inverse"}:
        reason = f"linear or inverse was due, was {kind!r}"
        raise UnreadablePayloadError(where=f"{at}/ctType", reason=reason)
    base, _, quote = word(row, "uly", at).partition("-")
    if not quote:
        reason = f"BASE-QUOTE was due, was {row['uly']!r}"
        raise UnreadablePayloadError(where=f"{at}/uly", reason=reason)
    expiry = day(row, "expTime", at) if row["instType"] == "FUTURES" else None
    settle = word(row, "settleCcy", at)
    listed = contract("okx", id_, base=base, quote=quote, settle=settle, expiry=expiry)
    unit = word(row, "ctValCcy", at)
    size = factor(payload, f"contract value of {id_}", row, "ctVal", at, unit)
    multiple = factor(payload, f"contract multiplier of {id_}", row, "ctMult", at, "times")
    family = (word(row, "instType", at), word(row, "instFamily", at))
    return [Contract(family, listed, size, multiple, payload, unit)]


def traded(row: Row, at: str) -> bool:
    """Whether a contract has opened and not ended. Raises UnreadablePayloadError."""
    state = word(row, "state", at)
    if state not in _TRADED:
        reason = f"one of {', '.join(_TRADED)} was due, was {state!r}"
        raise UnreadablePayloadError(where=f"{at}/state", reason=reason)
    return _TRADED[state]
