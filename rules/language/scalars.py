"""Scalar types of YAML files, with their validation, error messages and JSON Schema.

Numbers are Decimal throughout; a float is rejected. Rates are plain numbers (0.01 is 1 %) and may
be written as percentages. Amounts are in US dollars.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    WithJsonSchema,
)

from harmonize.core.instrument import NAME_PATTERN, is_asset_name
from harmonize.core.schedule import ZERO
from harmonize.core.yaml_source import printable
from harmonize.policy.expression import ExpressionError, parse

# Pattern of each kind of text, and its description in error messages.
SHAPES = {
    "^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "lower-case words joined by hyphens, such as esma-retail",
    "^[0-9]+([.][0-9]+)*$": 'numbers joined by points, in quotes, such as "2026.11"',
    "^[A-Z][A-Za-z0-9]*$": "a name that begins with a capital, such as A",
    "[^ \n]": "non-blank text",
    "^[a-z][a-z0-9_]*$": "lower-case words joined by underscores, such as var_99_1d_365d",
    "^[a-z][a-z0-9]*$": "a venue id in lower case, such as krakenfutures",
    "^[A-Z]{2}$": "two capital letters, such as JP",
    "^MH[0-9]{3}$": "a check code, such as MH401",
    "^[0-9a-f]{64}$": "a SHA-256 of 64 hexadecimal digits in lower case",
    "^https?://[A-Za-z0-9._~:!$&'()*+,;=%/-]+$": "an address such as https://example.org/margins, without ? and #",
}
_SLUG, _VERSION, _CLASS, _FILLED, _WORD, _VENUE, _COUNTRY, _CODE, _DIGEST, _LINK = SHAPES


_PERCENT_TEXT = re.compile(r"\s*(?P<number>[-+]?[0-9]{1,30}(\.[0-9]{1,30})?)\s*%\s*")


def _number(value: object) -> Decimal:
    percent = _PERCENT_TEXT.fullmatch(value) if isinstance(value, str) else None
    if percent:  # '6.2 %' or a percentage in quotes, which is text in YAML
        return Decimal(f"{percent['number']}e-2")
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        message = f"expected a number such as 0.125, 12.5% or 5_000_000, found {printable(value)}"
        raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueError, not TypeError
    return Decimal(value)


def _rate(value: object) -> Decimal:
    number = _number(value)
    if not ZERO < number <= 1:
        message = f"expected a number above 0 and at most 1 (0.125 or 12.5%), found {number}"
        message += _percent_fix(number)
        raise ValueError(message)
    return number


def _percent_fix(number: Decimal) -> str:
    """Returns the likely meaning of a share above 1: a percentage without its sign."""
    is_percentage = 1 < number <= 100  # noqa: PLR2004 - percent
    return f"; write {number}% for {number} %" if is_percentage else ""


def _share(value: object) -> Decimal:
    number = _number(value)
    if not ZERO <= number <= 1:
        message = f"expected a number from 0 to 1 (0.15 or 15%), found {number}"
        message += _percent_fix(number)
        raise ValueError(message)
    return number


def _inner(value: object) -> Decimal:
    number = _number(value)
    if not ZERO < number < 1:
        message = f"expected a number above 0 and below 1 (0.95 or 95%), found {number}"
        message += _percent_fix(number)
        raise ValueError(message)
    return number


def _amount(value: object) -> Decimal:
    number = _number(value)
    if not (number.is_finite() and number > ZERO):
        message = f"expected a number above 0, found {number}"
        raise ValueError(message)
    return number


def _measured(value: object) -> Decimal:
    number = _number(value)
    if not number.is_finite():
        message = f"expected a finite number, found {number}"
        raise ValueError(message)
    return number


def _asset(value: object) -> str:
    if not isinstance(value, str) or not is_asset_name(value):
        fix = "; put it in quotes" if isinstance(value, int | Decimal | bool | date) else ""
        message = f"expected an asset such as BTC, found {printable(value)}{fix}"
        raise ValueError(message)
    return value


def _count(value: object) -> int:
    number = _number(value)
    if number != int(number) or number < 0:
        message = f"expected a whole number of at least 0, found {number}"
        raise ValueError(message)
    return int(number)


def _day(value: object) -> date:
    if type(value) is not date:
        message = f"expected a date such as 2026-11-20, without quotes, found {printable(value)}"
        raise ValueError(message)
    return value


def _underlyings(value: object) -> object:
    if value in ("any", "crypto"):
        return value
    entries = value if isinstance(value, list | tuple) else ()
    invalid = [entry for entry in entries if not (isinstance(entry, str) and is_asset_name(entry))]
    if not entries or invalid:
        found = printable(invalid[0] if invalid else value)
        message = f"expected any, crypto, or a list of assets such as [BTC, ETH], found {found}"
        raise ValueError(message)
    return tuple(entries)


def _formula(value: object) -> str:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = f"{value:f}"
    if not isinstance(value, str):
        message = f"expected a formula such as 1.25 * q, found {printable(value)}"
        raise ValueError(message)  # noqa: TRY004 - as above
    try:
        parse(value)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return value


# Editors parse 12.5% and 5_000_000 as text, so the schema accepts text of that form too.
_PERCENT = {"type": "string", "pattern": "^[0-9]+([.][0-9]+)?%$"}
_GROUPED = {"type": "string", "pattern": "^[0-9]+(_[0-9]+)+([.][0-9]+)?$"}
_RATE_SCHEMA = {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1}, _PERCENT]}
_SHARE_SCHEMA = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, _PERCENT]}
_INNER_SCHEMA = {
    "anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, _PERCENT]
}
_AMOUNT_SCHEMA = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _GROUPED]}
_MEASURE_SCHEMA = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _PERCENT, _GROUPED]}
_MEASURED_SCHEMA = {"anyOf": [{"type": "number"}, _PERCENT, _GROUPED]}
_ASSET_SCHEMA = {"type": "string", "pattern": NAME_PATTERN}
_COUNT_SCHEMA = {"type": "integer", "minimum": 0}
_DAY_SCHEMA = {"type": "string", "format": "date"}
_UNDERLYINGS_SCHEMA = {
    "anyOf": [
        {"enum": ["any", "crypto"]},
        {"type": "array", "minItems": 1, "items": _ASSET_SCHEMA},
    ]
}
_FORMULA_SCHEMA = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "number"}]}

Rate: TypeAlias = Annotated[Decimal, BeforeValidator(_rate), WithJsonSchema(_RATE_SCHEMA)]
Share: TypeAlias = Annotated[Decimal, BeforeValidator(_share), WithJsonSchema(_SHARE_SCHEMA)]
Inner: TypeAlias = Annotated[Decimal, BeforeValidator(_inner), WithJsonSchema(_INNER_SCHEMA)]
Amount: TypeAlias = Annotated[Decimal, BeforeValidator(_amount), WithJsonSchema(_AMOUNT_SCHEMA)]
Measure: TypeAlias = Annotated[Decimal, BeforeValidator(_amount), WithJsonSchema(_MEASURE_SCHEMA)]
Measured: TypeAlias = Annotated[
    Decimal, BeforeValidator(_measured), WithJsonSchema(_MEASURED_SCHEMA)
]
Count: TypeAlias = Annotated[int, BeforeValidator(_count), WithJsonSchema(_COUNT_SCHEMA)]
Day: TypeAlias = Annotated[date, BeforeValidator(_day), WithJsonSchema(_DAY_SCHEMA)]
Underlyings: TypeAlias = Annotated[
    str | tuple[str, ...],
    BeforeValidator(_underlyings),
    WithJsonSchema(_UNDERLYINGS_SCHEMA),
]
Formula: TypeAlias = Annotated[str, BeforeValidator(_formula), WithJsonSchema(_FORMULA_SCHEMA)]
Text: TypeAlias = Annotated[str, StringConstraints(pattern=_FILLED)]
Slug: TypeAlias = Annotated[str, StringConstraints(pattern=_SLUG)]
Version: TypeAlias = Annotated[str, StringConstraints(pattern=_VERSION)]
AssetName: TypeAlias = Annotated[str, BeforeValidator(_asset), WithJsonSchema(_ASSET_SCHEMA)]
ClassName: TypeAlias = Annotated[str, StringConstraints(pattern=_CLASS)]
Word: TypeAlias = Annotated[str, StringConstraints(pattern=_WORD)]
Venue: TypeAlias = Annotated[str, StringConstraints(pattern=_VENUE)]
Country: TypeAlias = Annotated[str, StringConstraints(pattern=_COUNTRY)]
Code: TypeAlias = Annotated[str, StringConstraints(pattern=_CODE)]
Digest: TypeAlias = Annotated[str, StringConstraints(pattern=_DIGEST)]
Link: TypeAlias = Annotated[str, StringConstraints(pattern=_LINK)]


class Shape(BaseModel):
    """Mapping that rejects unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
