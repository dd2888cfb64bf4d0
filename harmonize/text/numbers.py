"""The one place where a number becomes text.

Amounts are USD, rates and divergences plain (0.01 is 1 %), times ISO 8601. None, and whatever is
not finite, is written "–": not observable, or none. A number and its unit are joined by a
no-break space, a negative number has a true minus, and nothing is ever in scientific notation.
"""

import math
from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

NOT_OBSERVABLE = "–"

_MINUS = "−"
_SPACE = "\N{NO-BREAK SPACE}"
_UNITS = (("", 1), ("k", 10**3), ("m", 10**6), ("bn", 10**9), ("tn", 10**12))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_THOUSAND = 1000
_NEARLY_ALL = 0.99
_CENTS = 2
_TENTH = Decimal("0.1")
_THOUSANDTH = Decimal("0.001")
_BOUND_DIGITS = range(3, 16)


def usd(amount: float | None, digits: int = 3) -> str:
    """Write an amount with `digits` significant digits: ``$1.25m``, ``−$340``, ``$0.12``."""
    if amount is None or not math.isfinite(amount):
        return NOT_OBSERVABLE
    size = abs(Decimal(repr(float(amount))))
    places = [
        (_significant(size / factor, digits, most=_CENTS if factor == 1 else digits), suffix)
        for suffix, factor in _UNITS
    ]
    text, suffix = next((one for one in places if Decimal(one[0]) < _THOUSAND), places[-1])
    grouped = _grouped(text)
    return f"{_MINUS if amount < 0 and grouped != '0' else ''}${grouped}{suffix}"


def amount(value: float | None) -> str:
    """Returns an amount in a table of USD, to the cent: ``3,959.24``, ``−0.50``."""
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    return f"{value:,.2f}".replace("-", _MINUS)


def rate(value: float | None) -> str:
    """Write a margin rate as a percentage: ``2.0 %``, ``0.416 %``, ``12.5 %``."""
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    percent = Decimal(repr(float(value))) * 100
    size = abs(percent)
    if 0 < size < _THOUSANDTH:
        return f"{_sign(value)}<0.001{_SPACE}%"
    places = 1 if size >= 10 else 2 if size >= 1 else 3  # noqa: PLR2004 - finer below 10 and 1 %
    return f"{_sign(value)}{_grouped(_fixed(size, places), least=1)}{_SPACE}%"


def precise_rate(value: float | None) -> str:
    """Returns a rate in a table, with up to four decimal places: ``0.6667 %``, ``2.0 %``."""
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    percent = Decimal(repr(float(value))) * 100
    return f"{_sign(value)}{_grouped(_fixed(abs(percent), 4), least=1)}{_SPACE}%"


def axis_rate(value: float) -> str:
    """Write a rate on an axis, in the fewest digits: ``5 %``, ``0.5 %``."""
    return f"{_grouped(_significant(Decimal(repr(float(value))) * 100, 2, most=6))}{_SPACE}%"


def leverage(margin_rate: float | None) -> str:
    """Write the leverage that a margin rate allows: 0.02 is ``50×``."""
    if margin_rate is None or not math.isfinite(margin_rate) or margin_rate <= 0:
        return NOT_OBSERVABLE
    return f"{_grouped(_significant(1 / Decimal(repr(float(margin_rate))), 3, most=2))}×"


def precise_leverage(value: float | None) -> str:
    """Returns a leverage in a table, with four significant digits: ``66.67×``."""
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    return f"{_grouped(_significant(Decimal(repr(float(value))), 4, most=3))}×"


def times(ratio: float | None) -> str:
    """Write how many times one amount is another: ``2.5 times``."""
    if ratio is None or not math.isfinite(ratio):
        return NOT_OBSERVABLE
    size = abs(Decimal(repr(float(ratio))))
    return f"{_sign(ratio)}{_grouped(_significant(size, 2, most=1))}{_SPACE}times"


def divergence(value: float | None) -> str:
    """Write a divergence with its sign: ``−34 %``, ``+3.5 %``; below a twentieth of 1 %, ``0 %``.

    Only nothing at all is ``−100 %``: 99.96 % less than asked is ``−99.9 %``.
    """
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    if -1 < value <= -_NEARLY_ALL:
        tenths = (Decimal(repr(float(value))) * 100).quantize(_TENTH, ROUND_DOWN)
        return f"{_MINUS}{_grouped(str(-tenths))}{_SPACE}%"
    return _signed(
        Decimal(repr(float(value))) * 100, places=1, whole_from=Decimal("9.95"), unit="%"
    )


def points(value: float | None) -> str:
    """Write a difference of two rates in percentage points: 0.005 is ``+0.5 pp``."""
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    return _signed(Decimal(repr(float(value))) * 100, places=2, whole_from=Decimal(100), unit="pp")


def index(value: float | None) -> str:
    """Write a harmonization index: ``71.2``; only perfect agreement is ``100``."""
    if value is None or not math.isfinite(value):
        return NOT_OBSERVABLE
    text = f"{_sign(value)}{_fixed(abs(Decimal(repr(float(value)))), 1)}"
    if text == "100.0":
        return ">99.9" if value < 100 else "100"  # noqa: PLR2004 - the index's own ceiling
    return text


def count(value: int) -> str:
    """Write a number of things: ``10,000``."""
    return f"{value:,}"


def counted(value: int, singular: str, plural: str = "") -> str:
    """Write a number of things with its noun: ``1 venue``, ``12 venues``."""
    return f"{count(value)}{_SPACE}{singular if value == 1 else plural or singular + 's'}"


def share(part: int, whole: int) -> str:
    """Write a share; only none is ``0 %`` and only all is ``100 %``."""
    if whole == 0:
        return NOT_OBSERVABLE
    percent = int((Decimal(100 * part) / whole).to_integral_value(ROUND_HALF_EVEN))
    if percent == 0 and part:
        return f"under 1{_SPACE}%"
    if percent == 100 and part < whole:  # noqa: PLR2004 - all of it
        return f"over 99{_SPACE}%"
    return f"{percent}{_SPACE}%"


def date(moment: str | None) -> str:
    """Write the day of a moment in UTC: ``20 Nov 2025``."""
    if not moment:
        return NOT_OBSERVABLE
    day = _utc(moment)
    return _SPACE.join((str(day.day), _MONTHS[day.month - 1], str(day.year)))


def time(moment: str | None) -> str:
    """Write a moment to the minute: ``20 Nov 2025, 14:03 UTC``."""
    if not moment:
        return NOT_OBSERVABLE
    return f"{date(moment)}, {_utc(moment):%H:%M}{_SPACE}UTC"


def span(oldest: str | None, newest: str | None) -> str:
    """Write the dates that a figure compares, in the fewest words: ``3–20 Nov 2025``."""
    if not oldest or not newest:
        return NOT_OBSERVABLE
    first, last = _utc(oldest), _utc(newest)
    if first.date() == last.date():
        return date(newest)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{date(newest)}"
    if first.year == last.year:
        return f"{first.day}{_SPACE}{_MONTHS[first.month - 1]} – {date(newest)}"
    return f"{date(oldest)} – {date(newest)}"


def age(days: float | None) -> str:
    """Write an age: ``under 1 day``, ``7.5 days``, ``34 days``."""
    if days is None or not math.isfinite(days):
        return NOT_OBSERVABLE
    if days < 1:
        return f"under 1{_SPACE}day"
    places = 1 if days < 10 else 0  # noqa: PLR2004 - a tenth of a day matters near the stale limit
    text = _grouped(_fixed(Decimal(repr(float(days))), places))
    return f"{text}{_SPACE}{'day' if text == '1' else 'days'}"


def interval(lower: float, upper: float | None) -> str:
    """Write a range of notional: ``($250k, $1m]``, ``up to $50k``, ``above $5m``.

    Bounds that would look alike are written with as many digits as it takes to tell them apart.
    """
    if upper is None:
        return "every notional" if lower == 0 else f"above {usd(lower)}"
    if lower == 0:
        return f"up to {usd(upper)}"
    pairs = [(usd(lower, digits), usd(upper, digits)) for digits in _BOUND_DIGITS]
    first, last = next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
    return f"({first}, {last}]"


def size(number_of_bytes: int) -> str:
    """Write a size in bytes: ``840 B``, ``12.3 kB``."""
    if number_of_bytes < _THOUSAND:
        return f"{number_of_bytes}{_SPACE}B"
    kilobytes = Decimal(number_of_bytes) / _THOUSAND
    return f"{_grouped(_significant(kilobytes, 3, most=1))}{_SPACE}kB"


def digest(sha256: str) -> str:
    """Shorten a hash to the twelve characters that are enough to recognise it."""
    return sha256[:12] or NOT_OBSERVABLE


def _signed(percent: Decimal, *, places: int, whole_from: Decimal, unit: str) -> str:
    text = _grouped(_fixed(abs(percent), 0 if abs(percent) >= whole_from else places))
    if text == "0":
        return f"0{_SPACE}{unit}"
    return f"{_MINUS if percent < 0 else '+'}{text}{_SPACE}{unit}"


def _sign(value: float) -> str:
    return _MINUS if value < 0 else ""


def _utc(moment: str) -> datetime:
    """Read an ISO 8601 moment; one without an offset is UTC. Raises ValueError: not ISO 8601."""
    read = datetime.fromisoformat(moment)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _significant(value: Decimal, digits: int, *, most: int) -> str:
    """Write with `digits` significant digits and at most `most` decimal places."""
    return _fixed(value, min(most, max(0, digits - 1 - value.adjusted())) if value else 0)


def _fixed(value: Decimal, places: int) -> str:
    return f"{value:.{places}f}"


def _grouped(text: str, least: int = 0) -> str:
    """Group thousands and drop trailing zeros, but for `least` decimal places."""
    whole, _, fraction = text.partition(".")
    kept = fraction.rstrip("0").ljust(least, "0")
    return f"{int(whole):,}" + (f".{kept}" if kept else "")
