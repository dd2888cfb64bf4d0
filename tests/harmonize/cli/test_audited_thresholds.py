"""``--thresholds`` of audit, report and run: the section, the page, and a report that verifies."""

import json
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harmonize.api.question import AnswerOptions, ThresholdScope
from harmonize.cli import executors
from harmonize.cli import run as run_command
from harmonize.cli.main import app

CHOSEN = ("--underlying", "LTC", "--rules", "esma-retail", "--as-of", "2026-03-25")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests begin no processes, which take longer than one underlying."""
    monkeypatch.setattr(executors, "workers_for", lambda **_: nullcontext())


def opened_threads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Replaces processes by threads; returns a list that grows by whether the work is long."""
    opened: list[bool] = []

    def workers(*, is_long: bool) -> AbstractContextManager[Executor]:
        opened.append(is_long)
        return ThreadPoolExecutor(2)

    monkeypatch.setattr(executors, "workers_for", workers)
    return opened


def audited(*arguments: str) -> dict[str, Any]:
    result = run("audit", *CHOSEN, "--format", "json", "--fail-on", "never", *arguments)
    assert result.exit_code in {0, 3}
    section = json.loads(result.stdout)["thresholds"]
    assert isinstance(section, dict)
    return section


def test_an_audit_has_thresholds_if_requested_alone_and_shares_their_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = opened_threads(monkeypatch)
    assert audited()["rows"] == []
    (row,) = audited("--thresholds")["rows"]
    assert (row["underlying"], row["day"]) == ("LTC", "2026-03-25")
    assert opened == [False, True]
    monkeypatch.undo()
    assert isinstance(executors.workers_for(is_long=False), nullcontext)


def test_a_report_with_thresholds_has_its_page_and_is_verified_by_other_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("report", "--out", str(tmp_path), *CHOSEN, "--thresholds").exit_code in {0, 3}
    assert "What should the margins be?" in (tmp_path / "thresholds.html").read_text()
    opened = opened_threads(monkeypatch)
    verified = run("verify", str(tmp_path))
    assert (verified.exit_code, verified.stderr) == (0, "")
    assert opened == [True]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["question"]["thresholds"] == "models"


@pytest.mark.parametrize(
    ("arguments", "scope"),
    [((), ThresholdScope.NONE), (("--thresholds",), ThresholdScope.MODELS)],
)
def test_a_night_has_thresholds_only_if_requested(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], scope: ThresholdScope
) -> None:
    class SeenError(Exception):
        pass

    def question(_: object, __: object, options: AnswerOptions) -> None:
        assert options.thresholds is scope
        raise SeenError

    monkeypatch.setattr(run_command, "_question", question)
    with pytest.raises(SeenError):
        run("run", *arguments)
