"""Reads amounts as people and exchanges write them: separators, signs and units.

A number with one separator before exactly three digits, such as 100.000 or 1,000, has two readings.
It is refused unless another number of the same file settles which mark is the decimal one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, InvalidOperation

from harmonize.core.instrument import AT_PAR_WITH_USD
from harmonize.text.amounts import FACTORS

MAX_TEXT = 80  # characters of a cell with a number

_SPACES = re.compile(r"[\s\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_UNIT_BEFORE = re.compile(r"(?P<unit>US\$|[$€£¥₿]|[A-Za-z]{3,5}\$?)\s*(?P<rest>[-+]?[0-9.,].*)")
_UNIT_AFTER = re.compile(r"(?P<rest>.*[0-9.,])\s*(?P<unit>[^0-9\s.,'\u2019_+()-][^\s]*)")
_UNIT_WITH_DIGITS = re.compile(r"(?P<rest>.*[0-9.,]) (?P<unit>[0-9]+[A-Za-z]+[A-Za-z0-9]*)")
_EXPONENT = re.compile(r"(?P<mantissa>[0-9]*[.,]?[0-9]*)[eE](?P<exponent>[-+]?[0-9]{1,3})")
_GROUPED = re.compile(
    r"[0-9]{1,3}(?P<group>[ '\u2019])[0-9]{3}(?:(?P=group)[0-9]{3})*(?:[.,][0-9]+)?"
)
_UNDERSCORED = re.compile(r"[0-9]+(?:_[0-9]+)+(?:[.,][0-9]+)?")
_ENGLISH = re.compile(r"[0-9]{1,3}(?:(?:,[0-9]{3})+\.[0-9]*|(?:,[0-9]{3}){2,})")
_CONTINENTAL = re.compile(r"[0-9]{1,3}(?:(?:\.[0-9]{3})+,[0-9]*|(?:\.[0-9]{3}){2,})")
_AMBIGUOUS = re.compile(r"(?P<before>[1-9][0-9]{0,2})(?P<mark>[.,])(?P<after>[0-9]{3})")
_SIMPLE = re.compile(r"[0-9]+[.,]?[0-9]*|[.,][0-9]+")

_SCALED = re.compile(
    r"(?P<before>[^A-Za-z]*[0-9.,]|[A-Za-z$]{1,4}\s*[0-9.,_' ]*[0-9.,])"
    r"(?P<suffix>bn|tn|[kmb])(?P<after>\)?|\s+\S+)",
    re.IGNORECASE,
)

_USD_SIGNS = frozenset({"$", "US$", "USD$"})


class AmountError(ValueError):
    """Cell that is no number, or has two readings: the problem and the fix."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with the unit written beside it; an empty unit is none."""

    number: Decimal
    unit: str = ""

    @property
    def is_usd(self) -> bool:
        """True if the unit is a currency at par with the US dollar."""
        return is_usd(self.unit)


def is_usd(unit: str) -> bool:
    """Returns whether a unit is the US dollar, or a currency at par with it."""
    return unit.upper() in AT_PAR_WITH_USD or unit.upper() in _USD_SIGNS


def decimal_mark(values: Iterable[object]) -> tuple[str, str]:
    """Returns the decimal mark that the numbers of a file settle, and one that settles it.

    Both are empty if no number settles it, or if two contradict each other. Settling numbers have
    thousands separators: 1.234.567 and 1.234,50 have a decimal comma, 1,234.50 a decimal point.
    """
    evidence: dict[str, str] = {}
    for value in values:
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            continue
        digits = _split(value)[1]
        for mark, pattern in ((".", _ENGLISH), (",", _CONTINENTAL)):
            if pattern.fullmatch(digits):
                evidence.setdefault(mark, value.strip())
    if len(evidence) != 1:
        return "", ""
    return next(iter(evidence.items()))


def decimal_comma(values: Iterable[object]) -> str:
    """Returns the first number that can only have a decimal comma, such as 100,50; empty if none."""
    for value in values:
        if isinstance(value, str) and len(value) <= MAX_TEXT:
            digits = _split(value)[1]
            is_simple = _SIMPLE.fullmatch(digits) and not _AMBIGUOUS.fullmatch(digits)
            if "," in digits and (is_simple or _GROUPED.fullmatch(digits)):
                return value.strip()
    return ""


def parse_amount(value: object, mark: str = "") -> Amount:
    """Returns the amount in a cell; ``mark`` is the decimal mark of the file, if it is settled.

    Numbers of JSON and of numeric spreadsheet cells are taken as they are. Raises AmountError.
    """
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = Decimal(str(value))
        if not number.is_finite():
            message = f"expected a number, found {value}"
            raise AmountError(message)
        return Amount(number)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise AmountError(_no_number(value))
    sign, digits, unit = _split(value)
    return Amount(sign * _number(digits, mark, value, unit), unit)


def parse_size(value: object, mark: str = "") -> Amount:
    """Returns the amount in a cell as ``parse_amount``; a suffix k, m, bn or tn multiplies it.

    The suffix stands directly after the digits: ``5m``, ``$1.5bn``, ``250k USDT``. Raises AmountError.
    """
    match = _SCALED.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or len(match.string) > MAX_TEXT:
        return parse_amount(value, mark)
    try:
        amount = parse_amount(f"{match['before']}{match['after']}", mark)
    except AmountError as error:
        message = f"{error}, followed by {match['suffix']}"
        raise AmountError(message) from None
    return Amount(amount.number * FACTORS[match["suffix"].lower()], amount.unit)


def _split(text: str) -> tuple[int, str, str]:
    """Returns the sign of an amount, its digits and its unit."""
    rest = _SPACES.sub(" ", text).replace("\u2212", "-").strip()
    unit = ""
    sign = 1
    if rest.startswith("(") and rest.endswith(")"):  # accountants write (100) for -100
        sign, rest = -1, rest[1:-1].strip()
    if rest[:1] in {"-", "+"}:
        sign, rest = (-sign if rest[0] == "-" else sign), rest[1:].strip()
    for pattern in (_UNIT_BEFORE, _UNIT_WITH_DIGITS, _UNIT_AFTER):
        match = None if _EXPONENT.fullmatch(rest) else pattern.fullmatch(rest)
        if match:
            rest, unit = match["rest"].strip(), match["unit"]
            break
    if unit and rest[:1] in {"-", "+"}:  # $-100
        sign, rest = (-sign if rest[0] == "-" else sign), rest[1:].strip()
    return sign, rest, unit


def _number(digits: str, mark: str, text: str, unit: str) -> Decimal:
    exponent = _EXPONENT.fullmatch(digits)
    if exponent:
        return _decimal(f"{exponent['mantissa'].replace(',', '.')}e{exponent['exponent']}", text)
    if _ENGLISH.fullmatch(digits):
        return _decimal(digits.replace(",", ""), text)
    if _CONTINENTAL.fullmatch(digits):
        return _decimal(digits.replace(".", "").replace(",", "."), text)
    if _GROUPED.fullmatch(digits) or _UNDERSCORED.fullmatch(digits):
        return _decimal(re.sub("[ '\u2019_]", "", digits).replace(",", "."), text)
    ambiguous = _AMBIGUOUS.fullmatch(digits)
    if ambiguous:
        # The dollar sign in front is the English form, in which a comma groups digits.
        is_english = unit in _USD_SIGNS and ambiguous["mark"] == "," and text.strip()[-1].isdigit()
        return _settled(ambiguous, mark or ("." if is_english else ""), text)
    if _SIMPLE.fullmatch(digits):
        return _decimal(digits.replace(",", "."), text)
    raise AmountError(_no_number(text))


def _settled(match: re.Match[str], mark: str, text: str) -> Decimal:
    """Returns the reading of a number such as 100.000. Raises AmountError: nothing settles it."""
    whole = Decimal(match["before"] + match["after"])
    fraction = Decimal(f"{match['before']}.{match['after']}")
    if not mark:
        short = match["after"].rstrip("0") or "0"
        decimal_form = f"{match['before']}.{short}" + ("0" if len(short) == len("000") else "")
        short_form = decimal_form.rstrip("0").rstrip(".")
        message = f"{text.strip()}: {short_form} or {whole:,}? write {whole} or {decimal_form}"
        raise AmountError(message)
    return fraction if match["mark"] == mark else whole


def _decimal(digits: str, text: str) -> Decimal:
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise AmountError(_no_number(text)) from None
    return number


def _no_number(value: object) -> str:
    if isinstance(value, date | time):
        return f"expected a number, found the date {value}; format the cell as a number"
    text = str(value)
    shown = text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004 - a line has room for it
    fix = "correct the formula" if text.startswith("#") else "write digits, such as 250000"
    return f"expected a number, found {shown!r}; {fix}"
