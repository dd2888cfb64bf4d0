"""Formats every number, amount, rate, count and date that a renderer prints.

Arguments: amounts in USD, rates and deviations as fractions (0.01 is 1 %), times in ISO 8601.
`None` and non-finite values print as "–": not observable, or no value. A no-break space joins a
number and its unit, a negative number has a true minus, and scientific notation never occurs.
"""

import math
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from functools import lru_cache

NOT_OBSERVABLE = "–"
NBSP = "\N{NO-BREAK SPACE}"

_MINUS = "−"
_UNITS = (("", 1), ("k", 10**3), ("m", 10**6), ("bn", 10**9), ("tn", 10**12))
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""English month abbreviations."""
_THOUSAND = 1000
_NEARLY_ALL = 0.99
_CENTS = 2
_TENTH = Decimal("0.1")
_THOUSANDTH = Decimal("0.001")
_BOUND_DIGITS = range(3, 16)
_RATE_DIGITS = 4


@lru_cache(maxsize=65536)
def usd(amount: float | None, digits: int = 3) -> str:
    """Returns an amount in USD with `digits` significant digits: ``$1.25m``, ``−$340``, ``$0.12``."""
    if amount is None or not math.isfinite(amount):
        return NOT_OBSERVABLE
    magnitude = abs(Decimal(repr(float(amount))))
    candidates = []
    for suffix, factor in _UNITS:
        places = _CENTS if factor == 1 else digits
        candidates.append(
            (_round_significant(magnitude / factor, digits, max_places=places), suffix)
        )
    number, suffix = next(
        (candidate for candidate in candidates if Decimal(candidate[0]) < _THOUSAND), candidates[-1]
    )
    digits_text = _group_thousands(number)
    return f"{_MINUS if amount < 0 and digits_text != '0' else ''}${digits_text}{suffix}"


def amount(value: float | None) -> str:
    """Returns an amount in a table of USD, to the cent: ``3,959.24``, ``−0.50``."""
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    return f"{value:,.2f}".replace("-", _MINUS)


@lru_cache(maxsize=65536)
def rate(value: float | None) -> str:
    """Returns a rate as a percentage, in every table, report and message.

    Four significant digits, at least one decimal place: ``2.0 %``, ``0.4 %``, ``0.6667 %``,
    ``33.33 %``. A rate between 0 and 0.001 % is ``<0.001 %``.
    """
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    percent = Decimal(repr(float(value))) * 100
    magnitude = abs(percent)
    if 0 < magnitude < _THOUSANDTH:
        return f"{_sign(value)}<0.001{NBSP}%"
    places = max(1, _RATE_DIGITS - 1 - magnitude.adjusted())
    digits = _group_thousands(_round_places(magnitude, places), min_places=1)
    return f"{_sign(value)}{digits}{NBSP}%"


def axis_rate(value: float) -> str:
    """Returns a rate for an axis label, in the fewest digits: ``5 %``, ``0.5 %``."""
    percent = Decimal(repr(float(value))) * 100
    return f"{_group_thousands(_round_significant(percent, 2, max_places=6))}{NBSP}%"


def leverage(multiple: float | Decimal | None) -> str:
    """Returns a leverage: ``50×``, ``33.3×``."""
    if multiple is None or not math.isfinite(multiple):
        return NOT_OBSERVABLE
    magnitude = abs(multiple if isinstance(multiple, Decimal) else Decimal(repr(float(multiple))))
    text = _group_thousands(_round_significant(magnitude, 3, max_places=2))
    return f"{_MINUS if multiple < 0 and text != '0' else ''}{text}×"


def leverage_at(margin_rate: float | None) -> str:
    """Returns the leverage that a margin rate allows: 0.02 is ``50×``."""
    if margin_rate is None or not math.isfinite(margin_rate) or margin_rate <= 0:
        return NOT_OBSERVABLE
    return leverage(1 / Decimal(repr(float(margin_rate))))


def precise_leverage(value: float | None) -> str:
    """Returns a leverage in a table, with four significant digits: ``66.67×``."""
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    return f"{_group_thousands(_round_significant(Decimal(repr(float(value))), 4, max_places=3))}×"


def times(ratio: float | None, digits: int = 2) -> str:
    """Returns the ratio of two amounts with `digits` significant digits: ``2.5 times``."""
    if ratio is None or not math.isfinite(ratio):
        return NOT_OBSERVABLE
    magnitude = abs(Decimal(repr(float(ratio))))
    text = _group_thousands(_round_significant(magnitude, digits, max_places=digits - 1))
    return f"{_sign(ratio)}{text}{NBSP}times"


def change(value: float | None) -> str:
    """Returns a relative change with its sign and two decimal places: ``+99.30 %``, ``−50.00 %``."""
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    return f"{value * 100:+,.2f}{NBSP}%".replace("-", _MINUS)


def deviation(value: float | None) -> str:
    """Returns a deviation with its sign: ``−34 %``, ``+3.5 %``; below 0.05 %, ``0 %``.

    Only a margin of zero is ``−100 %``: 99.96 % below the requirement is ``−99.9 %``.
    """
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    if -1 < value <= -_NEARLY_ALL:
        tenths = (Decimal(repr(float(value))) * 100).quantize(_TENTH, ROUND_DOWN)
        return f"{_MINUS}{_group_thousands(str(-tenths))}{NBSP}%"
    return _with_sign(
        Decimal(repr(float(value))) * 100, places=1, whole_from=Decimal("9.95"), unit="%"
    )


def index(value: float | None) -> str:
    """Returns a harmonization index: ``71.2``; only perfect agreement is ``100``."""
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    text = f"{_sign(value)}{_round_places(abs(Decimal(repr(float(value)))), 1)}"
    if text == "100.0":
        return ">99.9" if value < 100 else "100"  # noqa: PLR2004 - the index's own ceiling
    return text


def count(value: int) -> str:
    """Returns a count with thousands separators: ``10,000``."""
    return f"{value:,}"


def count_text(value: int, singular: str, plural: str = "") -> str:
    """Returns a count with its noun: ``1 venue``, ``12 venues``; `plural` defaults to adding s."""
    return f"{count(value)}{NBSP}{singular if value == 1 else plural or singular + 's'}"


def share(part: int, whole: int) -> str:
    """Returns a share in whole percent; only none is ``0 %`` and only all is ``100 %``."""
    if whole == 0:
        return NOT_OBSERVABLE
    percent = int((Decimal(100 * part) / whole).to_integral_value(ROUND_HALF_EVEN))
    if percent == 0 and part:
        return f"under 1{NBSP}%"
    if percent == 100 and part < whole:  # noqa: PLR2004 - all of it
        return f"over 99{NBSP}%"
    return f"{percent}{NBSP}%"


def date(iso_time: str | None) -> str:
    """Returns the UTC date of a time: ``20 Nov 2025``."""
    if not iso_time:
        return NOT_OBSERVABLE
    day = parse_utc(iso_time)
    return NBSP.join((str(day.day), MONTHS[day.month - 1], str(day.year)))


def time(iso_time: str | None) -> str:
    """Returns a time to the minute: ``20 Nov 2025, 14:03 UTC``."""
    if not iso_time:
        return NOT_OBSERVABLE
    return f"{date(iso_time)}, {parse_utc(iso_time):%H:%M}{NBSP}UTC"


def date_range(oldest: str | None, newest: str | None) -> str:
    """Returns a range of dates in its shortest form: ``3–20 Nov 2025``.

    Without an oldest date the range is open: ``≤ 20 Nov 2025``.
    """
    if not newest:
        return NOT_OBSERVABLE
    if not oldest:
        return f"≤{NBSP}{date(newest)}"
    first, last = parse_utc(oldest), parse_utc(newest)
    if first.date() == last.date():
        return date(newest)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{date(newest)}"
    if first.year == last.year:
        return f"{first.day}{NBSP}{MONTHS[first.month - 1]} – {date(newest)}"
    return f"{date(oldest)} – {date(newest)}"


def observation_date(observed_at: str | None, observed_from: str, date_kind: str) -> str:
    """Returns the date of an observation, as far as it is known.

    ``20 Nov 2025`` if it is exact, ``≤ 20 Nov 2025`` if it has no earliest date, ``3–20 Nov 2025``
    between two dates; a date derived from prices is marked: ``20 Nov 2025 (derived)``.
    """
    if not observed_at:
        return NOT_OBSERVABLE
    if date_kind == "exact":
        return date(observed_at)
    if not observed_from:
        return f"≤{NBSP}{date(observed_at)}"
    mark = f"{NBSP}(derived)" if date_kind == "derived" else ""
    return f"{date_range(observed_from, observed_at)}{mark}"


def age(days: float | None) -> str:
    """Returns an age: ``under 1 day``, ``7.5 days``, ``34 days``."""
    if days is None or not math.isfinite(days):
        return NOT_OBSERVABLE
    if days < 1:
        return f"under 1{NBSP}day"
    places = 1 if days < 10 else 0  # noqa: PLR2004 - a tenth of a day matters near the stale limit
    text = _group_thousands(_round_places(Decimal(repr(float(days))), places))
    return f"{text}{NBSP}{'day' if text == '1' else 'days'}"


def notional_range(lower: float, upper: float | None) -> str:
    """Returns a range of notional: ``($250k, $1m]``, ``up to $50k``, ``above $5m``.

    Both bounds have as many digits as it takes to tell them apart.
    """
    if upper is None:
        return "every notional" if lower == 0 else f"above {usd(lower)}"
    if lower == 0:
        return f"up to {usd(upper)}"
    candidates = [(usd(lower, digits), usd(upper, digits)) for digits in _BOUND_DIGITS]
    first, last = next((bounds for bounds in candidates if bounds[0] != bounds[1]), candidates[0])
    return f"({first}, {last}]"


def byte_size(number_of_bytes: int) -> str:
    """Returns a size: ``840 B``, ``12.3 kB``."""
    if number_of_bytes < _THOUSAND:
        return f"{number_of_bytes}{NBSP}B"
    kilobytes = Decimal(number_of_bytes) / _THOUSAND
    return f"{_group_thousands(_round_significant(kilobytes, 3, max_places=1))}{NBSP}kB"


def digest(sha256: str) -> str:
    """Returns the first twelve characters of a hash, enough to recognise it."""
    return sha256[:12] or NOT_OBSERVABLE


def _with_sign(percent: Decimal, *, places: int, whole_from: Decimal, unit: str) -> str:
    text = _group_thousands(
        _round_places(abs(percent), 0 if abs(percent) >= whole_from else places)
    )
    if text == "0":
        return f"0{NBSP}{unit}"
    return f"{_MINUS if percent < 0 else '+'}{text}{NBSP}{unit}"


def _sign(value: float) -> str:
    return _MINUS if value < 0 else ""


def parse_utc(iso_time: str) -> datetime:
    """Parses an ISO 8601 time; without an offset it is UTC. Raises ValueError if it is not ISO 8601."""
    parsed = datetime.fromisoformat(iso_time)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _round_significant(value: Decimal, digits: int, *, max_places: int) -> str:
    """Rounds to `digits` significant digits and at most `max_places` decimal places."""
    return _round_places(
        value, min(max_places, max(0, digits - 1 - value.adjusted())) if value else 0
    )


def _round_places(value: Decimal, places: int) -> str:
    return f"{value:.{places}f}"


def _group_thousands(text: str, min_places: int = 0) -> str:
    """Groups thousands and drops trailing zeros, keeping `min_places` decimal places."""
    whole, _, fraction = text.partition(".")
    decimals = fraction.rstrip("0").ljust(min_places, "0")
    return f"{int(whole):,}" + (f".{decimals}" if decimals else "")
