"""A baseline that is rewritten after every audit still reports a worsening in small steps."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harmonize.api.audit import Answer
from harmonize.api.question import Question
from harmonize.audit.baseline import compare_with_baseline
from harmonize.cli import request
from harmonize.cli.main import app
from harmonize.document import AuditDocument
from tests.support.nights import FINDING
from tests.support.sample_documents import sample


def beyond(share: float) -> AuditDocument:
    """Returns an audit with the finding that a share of windows is above a limit of 1 %."""
    deviation = 0.01 / share - 1
    finding = replace(FINDING, code="MH502", observed=0.005, deviation=deviation, state="")
    return replace(sample(), findings=(finding,), waived=())


def audited(monkeypatch: pytest.MonkeyPatch, document: AuditDocument, *options: str) -> list[str]:
    """Runs ``audit`` on a document, and returns the states of the findings that it prints."""

    def answer(question: Question) -> Answer:
        known = question.options.baseline
        return Answer(compare_with_baseline(document, known) if known else document, (), document)

    monkeypatch.setattr(request, "answer", answer)
    arguments = ("audit", "--format", "jsonl", "--write-baseline", "b.json", *options)
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return [json.loads(line)["state"] for line in result.stdout.splitlines()]


def test_small_steps_add_up_although_the_baseline_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert audited(monkeypatch, beyond(0.40)) == [""]
    steps = [
        audited(monkeypatch, beyond(0.40 + 0.01 * step), "--baseline", "b.json")
        for step in range(1, 7)
    ]
    # From 40 % on, 43 % is the first share that is 5 % larger; from 43 %, it is 46 %.
    assert steps == [[], [], ["worse"], [], [], ["worse"]]


def test_an_improvement_is_the_new_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    audited(monkeypatch, beyond(0.40))
    better = audited(monkeypatch, beyond(0.30), "--baseline", "b.json")
    again = audited(monkeypatch, beyond(0.40), "--baseline", "b.json")
    assert (better, again) == ([], ["worse"])
