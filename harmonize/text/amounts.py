"""Parses amounts in USD as people write them: ``5m``, ``250k``, ``1bn``, ``5_000_000``, ``5e6``."""

import re
from decimal import Decimal

FACTORS = {"k": 10**3, "m": 10**6, "b": 10**9, "bn": 10**9, "tn": 10**12}
"""Factor of each suffix of an amount, in small letters."""

_FACTORS = {"": 1, **FACTORS}

_AMOUNT = re.compile(
    r"\$?(?P<sign>[-+]?)(?P<whole>[0-9]+(?:_[0-9]+)*|(?=\.))(?P<fraction>\.[0-9]+|\.?)"
    r"(?:e(?P<exponent>[-+]?[0-9]{1,3})|(?P<suffix>[a-z]*))",
    re.ASCII | re.IGNORECASE,
)
_MAX_LENGTH = 40
_GROUPED = re.compile(r"\$?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?", re.ASCII)

EXAMPLES = "such as 5m, 250k, 1bn or 5_000_000"
"""How an amount may be written, for messages."""


class AmountError(ValueError):
    """Text that is no amount: what was expected and found, and the fix, in one line."""


def parse_usd(text: str | float) -> float:
    """Returns an amount in USD; a suffix k, m, bn or tn multiplies it, in either case.

    A number is returned as it is. The sign and the range are for the caller to judge. Raises
    AmountError: the text is no amount.
    """
    return float(exact_usd(text) if isinstance(text, str) else text)


def exact_usd(text: str) -> Decimal:
    """Returns an amount in USD as it is written. Raises AmountError: the text is no amount."""
    match = _AMOUNT.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    suffix = (match["suffix"] or "").lower() if match else ""
    if match is None or suffix not in _FACTORS or text.endswith("."):
        raise AmountError(_message(text, suffix))
    digits = f"{match['sign']}{match['whole'] or 0}{match['fraction']}".replace("_", "")
    return Decimal(f"{digits}e{match['exponent'] or 0}") * _FACTORS[suffix]


def _message(text: str, suffix: str) -> str:
    quoted = text if len(text) <= _MAX_LENGTH else f"{text[: _MAX_LENGTH - 1]}…"
    message = f"expected an amount in USD {EXAMPLES}, found {quoted!r}"
    if _GROUPED.fullmatch(text):
        return f"{message}; use underscores instead of commas: {text.lstrip('$').replace(',', '_')}"
    if suffix:
        return f"{message}; use k, m, bn or tn instead of {suffix}"
    return message
