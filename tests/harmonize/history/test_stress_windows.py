"""Windows of stress: what ships follows from prices by the rule that it states."""

import csv
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

import pytest

from harmonize.core.yaml_source import WrittenError
from harmonize.history.stress_windows import bundled_calendar, parse, window_of, windows
from tests.support.paths import VECTORS

PRICES = VECTORS / "stress_days.csv"
COINS = ("BTC", "ETH", "BNB", "XRP", "ADA", "LTC", "LINK")
Falls = dict[date, tuple[Decimal, Decimal]]


def falls() -> Falls:
    """The fall of BTC and of the median coin on every day of the excerpt whose eve is in it."""
    lines = [line for line in PRICES.read_text().splitlines() if not line.startswith("#")]
    rows = {date.fromisoformat(row["day"]): row for row in csv.DictReader(lines)}
    found = {}
    for day, row in rows.items():
        if before := rows.get(day - timedelta(days=1)):
            fell = [Decimal(row[f"{c} low"]) / Decimal(before[f"{c} close"]) - 1 for c in COINS]
            found[day] = (fell[0], median(fell))
    return found


def joined(days: list[date]) -> list[tuple[date, date]]:
    """Runs of days at most three apart."""
    starts = [days[0], *(b for a, b in pairwise(days) if (b - a).days > 3)]
    ends = [*(a for a, b in pairwise(days) if (b - a).days > 3), days[-1]]
    return list(zip(starts, ends, strict=True))


def test_the_windows_are_those_that_the_rule_finds_in_the_prices() -> None:
    found = falls()
    stressed = [
        day
        for day in sorted(found)
        if found[day][0] <= Decimal("-0.15") or found[day][1] <= Decimal("-0.18")
    ]
    shipped = [(one.first, one.last) for one in windows()]
    assert shipped == [(str(first), str(last)) for first, last in joined(stressed)]


def test_the_figures_are_the_deepest_falls_of_the_days_of_a_window() -> None:
    found = falls()
    for one in bundled_calendar().measured:
        inside = {
            day: fell
            for day, fell in found.items()
            if one.window.first <= str(day) <= one.window.last
        }
        for coin, fall, day in ((0, one.btc, one.btc_day), (1, one.coins, one.coins_day)):
            deepest = min(inside, key=lambda at, coin=coin: inside[at][coin])  # type: ignore[misc]
            assert day == deepest
            assert fall == round(inside[deepest][coin], 4)


def test_a_window_is_named_for_what_made_it_one() -> None:
    for one in bundled_calendar().measured:
        btc = one.btc <= Decimal("-0.15")
        fall = -100 * (one.btc if btc else one.coins)
        assert one.window.name == f"{'BTC' if btc else 'coins'} −{fall:.0f} %"


@pytest.mark.parametrize(
    "day",
    [
        *("2020-03-12", "2021-05-19", "2022-05-12", "2022-06-13", "2022-11-08", "2022-11-09"),
        *("2024-08-05", "2025-10-10"),
    ],
)
def test_days_that_markets_remember_are_in_a_window(day: str) -> None:
    window = window_of(date.fromisoformat(day))
    assert window is not None
    assert window.first <= day <= window.last


@pytest.mark.parametrize("day", ["2020-03-11", "2022-11-10", "2026-02-05", "2030-01-01"])
def test_other_days_are_in_none(day: str) -> None:
    assert window_of(date.fromisoformat(day)) is None


def test_every_window_lies_in_what_was_measured_and_names_a_source() -> None:
    stress = bundled_calendar()
    assert stress.first <= stress.coins_until <= stress.until
    for one in stress.windows:
        assert str(stress.first) <= one.first <= one.last <= str(stress.coins_until)
        assert "github.com/" in one.source


WRITTEN = """\
measured: {first: 2020-01-01, coins_until: 2020-12-31, btc_until: 2020-12-31}
sources: {here: a page}
windows:
- {first: 2020-03-12, last: 2020-03-13, name: BTC, btc: -0.4, btc_day: 2020-03-12, coins: -0.4, coins_day: 2020-03-12, source: here}
"""


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("source: here", "source: there", "4:3: source is one of here"),
        ("btc: -0.4", "btc: 0.4", "4:3: btc and coins are falls"),
        ("first: 2020-03-12", "first: soon", "4:11: first is a day"),
        ("last: 2020-03-13", "last: 2020-03-11", "windows stand in order of time"),
        ("name: BTC, ", "", "4:3: exactly the keys first, last, name"),
        ("sources: {here: a page}", "sources: []", "windows is a list, sources a mapping"),
        ("first: 2020-01-01, ", "", "1:11: exactly the keys first, coins_until, btc_until"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, reason: str) -> None:
    assert len(parse(WRITTEN, "w.yaml").windows) == 1
    with pytest.raises(WrittenError, match=r"^w\.yaml:") as error:
        parse(WRITTEN.replace(old, new, 1), "w.yaml")
    assert reason in str(error.value)
