"""Charts of margins over time show what was observed, and the captions agree."""

import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.api import audit, history
from harmonize.api.audit import AnswerOptions, HistoryScope, Question
from harmonize.document.history import (
    History,
    MarginSeries,
    ObservationGap,
    SeriesPoint,
    StressWindow,
    Week,
)
from reports.charts.step_lines import LONGEST, StepLine, step_lines
from reports.charts.svg import Frame
from reports.charts.time_axis import LEFT
from reports.charts.weekly_bars import weekly_bars
from reports.html import chart_file, report
from reports.html.history import history_view, underlying_chart, weeks_chart
from reports.html.history_captions import schedule_caption, underlying_caption, weeks_caption
from reports.html.series_stats import (
    change_count,
    largest_change,
    most_changed,
    peak_to_trough,
    stress_nearby,
)
from tests.support.sample_history import rate_at

FRAME = Frame("key", "a title", "a description")
CRASH = StressWindow("2026-01-20", "2026-01-21", "BTC −20 %", "a source")
STRESS = (CRASH,)
SERIES = AnswerOptions(history=HistoryScope.SERIES)


def plain(text: str) -> str:
    """Returns a text with ordinary spaces."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def day(number: float) -> str:
    at = datetime(2026, 1, 1, tzinfo=UTC).timestamp() + number * 86_400
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def course(
    *points: tuple[float, float | None],
    venue: str = "okx",
    symbol: str = "BTC/USDT:USDT",
    margin_type: str = "initial",
    notional: float = 1e6,
    until: float = 100,
) -> MarginSeries:
    """Returns a series of exact and close observations."""
    series_points = tuple(SeriesPoint(day(at), rate, is_dated=True) for at, rate in points)
    return MarginSeries(
        "BTC", venue, symbol, "any", margin_type, notional, series_points, day(until)
    )


def line(series: MarginSeries, name: str = "a name") -> StepLine:
    return StepLine(name, "c0 d0", series.points, series.until)


def stairs(svg: str) -> list[list[tuple[float, float]]]:
    """Returns the corners of every run of the first line, without the key at its end."""
    (d,) = re.findall(r'<path class="line c0 d0" d="([^"]*)"', svg)[:1]
    all_runs = []
    for run in d.split("M")[1:-1]:
        x, y = map(float, re.findall(r"^(-?[\d.]+) (-?[\d.]+)", run)[0])
        corners = [(x, y)]
        for verb, value in re.findall(r"([HV])(-?[\d.]+)", run):
            x, y = (float(value), y) if verb == "H" else (x, float(value))
            corners.append((x, y))
        all_runs.append(corners)
    return all_runs


# Charts


@pytest.mark.parametrize("rates", [(0.02, 0.03, 0.025), (0.01, 0.2, 0.05)])
def test_a_step_stands_where_its_mark_does_and_as_high(rates: tuple[float, ...]) -> None:
    """Positions are linear in time, heights in the rate, or in its logarithm if rates differ widely."""
    (corners,) = stairs(
        step_lines(FRAME, [line(course((0, rates[0]), (30, rates[1]), (50, rates[2])))], ())
    )
    levels = [(x, y) for x, y in corners]
    xs, ys = (
        [levels[0][0], levels[2][0], levels[4][0], levels[-1][0]],
        [levels[0][1], levels[2][1], levels[4][1]],
    )
    width = xs[-1] - xs[0]
    assert xs[0] == pytest.approx(LEFT)
    assert [(x - xs[0]) / width for x in xs] == pytest.approx([0, 0.3, 0.5, 1], abs=1e-3)
    scaled = [math.log(rate) if max(rates) / min(rates) >= 5 else rate for rate in rates]
    assert (ys[2] - ys[0]) / (ys[1] - ys[0]) == pytest.approx(
        (scaled[2] - scaled[0]) / (scaled[1] - scaled[0]), abs=2e-2
    )
    assert ys[1] < ys[0]  # more is higher


@given(
    st.lists(st.sampled_from([0.01, 0.02, 0.05, 0.1, None]), min_size=1, max_size=8),
    st.integers(0, 99),
)
def test_the_rate_drawn_at_a_day_is_the_mark_in_force(rates: list[float | None], at: int) -> None:
    series = course(*((index * 10, rate) for index, rate in enumerate(rates)))
    expected = rates[min(at // 10, len(rates) - 1)]
    assert rate_at(series.points, series.until, day(at)) == expected
    known = [rate for rate in rates if rate is not None]
    if not known:
        assert "<path" not in step_lines(FRAME, [line(series)], ())
        return
    runs = stairs(step_lines(FRAME, [line(series)], ()))
    assert len(runs) == sum(
        rate is not None and (not index or rates[index - 1] is None)
        for index, rate in enumerate(rates)
    )


def test_a_line_ends_where_its_venue_was_last_observed() -> None:
    early, late = course((0, 0.02), until=50), course((0, 0.03), until=100)
    svg = step_lines(FRAME, [line(early), StepLine("late", "c1 d0", late.points, late.until)], ())
    ((first, last),) = [(run[0], run[-1]) for run in stairs(svg)]
    assert last[0] - first[0] == pytest.approx((318.0 - LEFT) / 2, abs=0.2)


def test_what_was_observed_once_is_a_dot() -> None:
    svg = step_lines(FRAME, [line(course((0, 0.02), until=0))], ())
    assert 'class="dot c0 d0"' in svg
    assert 'class="dot' not in step_lines(FRAME, [line(course((0, 0.02)))], ())


def test_forty_names_stand_apart_and_inside() -> None:
    lines = [line(course((0, 0.02 + 1e-6 * number)), f"venue {number}") for number in range(40)]
    svg = step_lines(FRAME, lines, ())
    heights = sorted(float(y) for y in re.findall(r'class="name c0 d0" x="343" y="([\d.]+)"', svg))
    (height,) = map(float, re.findall(r'viewBox="0 0 \d+ (\d+)"', svg))
    assert len(heights) == 40
    assert all(following - upper >= 14.9 for upper, following in pairwise(heights))
    assert heights[0] > 0
    assert heights[-1] < height


def test_stress_is_drawn_where_it_was_and_only_within() -> None:
    inside = step_lines(FRAME, [line(course((0, 0.02)))], STRESS)
    ((x, width),) = re.findall(r'class="stress" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', inside)
    assert float(x) == pytest.approx(LEFT + (318.0 - LEFT) * 0.19, abs=1.5)
    assert float(width) >= (318.0 - LEFT) * 0.02 - 0.1
    later = StressWindow("2027-01-20", "2027-01-21", "BTC −20 %", "a source")
    assert 'class="stress"' not in step_lines(FRAME, [line(course((0, 0.02)))], (later,))


def test_words_of_venues_are_escaped_and_cut() -> None:
    name = '<b>&"x"</b>' + "y" * 40
    svg = step_lines(FRAME, [line(course((0, 0.02)), name)], ())
    assert "<b>" not in svg
    text = "".join(ET.fromstring(svg).itertext())  # noqa: S314 - our own drawing
    assert name[: LONGEST - 1] + "…" in text


# Weeks

WEEKS = (
    Week("okx", "2026-01-05", 4, 1, 0, 0, 2, 0),
    Week("okx", "2026-01-12", 0, 3, 2, 1, 0, 0),
    Week("okx", "2026-02-02", 8, 0, 0, 0, 0, 1),
)


def bars(svg: str, css: str) -> list[tuple[float, float, float]]:
    (d,) = re.findall(rf'<path class="area {css}" d="([^"]*)"', svg)
    return [
        (float(x), float(y), float(high))
        for x, y, high in re.findall(r"M([\d.]+) ([\d.]+)h[\d.]+v([\d.]+)h", d)
    ]


def test_bars_are_as_tall_as_counts_up_for_tighter_and_down_for_looser() -> None:
    svg = weekly_bars(FRAME, WEEKS, ())
    tighter, looser, mixed = (bars(svg, css) for css in ("tighter", "looser", "mixed"))
    unit = tighter[0][2] / 4
    assert [bar[2] / unit for bar in tighter] == pytest.approx([4, 8], abs=0.05)
    assert [bar[2] / unit for bar in looser] == pytest.approx([1, 3], abs=0.05)
    zero = looser[0][1]
    assert [y + high for _, y, high in tighter] == pytest.approx([zero, zero], abs=0.15)
    assert [y for _, y, _ in looser] == pytest.approx([zero, zero])
    above, below = mixed
    assert above[1] + above[2] == pytest.approx(zero, abs=0.15)
    assert below[1] == pytest.approx(zero + 3 * unit, abs=0.15)
    assert [above[2] / unit, below[2] / unit] == pytest.approx([2, 2], abs=0.05)
    assert all(f">{lane}</text>" in svg for lane in ("other", "listed", "delisted"))


# Captions and statistics


def test_figures_of_courses() -> None:
    series = course((0, 0.02), (10, None), (20, 0.05), (21, 0.05), (30, 0.04))
    assert peak_to_trough(series) == pytest.approx(2.5)
    assert change_count(series) == 2  # across the gap, and once more
    change = largest_change(series)
    assert change is not None
    assert (change.before, change.after) == (0.02, 0.05)
    assert most_changed([course((0, 0.1), (1, 0.11)), series]) is series
    assert most_changed([course((0, 0.1))]) is None


def test_stress_is_named_in_it_and_for_two_weeks_after() -> None:
    assert stress_nearby(STRESS, day(18.9)) == ""
    assert (
        plain(stress_nearby(STRESS, day(19.5))) == "during the stress of 20–21 Jan 2026 (BTC −20 %)"
    )
    assert plain(stress_nearby(STRESS, day(25))).startswith("5 days after the stress of ")
    assert stress_nearby(STRESS, day(35.1)) == ""


def test_sentences_say_what_was_drawn() -> None:
    series = course((0, 0.02), (25, 0.132))
    assert plain(schedule_caption([series], STRESS)) == (
        "IM at $1m rose from 2.0 % to 13.2 %, first observed on 26 Jan 2026, 5 days after the stress of"
        " 20–21 Jan 2026 (BTC −20 %); the highest rate is 6.6 times the lowest."
    )
    assert schedule_caption([course((0, 0.02))], ()).startswith("No margin changed from 1")
    single = course((0, 0.05), venue="bybit", until=0)
    caption = plain(underlying_caption([series, single], ()))
    assert "13.2" in caption
    assert "bybit" in caption
    assert "1 venue was observed once" in caption
    weeks_text = plain(weeks_caption(WEEKS, STRESS))
    assert (
        "12 changes tightened margins, 4 loosened them and 2 did both at different notionals"
        in weeks_text
    )
    assert "Most changes were first observed in the week of 2 Feb 2026" in weeks_text


def test_weeks_without_an_observation_count_as_neither_changed_nor_unchanged() -> None:
    weeks = [Week("okx", monday, 1, 0, 0, 0, 0, 0) for monday in ("2026-01-05", "2026-03-09")]
    gaps = (ObservationGap("2026-02-11T00:00:00Z", "2026-03-10T00:00:00Z"),)
    caption = plain(weeks_caption(weeks, STRESS, gaps))
    assert "In 3 of 10 weeks nothing was observed." in caption
    # Weeks of 19 January to 2 February, of the 7 observed ones.
    assert "0 % of tightenings occurred in the 43 % of observed weeks" in caption
    assert "30 % of weeks" in plain(weeks_caption(weeks, STRESS))


def test_dotted_parts_of_lines_are_explained() -> None:
    series = course((0, 0.02), (60, 0.03), until=90)
    gap = ObservationGap(series.points[0].observed_at, series.points[1].observed_at)
    chart = underlying_chart([replace(series, gaps=(gap,)), series], (), {"okx": 0}, 0)
    assert chart.caption.endswith("Dotted: not observed for more than 31 days.")
    assert 'class="gap' in chart.svg
    assert "Dotted" not in underlying_chart([series, series], (), {"okx": 0}, 0).caption


def test_a_change_without_an_exact_date_has_no_relation_to_stress() -> None:
    first, second = course((0, 0.02), (25, 0.132)).points
    for point, words in (
        (replace(second, is_dated=False), "first observed on 26 Jan 2026;"),
        (
            replace(second, is_dated=False, date_kind="no later than"),
            "first observed ≤ 26 Jan 2026;",
        ),
        (
            replace(second, is_dated=False, date_kind="between", observed_from=day(20)),
            "first observed 21–26 Jan 2026;",
        ),
    ):
        series = replace(course((0, 0.02)), points=(first, point))
        for caption in (schedule_caption([series], STRESS), underlying_caption([series], STRESS)):
            assert words.rstrip(";") in plain(caption)
            assert "stress" not in caption


def test_a_change_across_unknown_rates_has_no_relation_to_stress() -> None:
    series = course((0, 0.02), (10, None), (25, 0.05))
    change = largest_change(series)
    assert change is not None
    assert not change.is_dated
    assert "stress" not in schedule_caption([series], STRESS)


def test_changes_without_exact_dates_are_counted_apart() -> None:
    crash = Week("okx", "2026-01-19", 2, 0, 0, 0, 0, 0)
    undated = Week("okx", "2026-01-19", 0, 0, 0, 0, 0, 0, undated=30)
    caption = plain(weeks_caption([*WEEKS, replace(crash, undated=30)], STRESS))
    assert "14 changes tightened margins" in caption
    assert caption.endswith("Not included: 30 further changes without exact dates.")
    share = re.findall(r"([\d.]+) % of tightenings", caption)
    assert share == re.findall(
        r"([\d.]+) % of tightenings", plain(weeks_caption([*WEEKS, crash], STRESS))
    )
    assert plain(weeks_caption([undated], STRESS)) == (
        "30 changes without exact dates: no week is known."
    )
    early = Week("okx", "2022-01-03", 0, 0, 0, 0, 0, 0, undated=5)
    chart = weeks_chart([early, *WEEKS], STRESS, 0)
    assert [row[0] for row in chart.rows] == [row[0] for row in weeks_chart(WEEKS, STRESS, 0).rows]
    assert "2022" not in chart.dates + chart.caption
    assert weeks_chart([undated], STRESS, 0).rows == ()


# Section and files


@cache
def recorded_history() -> History:
    return audit.answer(Question(rules=("harmonized-baseline",), options=SERIES)).document.history


def test_without_a_past_there_is_no_section() -> None:
    assert history_view(History(), 1e6, {}) is None


def test_a_venue_that_changed_in_one_week_alone_has_no_drawing() -> None:
    assert history_view(History(weeks=WEEKS[:1]), 1e6, {}) is None
    section = history_view(History(weeks=WEEKS), 1e6, {})
    assert section is not None
    (week_section,) = section.sections
    assert [chart.title for chart in week_section.charts] == ["okx"]


def test_the_recorded_report_follows_the_underlyings_with_curves() -> None:
    answer = audit.answer(Question(rules=("harmonized-baseline",), options=SERIES))
    underlyings = list(dict.fromkeys(curve.underlying for curve in answer.document.curves))
    page = report.page(answer.document)
    assert page.history is not None
    assert [section.underlying for section in page.history.sections[:-1]] == underlyings
    assert page.history.sections[-1].underlying == "Changes by week"
    assert '<section id="history"' in report.html(answer.document)


def test_files_are_whole_and_need_nothing_else() -> None:
    question = Question(notional_grid=(1e5, 1e6))
    hostile = course((0, 0.02), (30, 0.04), symbol="<b>&'x'</b>", venue="okx")
    files = [
        chart_file.schedule_file(
            history.schedule_series(question, "binance", "SOL/USDT:USDT"), STRESS
        ),
        chart_file.weeks_file(history.weekly_changes(question, "binance"), STRESS),
        chart_file.underlying_file(history.underlying_history(question, "SOL").series, STRESS),
        chart_file.schedule_file([hostile], STRESS),
    ]
    for content in files:
        root = ET.fromstring(content)  # noqa: S314 - our own drawing
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert b"http" not in content.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"--paper" in content
        assert b".matrix" not in content
    assert b"<b>" not in files[-1]
    assert files[-1] == chart_file.schedule_file([hostile], STRESS)
