"""The command ``thresholds``: one asset on recorded prices, in every format, and mistakes in one line."""

import csv
import json
from io import BytesIO, StringIO
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from harmonize.api import thresholds_object, thresholds_table
from harmonize.api.question import Question
from harmonize.api.threshold_terms import ThresholdsAnswer
from harmonize.api.thresholds import judge_thresholds
from harmonize.cli.console import Settings
from harmonize.cli.main import app
from harmonize.cli.thresholds import _progress
from harmonize.cli.thresholds_chart import thresholds_chart
from harmonize.cli.thresholds_text import thresholds_text
from harmonize.core.schedule import Unknown
from harmonize.thresholds.path import Model, Tool
from reports.formats.sheets import sheet_csv, workbook

MODELS = 11
"""Models with a path of BTC, which has an implied volatility."""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ("thresholds", *arguments), catch_exceptions=False)


@pytest.fixture(scope="module")
def answer() -> ThresholdsAnswer:
    from datetime import date  # noqa: PLC0415 - the only use

    return judge_thresholds(Question(underlyings=("BTC",), as_of=date(2026, 11, 29)))


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
    venues, rule_set = lines[3:5]
    assert venues.startswith("BTC: the median IM of 17 venues at $1,000,000, 2.0 %, should rise:")
    assert rule_set.startswith("BTC: the IM of harmonized-baseline at $1,000,000, 10.01 %")
    for line in (venues, rule_set):
        assert "95 % interval" in line
        assert "models that cover both sides agree" in line
        assert line.endswith("certainty low; the last price is 121 days old.")


def test_the_series_that_speak_are_named_with_their_days(printed: str) -> None:
    assert "  bybit perp BTCUSDT 1d: 2020-11-16 to 2025-11-12" in printed
    assert "  binance perp BTCUSDT 1d: 2025-11-13 to 2026-07-31" in printed


def test_every_model_stands_with_every_tool_and_a_failing_one_as_failing(
    printed: str, document: Any
) -> None:
    paths = document["underlyings"][0]["paths"]
    assert {(p["model"], p["tool"]) for p in paths} == {
        (model.value, tool.value) for model in Model if model is not Model.LEARNED for tool in Tool
    }
    assert len(document["gate"]) == MODELS
    normal = next(row for row in document["gate"] if row["model"] == Model.EWMA_94.value)
    assert not normal["is_offered"]
    assert not normal["covers_each_side_met"]
    assert "EWMA 0.94, normal                       fails" in printed
    assert "GARCH(1,1)-t, filtered                  benchmark" in printed


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
    assert list(records) == ["MH511", "MH512", "MH513", "MH514", "MH515"]
    for record in records.values():
        if record["foretold"] <= (record["by_chance_share"] or 0) * record["first_breaches"]:
            assert record["tells"] != "foresees"
        assert record["tells"] in printed


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
    assert book.sheetnames == [*names, "Signals", "Episodes", "Fallbacks"]


def test_the_chart_draws_what_fails_coverage_hollow(answer: ThresholdsAnswer) -> None:
    root = ET.fromstring(thresholds_chart(answer))  # noqa: S314 - written by this program
    svg = "{http://www.w3.org/2000/svg}"
    groups = [g for g in root.iter(f"{svg}g") if g.get("role") == "img"]
    assert len(groups) == len(answer.candidates)
    for group in groups:
        circle = group.find(f"{svg}circle")
        assert circle is not None
        title = group.findtext(f"{svg}title") or ""
        assert (circle.get("fill") == "none") == ("covers both sides" not in title)
    assert any("covers both sides" not in (g.findtext(f"{svg}title") or "") for g in groups)
    assert not isinstance(answer.default, Unknown)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("BTC", "--level", "1"), "level: expected from 0.5 to below 1, found 1"),
        (("BTC", "--level", "0.9999"), "10,000 are required"),
        (("BTC", "--horizon", "0"), "horizon: expected 1 to 10 days, found 0"),
        (("BTC", "--workers", "0"), "--workers: expected at least 1, found 0"),
        (("BTC", "--workers", "2", "--cluster", "tcp://x:1"), "remove one"),
        (("BTC", "--chart", "x.png"), "--chart: expected a file that ends in .svg"),
        (("BTC", "--chart", "nowhere/x.svg"), "--chart: no folder nowhere"),
        (("BTC", "--notional", "-1"), "--notional"),
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
    monkeypatch.setattr("harmonize.cli.thresholds._SECONDS", 1)
    result = run("BTC", "--cluster", "tcp://127.0.0.1:9")
    assert result.exit_code == 2
    assert "--cluster tcp://127.0.0.1:9: no scheduler answers" in result.stderr


@pytest.mark.parametrize("name", ["WIF", "NOSUCHCOIN"])
def test_an_underlying_without_prices_is_not_observed(name: str) -> None:
    result = run(name, "--workers", "1")
    assert result.exit_code == 3
    assert f"underlying {name}: no prices" in result.stderr


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
