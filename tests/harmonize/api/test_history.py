"""One schedule over time: margins by exact fractions of the venue's own tiers, and what was left out."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harmonize.api.audit import AskedError, NotObservedError, Question
from harmonize.api.history import drawn, schedule_history
from harmonize.archive.archive import Archive
from harmonize.core.payload import Snapshot
from tests.harmonize.history import test_binance_history
from tests.support import recorded
from tests.support.table_archives import PLAIN, START, Books

DAY = timedelta(days=1)
SIZES = (1e5, 2.5e6, 9e7)
EVERY = 13
"""Of the days of the table, every so manieth."""


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path / "archive")


@pytest.fixture(scope="module")
def four_years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some days of Binance."""
    path: Path = tmp_path_factory.mktemp("binance") / "archive"
    archive = Archive.create(path)
    for one in test_binance_history.snapshots()[::EVERY]:
        archive.append(one, imported=True)
    return path


Margins = tuple[Fraction | None, Fraction | None]


def exact(day: str, symbol: str, size: float) -> Margins:
    """IM and MM by the rows of a day, without a rounding; None where there is none."""
    table = pd.read_parquet(test_binance_history.TABLE, filters=[("observed", "==", day)])
    rows: list[dict[Any, Any]] = table[
        table["symbol"].map(test_binance_history.unify) == symbol
    ].to_dict("records")
    for row in rows:
        if row["min_notional"] < size <= row["max_notional"]:
            held, leverage = Fraction(str(size)), Fraction(str(row["max_leverage"]))
            if isnan(row["maintenance_margin_rate"]):
                return held / leverage, None
            rate, deduction = (
                Fraction(str(row[name])) for name in ("maintenance_margin_rate", "deduction")
            )
            return held / leverage, held * rate - deduction
    return None, None


def test_margins_are_those_of_the_tiers_of_the_day(four_years: Path) -> None:
    days = sorted(test_binance_history.table())[::EVERY]
    found = schedule_history(Question(archive=four_years, ladder=SIZES), "binance", "ETHUSDT")
    assert found.symbol == "ETH/USDT:USDT"
    assert found.observations == len(days)
    assert found.until == f"{days[-1]}T00:00:00Z"
    assert len(found.seen) > 4
    for one in found.seen:
        for place, size in enumerate(SIZES):
            due = exact(one.observed_at[:10], found.symbol, size)
            for told, margin in zip((one.initial, one.maintenance), due, strict=True):
                assert told[place] == (margin and pytest.approx(float(margin)))
    assert [one.kind == "" for one in found.seen] == [True] + [False] * (len(found.seen) - 1)


def test_a_row_stands_for_every_day_until_the_next(four_years: Path) -> None:
    days = sorted(test_binance_history.table())[::EVERY]
    found = schedule_history(Question(archive=four_years, ladder=SIZES), "binance", "ETH/USDT:USDT")
    for day in days:
        held = [one for one in found.seen if one.observed_at[:10] <= day][-1]
        for place, size in enumerate(SIZES):
            _, due = exact(day, found.symbol, size)
            assert held.maintenance[place] == (due and pytest.approx(float(due)))


def test_peak_to_trough_is_over_what_was_in_force_on_each_day(four_years: Path) -> None:
    days = sorted(test_binance_history.table())[::EVERY]
    found = schedule_history(Question(archive=four_years, ladder=SIZES), "binance", "ETH/USDT:USDT")
    for one in found.courses:
        margins = [
            margin
            for day in days
            if (margin := exact(day, found.symbol, one.notional)[one.figure == "maintenance"])
        ]
        assert one.measured.observations == len(margins)
        assert one.measured.peak_to_trough == pytest.approx(float(max(margins) / min(margins)))


def ask(books: Books, **named: object) -> Question:
    return Question(archive=books.path, ladder=(1e6,), **named)  # type: ignore[arg-type]


def test_procyclicality_counts_observations_and_not_changes(books: Books) -> None:
    for day in (0, 1, 2, 3, 7, 8):
        books.gather(PLAIN | {"BTC": "0.02" if day < 3 else "0.03"}, START + day * DAY)
    found = schedule_history(ask(books), "dydx", "btc-usd")
    assert len(found.seen) == 2
    assert found.observations == 6
    measured = {one.figure: one.measured for one in found.courses}
    assert measured["initial"].observations == 6
    assert measured["initial"].widest_days == 4.0
    assert measured["initial"].calls == 1
    assert measured["initial"].peak_to_trough == pytest.approx(1.5)
    assert [one.days for one in measured["initial"].rises] == [1, 5, 30]
    assert [one.share for one in measured["initial"].rises] == pytest.approx([0.5] * 3)


def test_a_clock_that_stood_ahead_makes_no_observation_of_its_own(books: Books) -> None:
    for at in (0, 40, 2, 3):
        books.gather(PLAIN, START + at * DAY)
    found = schedule_history(ask(books), "dydx", "BTC-USD")
    assert found.observations == 3
    assert found.until == f"{START + 3 * DAY:%Y-%m-%dT%H:%M:%SZ}"


def test_a_series_ends_with_the_day_asked(books: Books) -> None:
    for day, rate in enumerate(["0.02", "0.03", "0.03", "0.05"]):
        books.gather(PLAIN | {"BTC": rate}, START + day * DAY)
    found = schedule_history(ask(books, as_of=date(2027, 11, 22)), "dydx", "BTC-USD")
    assert [one.initial for one in found.seen] == [(20_000.0,), (pytest.approx(30_000.0),)]
    assert found.until == "2027-11-22T01:00:00Z"
    with pytest.raises(NotObservedError):
        schedule_history(ask(books, as_of=date(2027, 11, 19)), "dydx", "BTC-USD")


def test_what_could_not_be_read_is_told_and_failed_tries_are_not(books: Books) -> None:
    entries = [books.gather(PLAIN | {"BTC": rate}, START) for rate in ("0.02",)]
    entries.append(books.gather(PLAIN | {"BTC": "0.03"}, START + DAY))
    books.fail(START + 2 * DAY)
    books.gather(PLAIN | {"BTC": "0.03"}, START + 3 * DAY)
    books.damage(entries[1])
    found = schedule_history(ask(books), "dydx", "BTC-USD")
    (left_out,) = found.left_out
    assert left_out.startswith("2027-11-21: ")
    assert entries[1].pack in left_out
    assert [one.observed_at[:10] for one in found.seen] == ["2027-11-20", "2027-11-23"]
    assert found.observations == 2


def test_a_schedule_that_went_has_no_margin_from_then_on(books: Books) -> None:
    for day, state in enumerate([PLAIN, {"ETH": "0.02"}, {"ETH": "0.02"}, PLAIN]):
        books.gather(state, START + day * DAY)
    found = schedule_history(ask(books), "dydx", "BTC-USD")
    assert [one.initial for one in found.seen] == [(20_000.0,), (None,), (20_000.0,)]
    assert [one.kind for one in found.seen] == ["", "delisted", "listed"]
    assert found.courses[0].measured.observations == 2
    course = drawn(ask(books), "dydx", "BTC-USD")[0]
    assert [one.rate for one in course.points] == [0.02, None, 0.02]


def test_of_several_profiles_one_is_followed(tmp_path: Path) -> None:
    venue, symbol, profiles = several()
    archive = Archive.create(tmp_path / "archive")
    for one in reversed(recorded.of_venue(venue)):
        archive.append(one)
    question = Question(archive=tmp_path / "archive")
    followed = schedule_history(question, venue, symbol).profile
    assert followed in profiles
    for profile in sorted(profiles):
        asked = Question(archive=tmp_path / "archive", profile=profile)
        assert schedule_history(asked, venue, symbol).profile == profile


def several() -> tuple[str, str, set[str]]:
    """A small venue with a symbol of several profiles."""
    for venue in ("okx", "htx", "kucoin", "bitget", "phemex", "bitmart", "whitebit", "bybit"):
        by_symbol: dict[str, set[str]] = {}
        for one in recorded.schedules(venue):
            by_symbol.setdefault(one.instrument.symbol, set()).add(str(one.profile))
        for symbol, profiles in sorted(by_symbol.items()):
            if len(profiles) > 1:
                return venue, symbol, profiles
    raise AssertionError


def test_an_unknown_venue_and_an_unknown_symbol_are_said(books: Books) -> None:
    books.gather(PLAIN, START)
    with pytest.raises(AskedError, match="unknown venue dydy"):
        schedule_history(ask(books), "dydy", "BTC-USD")
    with pytest.raises(NotObservedError, match="dydx: no schedule of NONE"):
        schedule_history(ask(books), "dydx", "NONE")


def test_times_are_of_the_archive(four_years: Path) -> None:
    found = schedule_history(Question(archive=four_years, ladder=SIZES), "binance", "ETHUSDT")
    times = {f"{one.observed_at:%Y-%m-%dT%H:%M:%SZ}" for one in snapshots()}
    assert {one.observed_at for one in found.seen} <= times
    assert datetime.fromisoformat(found.until) == max(one.observed_at for one in snapshots())


def snapshots() -> tuple[Snapshot, ...]:
    return test_binance_history.snapshots()[::EVERY]
