"""The command ``thresholds``: one asset on recorded prices, in every format, and mistakes in one line."""

import csv
import json
import re
from dataclasses import replace
from datetime import date
from io import BytesIO, StringIO
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from harmonize.adequacy.tail import TailEstimate, value_at_risk
from harmonize.api import thresholds_object, thresholds_table
from harmonize.api.question import Question
from harmonize.api.threshold_market import read_market, series_of
from harmonize.api.threshold_series import AssetSeries
from harmonize.api.threshold_terms import ThresholdsAnswer
from harmonize.api.thresholds import _ends, judge_thresholds
from harmonize.cli.console import Settings
from harmonize.cli.main import app
from harmonize.cli.thresholds import _progress
from harmonize.cli.thresholds_chart import thresholds_chart
from harmonize.cli.thresholds_text import thresholds_text
from harmonize.core.schedule import Unknown
from harmonize.thresholds.path import Model, Tool
from harmonize.thresholds.scores import PathScore
from reports.formats.sheets import sheet_csv, workbook

POOLED = (Model.REGRESSION, Model.AVERAGE, Model.LEARNED)
"""Models for which the prices of one asset are too few."""

MODELS = 9
"""Models with a path of BTC, which has an implied volatility."""


QUESTION = Question(underlyings=("BTC",), as_of=date(2026, 11, 29))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ("thresholds", *arguments), catch_exceptions=False)


@pytest.fixture(scope="module")
def answer() -> ThresholdsAnswer:
    return judge_thresholds(QUESTION)


@pytest.fixture(scope="module")
def printed(answer: ThresholdsAnswer) -> str:
    return thresholds_text(answer)


@pytest.fixture(scope="module")
def document(answer: ThresholdsAnswer) -> Any:
    return json.loads(json.dumps(thresholds_object.thresholds_object(answer), allow_nan=False))


def test_a_sentence_per_margin_says_whether_it_should_move_and_how_sure_that_is(
    printed: str,
) -> None:
    lines = printed.splitlines()
    assert lines[0].startswith("as of 2026-11-29, read from the recorded archive")
    assert lines[3] == (
        "BTC: venues should rise (2.0 %); whether the reference (10.01 %) should move is disputed: it need not"
        " move by the interval, but could fall by 5 of 6 models; threshold 5.785 %, 4.537 % to 14.05 %;"
        " certainty low: prices 121 days old."
    )
    venues, rule_set = lines[5:7]
    assert venues.startswith(
        "BTC: the median IM of 17 venues at $1,000,000, 2.0 %, should rise; certainty low."
    )
    assert rule_set.startswith(
        "BTC: whether the IM of harmonized-baseline at $1,000,000, 10.01 %, should move is disputed; "
        "certainty low."
    )
    for line in (venues, rule_set):
        assert "The 95 % interval is 4.537 % to 14.05 %, from the last 365 returns." in line
        assert " at that size (5.783 %, raised by 0.04 % for the size). The" in line
        assert "models that cover longs and shorts" in line
        assert "the last price is 121 days old" in line
        assert "models are judged over fewer than 12 underlyings" in line
    assert "the oldest table of a venue (2024-07-27) is" in venues
    assert ", without a tool, chosen over 1 underlying: mean margin" in printed


def test_the_interval_is_that_of_the_window_of_the_default(answer: ThresholdsAnswer) -> None:
    as_of = answer.as_of
    series = series_of(read_market(QUESTION, as_of), "BTC", as_of)
    assert isinstance(series, AssetSeries)
    sides = [value_at_risk(sign * series.history.returns[-365:], 0.99) for sign in (-1, 1)]
    known = [side for side in sides if isinstance(side, TailEstimate)]
    worse = max(known, key=lambda side: side.value)
    (asset,) = answer.assets
    assert not isinstance(asset.volume, Unknown)
    factor = (1 + 1e6 / (0.05 * asset.volume.value) / 3) ** 0.5
    for advice in asset.advice:
        assert advice.threshold == pytest.approx(worse.value * factor, rel=1e-3)
        assert advice.lower == pytest.approx((worse.lower or 0) * factor, rel=1e-3)
        assert advice.upper == pytest.approx(max(s.upper or 0 for s in known) * factor, rel=1e-3)


def test_a_statement_compares_with_the_threshold_of_its_size(document: Any) -> None:
    (own,) = document["underlyings"]
    size = next(row for row in own["by_size"] if row["notional"] == document["notional"])
    for advice in document["advice"]:
        assert advice["threshold_rate"] == size["by_volume"]
        counts = ("models_could_fall", "models_need_not_move", "models_should_rise")
        assert sum(advice[name] for name in counts) == advice["models"] > 0


def test_the_size_of_every_day_is_that_of_the_volume_known_before(
    printed: str, document: Any, answer: ThresholdsAnswer
) -> None:
    (own,), (asset,) = document["underlyings"], answer.assets
    effect = next(row for row in own["by_size"] if row["notional"] == 1e6)["effect"]
    assert effect["days"] == own["tested_days"]
    (default,) = [
        path.score.cost
        for path in asset.scores.paths
        if document["default"]["model"] == path.model
        and document["default"]["tool"] == path.tool
        and isinstance(path.score, PathScore)
    ]
    assert effect["unsized"]["rise_30"] == default.rise_30
    assert effect["unsized"]["peak_to_trough"] == default.peak_to_trough
    assert not isinstance(asset.volume, Unknown)
    last = own["daily"][-1]
    assert last["volume_before_usd"] == pytest.approx(asset.volume.value, rel=1e-3)
    for row in own["daily"]:
        factor = (1 + 1e6 / (0.05 * row["volume_before_usd"]) / 3) ** 0.5
        assert row["default_at_size_rate"] == pytest.approx(row["default_rate"] * factor, rel=3e-4)
    words = f"At $1m, liquidity multiplied the threshold by {effect['smallest']:.4f} to"
    (line,) = [line for line in printed.splitlines() if line.startswith(words)]
    assert f"(largest on {effect['largest_day']}, by $" in line


def test_the_gate_does_not_count_the_benchmark_and_the_default_is_explained(
    printed: str, document: Any
) -> None:
    others = len({row["model"] for row in document["gate"]}) - 1
    assert f"over 1 underlying: 0 of {others} models beside the benchmark offered" in printed
    assert "The gate asks which model may replace the benchmark; the default asks" in printed


def test_the_benchmark_is_not_compared_with_itself_and_uncovered_losses_are_named(
    printed: str,
) -> None:
    assert re.search(r"GARCH\(1,1\)-t, filtered +benchmark +– ", printed)
    assert re.search(r" FZ0 +mean uncovered +peak", printed)
    assert "filtered is the benchmark" not in printed


def test_signals_name_the_margin_that_they_are_about(printed: str) -> None:
    assert "Formula margin: the formula of harmonized-baseline, recalculated daily" in printed
    assert "Need: the fast margin, GARCH(1,1)-t, filtered." in printed
    (line,) = [line for line in printed.splitlines() if line.startswith("MH513 BTC")]
    assert "8.427 % by the formula of harmonized-baseline, recalculated daily, at least" in line
    assert (
        "; proposal for the formula margin: 7.307 %; no class changes: BTC is not moved by MH513, because the"
        " evidence is 120 days old on 2026-11-29, more than 31" in line
    )
    assert "--apply" not in line


def test_prices_that_end_on_one_day_are_noted_once(answer: ThresholdsAnswer) -> None:
    (first,) = answer.assets
    other = replace(first, asset="ETH")
    later = replace(first, asset="SOL", parts=(replace(first.parts[-1], last_day=20_700),))
    fresh = replace(first, asset="XRP", age_days=30)
    lines = _ends(replace(answer, assets=(later, first, other, fresh)))
    assert [line.partition(",")[0] for line in lines] == ["BTC", "SOL: prices end 2026-09-04"]
    assert lines[0].startswith("BTC, ETH: prices end 2026-07-31, 121 days before the date")


def test_the_series_that_speak_are_named_with_their_days(printed: str) -> None:
    assert "  bybit perp BTCUSDT 1d: 2020-11-16 to 2025-11-12" in printed
    assert "  binance perp BTCUSDT 1d: 2025-11-13 to 2026-07-31" in printed


def test_every_model_stands_with_every_tool_and_a_failing_one_as_failing(
    printed: str, document: Any
) -> None:
    paths = document["underlyings"][0]["paths"]
    assert {(p["model"], p["tool"]) for p in paths} == {
        (model.value, tool.value) for model in Model if model not in POOLED for tool in Tool
    }
    assert len(document["gate"]) == 2 * MODELS  # at two levels
    normal = next(row for row in document["gate"] if row["model"] == Model.EWMA_94.value)
    assert not normal["is_offered"]
    assert not normal["covers_each_side_met"]
    words = [" ".join(line.split()) for line in printed.splitlines()]
    assert any(line.startswith("EWMA 0.94, normal fails ") for line in words)
    assert any(line.startswith("GARCH(1,1)-t, filtered benchmark ") for line in words)


def test_the_object_has_the_sentence_and_the_venues_left_out(printed: str, document: Any) -> None:
    (own,) = document["underlyings"]
    assert own["sentence"] == printed.splitlines()[3]
    moves = {row["subject"].partition(" ")[0]: row["move"] for row in document["advice"]}
    assert moves == {"median": "should rise", "IM": "disputed"}
    left_out = [row for row in document["venues"] if row["is_excluded"]]
    assert left_out
    assert all(row["unknown_because"] and row["initial_rate"] is None for row in left_out)
    known = [row for row in document["venues"] if row["initial_rate"] is not None]
    assert not any(row["is_excluded"] for row in known)


def test_a_constant_buffer_leaves_procyclicality_unchanged(document: Any) -> None:
    by_path = {(p["model"], p["tool"]): p for p in document["underlyings"][0]["paths"]}
    for model in (Model.HISTORICAL_365.value, Model.FILTERED_94.value):
        plain, buffered = by_path[model, Tool.NONE.value], by_path[model, Tool.BUFFER.value]
        assert buffered["mean_margin_rate"] == pytest.approx(
            1.25 * plain["mean_margin_rate"], rel=1e-3
        )
        for name in ("peak_to_trough", "rise_1d_share", "rise_30d_share"):
            assert buffered[name] == pytest.approx(plain[name], rel=1e-3)


def test_what_a_model_does_not_give_has_its_reason(printed: str) -> None:
    assert "no implied volatility on the day before; none instead" in printed
    assert "persistence of the GARCH fit is not below 1; EWMA 0.94, filtered instead" in printed
    assert "by size, closed at once: no order book on BTC by 2026-11-29" in printed
    assert "no path: quantile regression: fewer than 365 days with all features before; " in printed
    assert "fewer than 3,000 rows, as 0.99 requires" in printed


def test_the_days_on_which_another_model_is_the_benchmark_are_counted(
    printed: str, document: Any
) -> None:
    own = document["underlyings"][0]
    first, last = (next(p[name] for p in own["paths"]) for name in ("first_day", "last_day"))
    spans = [f for f in own["fallbacks"] if f["model"] == Model.GARCH.value]
    days = {
        int(day)
        for f in spans
        for day in np.arange(np.datetime64(f["first_day"]), np.datetime64(f["last_day"]) + 1)
        .astype(np.int64)
        .tolist()
        if np.datetime64(first) <= np.datetime64(int(day), "D") <= np.datetime64(last)
    }
    assert days
    words = f"on {len(days):,} of {own['tested_days']:,} tested days of underlyings"
    (note,) = document["benchmark_notes"]
    assert note.startswith(
        "the benchmark is EWMA 0.94, filtered, in place of GARCH(1,1)-t, filtered"
    )
    assert words in note
    assert note in printed


def test_an_episode_names_the_model_in_place_of_garch(printed: str, document: Any) -> None:
    rows = [r for r in document["episodes"] if r["model"] == Model.GARCH.value]
    words = "EWMA 0.94, filtered, in place of GARCH(1,1)-t, filtered"
    replaced = {r["episode"] for r in rows if r["fallback"] == words}
    assert replaced == {"March 2020", "May 2021", "August 2024"}
    by_model = {
        (r["episode"], r["model"]): (r["eve_rate"], r["largest_rate"]) for r in document["episodes"]
    }
    for episode in replaced:
        same = by_model[episode, Model.FILTERED_94.value]
        assert by_model[episode, Model.GARCH.value] == pytest.approx(same, rel=1e-3)
    assert sum(line.startswith(words) for line in printed.splitlines()) >= len(replaced)


def test_the_default_is_the_cheapest_calm_path_that_covers(document: Any) -> None:
    default = document["default"]
    calm = [c for c in document["candidates"] if c["covers_both_sides"] and c["is_calm"]]
    best = min(calm, key=lambda c: c["mean_margin_rate"])
    assert (default["model"], default["tool"]) == (best["model"], best["tool"])
    assert "mean margin" in default["reason"]


def test_each_signal_has_its_record_and_one_that_does_not_foresee_says_so(
    printed: str, document: Any
) -> None:
    records = {row["signal"]: row for row in document["signals"] if "days_on" in row}
    assert list(records) == ["MH511", "MH512", "MH513", "MH515"]
    assert "MH514   not applicable: there is no formula margin while it is on" in printed
    for record in records.values():
        if record["foretold"] <= (record["by_chance_share"] or 0) * record["first_breaches"]:
            assert record["tells"] != "foresees"
        assert record["tells"] in printed
        (line,) = [
            own
            for own in printed.splitlines()
            if own.startswith(f"{record['signal']} ") and own.endswith(record["tells"])
        ]
        p_value = record["confirming_p"]
        cells = re.split(r"  +", line)
        assert cells[1:4] == [
            f"{record['days_on']:,} of {record['asset_days']:,}",
            f"{record['episodes']:,}",
            f"{record['separate_runs']:,}",
        ]
        assert cells[6] == ("–" if p_value is None else f"{p_value:.2g}")
    heads = next(own for own in printed.splitlines() if own.startswith("signal  days on"))
    assert re.split(r"  +", heads)[2:7] == [
        "runs, each underlying alone",
        "separate runs",
        "followed",
        "any day",
        "p",
    ]


def test_an_episode_tells_who_was_first_between_two_observations(printed: str) -> None:
    assert (
        "rose to at most 4.0 % between 2022-09-27 and 2022-11-25, two observations 59 days apart"
        in printed
    )
    assert "cannot be told: model on 2022-11-09, binance between 2022-09-27" in printed
    assert "binance was first observed 2022-02-12, after the episode began" in printed
    assert "March 2020, BTC: worst day −39.5 % on 2020-03-12, binance spot BTCUSDT 1d" in printed


def test_csv_and_workbook_have_a_row_per_path(answer: ThresholdsAnswer) -> None:
    rows = list(csv.DictReader(StringIO(sheet_csv(thresholds_table.path_sheet(answer)))))
    assert len(rows) == MODELS * len(Tool)
    assert all(row["series"].startswith("bybit perp BTCUSDT 1d; binance perp") for row in rows)
    content = workbook(thresholds_table.threshold_sheets(answer), "x", answer.as_of)
    book = load_workbook(BytesIO(content), read_only=True)
    names = ["Paths", "By year", "Gate", "Candidates", "Advice", "Venues"]
    assert book.sheetnames == [*names, "Signals", "Episodes", "Fallbacks", "By size", "Daily"]


def test_the_chart_draws_what_fails_coverage_hollow(answer: ThresholdsAnswer) -> None:
    root = ET.fromstring(thresholds_chart(answer))  # noqa: S314 - written by this program
    svg = "{http://www.w3.org/2000/svg}"
    groups = [g for g in root.iter(f"{svg}g") if g.get("role") == "img"]
    assert len(groups) == len(answer.candidates)
    for group in groups:
        mark = next(e for e in group if e.tag in {f"{svg}circle", f"{svg}rect"})
        title = group.findtext(f"{svg}title") or ""
        assert (mark.get("fill") == "none") == ("covers both sides" not in title)
    assert any("covers both sides" not in (g.findtext(f"{svg}title") or "") for g in groups)
    assert not isinstance(answer.default, Unknown)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("BTC", "--level", "1"), "--level: expected from 0.5 to below 1, found 1"),
        (("BTC", "--level", "0.9999"), "--level: windows of 365 returns, 10,000 are required"),
        (("BTC", "--as-of", "2999-01-01"), "--as-of: expected a day up to 20"),
        (("BTC", "--horizon", "0"), "--horizon: expected 1 to 10 days, found 0"),
        (("BTC", "--workers", "0"), "--workers: expected at least 1, found 0"),
        (("BTC", "--workers", "2", "--cluster", "tcp://x:1"), "remove one"),
        (("BTC", "--chart", "x.png"), "--chart: expected a file that ends in .svg"),
        (("BTC", "--chart", "nowhere/x.svg"), "--chart: no folder nowhere"),
        (("BTC", "--notional", "-1"), "--notional"),
        (("BTC", "--output", "nowhere/x"), "nowhere/x: missing folder nowhere; create it"),
        (("BTC", "--output", "/"), "/: cannot write the file: Is a directory; use another path"),
        (("BTC", "--level", "0.999999"), "1,000,000 are required at 0.999999; use a lower level"),
    ],
)
def test_a_wrong_option_ends_with_one_line_and_exit_code_2(
    arguments: tuple[str, ...], words: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_does_not_answer_ends_with_exit_code_2(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harmonize.cli.executors._SECONDS", 1)
    result = run("BTC", "--cluster", "tcp://127.0.0.1:9")
    assert result.exit_code == 2
    assert "--cluster tcp://127.0.0.1:9: no scheduler answers" in result.stderr


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("WIF", "import candles with"),
        ("NOSUCHCOIN", "import candles with"),
        ("BTCC", "did you mean BTC?"),
    ],
)
def test_an_underlying_without_prices_is_not_observed(name: str, fix: str) -> None:
    result = run(name, "--workers", "1")
    assert result.exit_code == 3
    assert f"underlying {name}: no prices in the archive; {fix}" in result.stderr


def test_too_short_a_history_ends_with_its_reason() -> None:
    result = run("ENA", "--workers", "1", "--as-of", "2024-12-15")
    assert result.exit_code == 3
    assert "365 are required" in result.stderr


def test_bars_are_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(None, quiet=False, verbose=False)
    with _progress(settings) as show:
        show("models", 1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with _progress(settings) as show:
        show("models", 1, 2)
        show("models", 2, 2)
    assert "models" in capsys.readouterr().err
    with _progress(Settings(None, quiet=True, verbose=False)) as show:
        show("models", 1, 2)
    assert capsys.readouterr().err == ""
