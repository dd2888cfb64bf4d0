"""Plausible range of a measured input, by the words of its name.

A move of a price or a rate is a share: 0.062 or 6.2 %. A number above 1 is a percentage without its
sign, or returns that were multiplied by 100. Annualised and implied volatilities are shares as well,
at most 10. An amount is in USD. A correlation lies between -1 and 1, a tail dependence between 0 and 1.
An input whose name has none of the words below has no range, except that it is above 0.
"""

from decimal import Decimal
from enum import StrEnum

ONE, ZERO = Decimal(1), Decimal(0)
LEAST_DAILY_MOVE = Decimal("0.0005")
"""A 99 % one-day move of a crypto-asset below this (0.05 %) is probably in another unit."""
LEAST_AMOUNT = Decimal(1000)
"""A daily volume or open interest in USD below this is probably in thousands, millions or coins."""
MAX_INTERVAL_RATIO = Decimal(5)
"""Usual largest ratio between an input and a bound of its confidence interval."""
MAX_BOUND_RATIO = Decimal(10)
"""Largest ratio of a bound above 1 to its input; beyond it the bound is in another unit."""
MAX_ANNUAL_VOLATILITY = Decimal(10)
"""Largest annualized volatility, which for small coins exceeds 100 %."""
LEAST_CONFIDENCE = Decimal("0.5")
_ANNUAL = frozenset({"annual", "annualized", "annualised", "yearly", "dvol"})
"""Words of annualised volatilities; DVOL is one by definition."""


class InputKind(StrEnum):
    """Unit and range of a measured input."""

    MOVE = "move"
    RATE = "rate"
    AMOUNT = "amount in USD"
    CORRELATION = "correlation"
    DEPENDENCE = "tail dependence"
    OTHER = "other"


_WORDS = {
    InputKind.CORRELATION: "corr correlation rho",
    InputKind.DEPENDENCE: "dependence",
    InputKind.AMOUNT: (
        "adv oi volume turnover depth notional amount usd mcap marketcap capitalization liquidity interest"
    ),
    InputKind.MOVE: (
        "var es cvar vol volatility dvol sigma std stdev stddev move moves return returns drawdown "
        "quantile stress shock gap evar svar ewma"
    ),
    InputKind.RATE: "rate rates im mm margin haircut funding share weight probability pd lgd imr mmr",
}
_INFINITE = Decimal("Infinity")

_RANGES = {
    InputKind.CORRELATION: (-ONE, ONE, "a correlation from -1 to 1"),
    InputKind.DEPENDENCE: (ZERO, ONE, "a tail dependence from 0 to 1"),
    InputKind.AMOUNT: (ZERO, _INFINITE, "an amount in USD of at least 0"),
}
"""Lowest and highest number of the kinds that include 0, in words as well."""

_KINDS = {word: kind for kind, words in _WORDS.items() for word in words.split()}


def kind_of(name: str) -> InputKind:
    """Returns the kind of an input: that of the first word of its name that has one."""
    kinds = (_KINDS.get(word) for word in _words_of(name))
    return next((kind for kind in kinds if kind is not None), InputKind.OTHER)


def _words_of(name: str) -> list[str]:
    return name.casefold().replace("-", "_").split("_")


def range_problem(name: str, number: Decimal, value: Decimal | None = None) -> str:
    """Returns why a number cannot be such an input, with the fix; empty if it can.

    With ``value``, the number is a bound of that input's interval. The upper bound of a large move
    can exceed 1, because a price can more than double.
    """
    kind = kind_of(name)
    shown = _plain(number) if number.is_finite() else str(number)
    if not number.is_finite():
        return f"expected a finite number, found {shown}"
    if kind in _RANGES:
        lowest, highest, words = _RANGES[kind]
        return "" if lowest <= number <= highest else f"expected {words}, found {shown}"
    if number <= ZERO:
        return f"expected a number above 0, found {shown}"
    if number <= _highest(name, kind, value):
        return ""
    return f"{shown}: a {kind} of {_plain(number * 100)} %? {_mend(number)}"


def _highest(name: str, kind: InputKind, value: Decimal | None) -> Decimal:
    if kind is InputKind.OTHER:
        return _INFINITE
    is_annual = kind is InputKind.MOVE and not _ANNUAL.isdisjoint(_words_of(name))
    limit = MAX_ANNUAL_VOLATILITY if is_annual else ONE
    return limit if value is None else max(limit, value * MAX_BOUND_RATIO)


def _mend(number: Decimal) -> str:
    if number <= 100:  # noqa: PLR2004 - percent
        return f"write {_plain(number / 100)} or {_plain(number)}%"
    return "write it as a share of 1 or with a percent sign"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def scale_warning(
    name: str, value: Decimal, interval: tuple[Decimal, Decimal] | None, confidence: Decimal | None
) -> str:
    """Returns what is unusual about an input that is possible; empty if nothing is."""
    kind = kind_of(name)
    if kind is InputKind.MOVE and value < LEAST_DAILY_MOVE:
        return f"{_plain(value)} is a move of only {_plain(value * 100)} %; is it in another unit?"
    if kind is InputKind.AMOUNT and value < LEAST_AMOUNT:
        return f"{_plain(value)} is an amount of only ${_plain(value)}; is it in another unit?"
    if interval is None or kind in {InputKind.CORRELATION, InputKind.DEPENDENCE}:
        return ""
    return _interval_warning(value, *interval, confidence or ONE)


def _interval_warning(value: Decimal, lower: Decimal, upper: Decimal, confidence: Decimal) -> str:
    interval = f"the interval {_plain(lower)} to {_plain(upper)}"
    if upper > value * MAX_INTERVAL_RATIO or lower * MAX_INTERVAL_RATIO < value:
        return f"{interval} is unusually wide for {_plain(value)}"
    if lower == upper:
        return f"{interval} has no width"
    if confidence < LEAST_CONFIDENCE:
        return f"the confidence of {_plain(confidence * 100)} % is unusually low"
    return ""
