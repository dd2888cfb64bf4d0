"""`--fail-on`: a level, or a breach of a statute whatever its level."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from harmonize.cli.main import app
from harmonize.document import Finding, Level, Verdict
from tests.support.sample_documents import sample


def exit_code(*arguments: str) -> int:
    return CliRunner().invoke(app, ["audit", *arguments], catch_exceptions=False).exit_code


@pytest.mark.parametrize(
    ("rules", "options", "code"),
    [
        ("esma-retail", (), 0),
        ("esma-retail", ("--fail-on", "error"), 0),
        ("esma-retail", ("--fail-on", "breach"), 1),
        ("esma-retail", ("--fail-on", "never"), 0),
        ("uk-fca", ("--fail-on", "breach"), 1),
        ("mas", ("--fail-on", "breach"), 0),
        ("harmonized-baseline", ("--fail-on", "breach"), 0),
        ("harmonized-baseline", ("--fail-on", "warning"), 1),
    ],
)
def test_a_breach_fails_whatever_its_level(rules: str, options: tuple[str, ...], code: int) -> None:
    """Bybit's schedules are below the cap; whether they are offered to retail is not known."""
    assert exit_code("--venue", "bybit", "--underlying", "BTC", "--rules", rules, *options) == code


def finding(level: Level, verdict: Verdict) -> Finding:
    return replace(sample().findings[0], level=level, verdict=verdict)


def test_a_finding_reaches_its_level_and_those_below() -> None:
    warning = finding(Level.WARNING, Verdict.UNDER)
    assert [warning.reaches(level) for level in Level] == [False, True, True]
    assert not warning.reaches(Verdict.BREACH)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_breach_and_prohibition_are_breaches(verdict: Verdict) -> None:
    assert finding(Level.INFO, verdict).reaches(Verdict.BREACH) is (
        verdict in {Verdict.BREACH, Verdict.PROHIBITED}
    )
