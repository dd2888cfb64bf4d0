"""Market stress windows, measured from prices and read from ``stress_windows.yaml``."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml, printable
from harmonize.document.history import StressWindow

_SECTIONS = ("measured", "sources", "windows")
_MEASURED_KEYS = ("first", "coins_until", "btc_until")
_WINDOW_KEYS = ("first", "last", "name", "btc", "btc_day", "coins", "coins_day", "source")


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """Stress window with the largest falls of BTC and of the median coin, and their days.

    A fall is the day's low divided by the previous day's close, minus 1: −0.2 is a fall of 20 %.
    """

    window: StressWindow
    btc: Decimal
    btc_day: date
    coins: Decimal
    coins_day: date


@dataclass(frozen=True, slots=True)
class StressCalendar:
    """All stress windows in chronological order.

    Days before ``first`` or after ``until`` were not measured. After ``coins_until`` only the falls
    of BTC were measured.
    """

    first: date
    coins_until: date
    until: date
    measured: tuple[MeasuredWindow, ...]

    @property
    def windows(self) -> tuple[StressWindow, ...]:
        """The windows without their measurements."""
        return tuple(measured.window for measured in self.measured)


@cache
def bundled_calendar() -> StressCalendar:
    """Returns the stress windows that ship with the package."""
    return parse(
        files("harmonize.history").joinpath("stress_windows.yaml").read_text("utf-8"),
        "stress_windows.yaml",
    )


def windows() -> tuple[StressWindow, ...]:
    """Returns the stress windows that ship with the package, in chronological order."""
    return bundled_calendar().windows


def window_of(day: date) -> StressWindow | None:
    """Returns the stress window of a day; None if the day is in no window or was not measured."""
    text = day.isoformat()
    return next((window for window in windows() if window.first <= text <= window.last), None)


def parse(text: str, name: str) -> StressCalendar:
    """Returns the stress windows of a YAML text. Raises YamlSourceError with file, line and column."""
    yaml = parse_yaml(text, name)
    sections = _mapping(yaml, (), _SECTIONS)
    span = _mapping(yaml, ("measured",), _MEASURED_KEYS)
    first, coins_until, until = (_day(yaml, ("measured", key), span[key]) for key in _MEASURED_KEYS)
    rows, sources = sections["windows"], sections["sources"]
    if not isinstance(rows, list) or not isinstance(sources, dict):
        raise _error(yaml, (), "expected a list of windows and a mapping of sources")
    measured = tuple(_window(yaml, position, sources) for position in range(len(rows)))
    bounds = [day for row in measured for day in (row.window.first, row.window.last)]
    if bounds != sorted(bounds):
        raise _error(yaml, ("windows",), "windows: expected chronological order without overlaps")
    return StressCalendar(first, coins_until, until, measured)


def _window(yaml: YamlSource, position: int, sources: dict[str, object]) -> MeasuredWindow:
    path = ("windows", position)
    row = _mapping(yaml, path, _WINDOW_KEYS)
    if row["source"] not in sources:
        expected, source = ", ".join(sources), printable(row["source"])
        raise _error(yaml, path, f"source: expected one of {expected}, found {source}")
    first, last, btc_day, coins_day = (
        _day(yaml, (*path, key), row[key]) for key in ("first", "last", "btc_day", "coins_day")
    )
    btc, coins = row["btc"], row["coins"]
    if not isinstance(btc, Decimal) or not isinstance(coins, Decimal) or max(btc, coins) >= 0:
        raise _error(yaml, path, "btc, coins: expected falls below 0, such as -0.162")
    source = str(sources[str(row["source"])])
    window = StressWindow(first.isoformat(), last.isoformat(), str(row["name"]), source)
    return MeasuredWindow(window, btc, btc_day, coins, coins_day)


def _mapping(
    yaml: YamlSource, path: tuple[str | int, ...], keys: tuple[str, ...]
) -> dict[str, object]:
    node: object = yaml.value
    for step in path:
        node = node[step]  # type: ignore[index]  # the caller has checked the parent
    if not isinstance(node, dict) or set(node) != set(keys):
        raise _error(yaml, path, f"expected exactly the keys {', '.join(keys)}")
    return node


def _day(yaml: YamlSource, path: tuple[str | int, ...], value: object) -> date:
    if not isinstance(value, date):
        raise _error(
            yaml, path, f"{path[-1]}: expected a day, such as 2020-03-12, found {printable(value)}"
        )
    return value


def _error(yaml: YamlSource, path: tuple[str | int, ...], reason: str) -> YamlSourceError:
    line, column = yaml.place(path)
    return YamlSourceError(yaml.name, line, column, reason)
