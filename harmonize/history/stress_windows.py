"""Windows of market stress, measured from prices, read from the file beside."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from harmonize.core.yaml_source import WrittenError, YamlSource, read
from harmonize.document.history import StressWindow

_PARTS = ("measured", "sources", "windows")
_MEASURED = ("first", "coins_until", "btc_until")
_KEYS = ("first", "last", "name", "btc", "btc_day", "coins", "coins_day", "source")


@dataclass(frozen=True, slots=True)
class Measured:
    """A window with its figures: the deepest fall of BTC and of the median coin, and on which day.

    A fall is the lowest price of a day over the close of the day before, less 1 (−0.2 is 20 %).
    """

    window: StressWindow
    btc: Decimal
    btc_day: date
    coins: Decimal
    coins_day: date


@dataclass(frozen=True, slots=True)
class Stress:
    """All windows in order of time.

    Whether a day before ``first`` or after ``until`` was one of stress is not known; after
    ``coins_until`` falls of BTC alone were measured.
    """

    first: date
    coins_until: date
    until: date
    measured: tuple[Measured, ...]

    @property
    def windows(self) -> tuple[StressWindow, ...]:
        """The windows without their figures."""
        return tuple(one.window for one in self.measured)


@cache
def bundled() -> Stress:
    """Read the windows that ship with the package."""
    return parse(
        files("harmonize.history").joinpath("stress_windows.yaml").read_text("utf-8"),
        "stress_windows.yaml",
    )


def windows() -> tuple[StressWindow, ...]:
    """The windows that ship with the package, in order of time."""
    return bundled().windows


def window_of(day: date) -> StressWindow | None:
    """Find the window that a day is in; None where it is in none, or was not measured."""
    written = day.isoformat()
    return next((one for one in windows() if one.first <= written <= one.last), None)


def parse(text: str, name: str) -> Stress:
    """Read windows from YAML. Raises WrittenError: file:line:column, what is wrong."""
    written = read(text, name)
    parts = _mapping(written, (), _PARTS)
    span = _mapping(written, ("measured",), _MEASURED)
    first, coins_until, until = (_day(written, ("measured", key), span[key]) for key in _MEASURED)
    rows, sources = parts["windows"], parts["sources"]
    if not isinstance(rows, list) or not isinstance(sources, dict):
        raise _wrong(
            written, (), "windows is a list, sources a mapping from keys to what they name"
        )
    found = tuple(_measured(written, place, sources) for place in range(len(rows)))
    bounds = [day for one in found for day in (one.window.first, one.window.last)]
    if bounds != sorted(bounds):
        raise _wrong(written, ("windows",), "windows stand in order of time and do not overlap")
    return Stress(first, coins_until, until, found)


def _measured(written: YamlSource, place: int, sources: dict[str, object]) -> Measured:
    path = ("windows", place)
    row = _mapping(written, path, _KEYS)
    if row["source"] not in sources:
        raise _wrong(written, path, f"source is one of {', '.join(sources)}")
    first, last, btc_day, coins_day = (
        _day(written, (*path, key), row[key]) for key in ("first", "last", "btc_day", "coins_day")
    )
    btc, coins = row["btc"], row["coins"]
    if not isinstance(btc, Decimal) or not isinstance(coins, Decimal) or max(btc, coins) >= 0:
        raise _wrong(written, path, "btc and coins are falls, such as -0.162")
    source = str(sources[str(row["source"])])
    window = StressWindow(first.isoformat(), last.isoformat(), str(row["name"]), source)
    return Measured(window, btc, btc_day, coins, coins_day)


def _mapping(
    written: YamlSource, path: tuple[str | int, ...], keys: tuple[str, ...]
) -> dict[str, object]:
    found: object = written.value
    for step in path:
        found = found[step]  # type: ignore[index]  # the caller was there
    if not isinstance(found, dict) or set(found) != set(keys):
        raise _wrong(written, path, f"exactly the keys {', '.join(keys)} were due")
    return found


def _day(written: YamlSource, path: tuple[str | int, ...], value: object) -> date:
    if not isinstance(value, date):
        raise _wrong(written, path, f"{path[-1]} is a day, such as 2020-03-12")
    return value


def _wrong(written: YamlSource, path: tuple[str | int, ...], reason: str) -> WrittenError:
    line, column = written.place(path)
    return WrittenError(written.name, line, column, reason)
