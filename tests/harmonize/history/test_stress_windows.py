"""The bundled stress windows follow from prices by the documented rule."""

import csv
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

import pytest

from harmonize.core.yaml_source import YamlSourceError
from harmonize.history.stress_windows import bundled_calendar, parse, window_of, windows
from tests.support.paths import VECTORS

PRICES = VECTORS / "stress_days.csv"
COINS = ("BTC", "ETH", "BNB", "XRP", "ADA", "LTC", "LINK")
Falls = dict[date, tuple[Decimal, Decimal]]


def falls() -> Falls:
    """Returns the fall of BTC and of the median coin on every day with a previous day in the excerpt."""
    lines = [line for line in PRICES.read_text().splitlines() if not line.startswith("#")]
    rows = {date.fromisoformat(row["day"]): row for row in csv.DictReader(lines)}
    by_day = {}
    for day, row in rows.items():
        if before := rows.get(day - timedelta(days=1)):
            drops = [Decimal(row[f"{c} low"]) / Decimal(before[f"{c} close"]) - 1 for c in COINS]
            by_day[day] = (drops[0], median(drops))
    return by_day


def joined(days: list[date]) -> list[tuple[date, date]]:
    """Returns the first and last day of runs of days at most three days apart."""
    starts = [days[0], *(b for a, b in pairwise(days) if (b - a).days > 3)]
    ends = [*(a for a, b in pairwise(days) if (b - a).days > 3), days[-1]]
    return list(zip(starts, ends, strict=True))


def test_the_windows_are_those_that_the_rule_finds_in_the_prices() -> None:
    by_day = falls()
    stressed = [
        day
        for day in sorted(by_day)
        if by_day[day][0] <= Decimal("-0.15") or by_day[day][1] <= Decimal("-0.18")
    ]
    bundled = [(window.first, window.last) for window in windows()]
    assert bundled == [(str(first), str(last)) for first, last in joined(stressed)]


def test_the_measurements_are_the_deepest_falls_of_the_days_of_a_window() -> None:
    by_day = falls()
    for measured in bundled_calendar().measured:
        inside = {
            day: drops
            for day, drops in by_day.items()
            if measured.window.first <= str(day) <= measured.window.last
        }
        falls_and_days = (
            (0, measured.btc, measured.btc_day),
            (1, measured.coins, measured.coins_day),
        )
        for coin, fall, day in falls_and_days:
            deepest = min(inside, key=lambda day, coin=coin: inside[day][coin])  # type: ignore[misc]
            assert day == deepest
            assert fall == round(inside[deepest][coin], 4)


def test_a_window_is_named_after_its_fall() -> None:
    for measured in bundled_calendar().measured:
        is_btc = measured.btc <= Decimal("-0.15")
        fall = -100 * (measured.btc if is_btc else measured.coins)
        assert measured.window.name == f"{'BTC' if is_btc else 'coins'} −{fall:.0f} %"


@pytest.mark.parametrize(
    "day",
    [
        *("2020-03-12", "2021-05-19", "2022-05-12", "2022-06-13", "2022-11-08", "2022-11-09"),
        *("2024-08-05", "2025-10-10"),
    ],
)
def test_known_stress_days_are_in_a_window(day: str) -> None:
    window = window_of(date.fromisoformat(day))
    assert window is not None
    assert window.first <= day <= window.last


@pytest.mark.parametrize("day", ["2020-03-11", "2022-11-10", "2026-02-05", "2030-01-01"])
def test_other_days_are_in_no_window(day: str) -> None:
    assert window_of(date.fromisoformat(day)) is None


def test_every_window_lies_in_the_measured_period_and_names_a_source() -> None:
    calendar = bundled_calendar()
    assert calendar.first <= calendar.coins_until <= calendar.until
    for window in calendar.windows:
        assert str(calendar.first) <= window.first <= window.last <= str(calendar.coins_until)
        assert "github.com/" in window.source


YAML = """\
measured: {first: 2020-01-01, coins_until: 2020-12-31, btc_until: 2020-12-31}
sources: {here: a page}
windows:
- {first: 2020-03-12, last: 2020-03-13, name: BTC, btc: -0.4, btc_day: 2020-03-12, coins: -0.4, coins_day: 2020-03-12, source: here}
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("source: here", "source: there", "4:3: source: expected one of here, found 'there'"),
        ("btc: -0.4", "btc: 0.4", "4:3: btc, coins: expected falls"),
        (
            "first: 2020-03-12",
            "first: soon",
            "4:11: first: expected a day, such as 2020-03-12, found 'soon'",
        ),
        ("last: 2020-03-13", "last: 2020-03-11", "windows: expected chronological order"),
        ("name: BTC, ", "", "4:3: expected exactly the keys first, last, name"),
        (
            "sources: {here: a page}",
            "sources: []",
            "expected a list of windows and a mapping of sources",
        ),
        (
            "first: 2020-01-01, ",
            "",
            "1:11: expected exactly the keys first, coins_until, btc_until",
        ),
    ],
)
def test_an_error_names_its_place(old: str, new: str, reason: str) -> None:
    assert len(parse(YAML, "w.yaml").windows) == 1
    with pytest.raises(YamlSourceError, match=r"^w\.yaml:") as error:
        parse(YAML.replace(old, new, 1), "w.yaml")
    assert reason in str(error.value)
