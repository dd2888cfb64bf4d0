"""One notion of a name: rules, waivers, inputs, options and books take what the program prints."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harmonize.api.audit import RequestError, answer
from harmonize.api.question import AnswerOptions, Question
from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from tests.support import recorded
from tests.support.altered_snapshots import changed
from venues.exchanges import pacifica

NAMES = ("rTSLA", "XYZ-GOLD", "币安人生", "TRUMP,RAY", "AAPLx")
RULES = """\
id: own
version: "1"
title: Own
kind: model
scope: {text: All, account_classes: [], underlyings: [%s]}
requirement:
  inputs:
    q: {measured: var_99_1d, means: One-day 99 %% move}
  rate: q
maintenance_meaning: liquidation trigger
statutory: false
tolerance: {relative: 0, absolute: 0}
citations: [{reference: A, via: B, verified: derived}]
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns an archive of one venue whose markets have the names of other venues."""

    def rename(document: Any) -> None:
        for row, name in zip(document["data"], NAMES, strict=False):
            row["symbol"] = name

    path = tmp_path_factory.mktemp("names") / "a"
    Archive.create(path).append(changed(recorded.of_venue("pacifica")[0], pacifica.INFO, rename))
    return path


def run(archive: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--archive", str(archive), *arguments])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spelling", [str, str.lower])
def test_every_way_to_name_an_underlying_takes_its_printed_name(
    name: str, spelling: Any, archive: Path, tmp_path: Path
) -> None:
    written = spelling(name)
    rules, inputs, config = (tmp_path / f"{part}.yaml" for part in ("r", "i", "c"))
    rules.write_text(RULES % f"'{written}'", encoding="utf-8")
    inputs.write_text(
        "source: a test\nverified: derived\ninputs:\n"
        f"  - {{name: var_99_1d, underlying: '{written}', value: '50 %', observed_at: 2020-01-01}}\n",
        encoding="utf-8",
    )
    config.write_text(
        "waivers:\n  - codes: [MH302]\n    reason: a test\n    owner: risk\n    expires: 2100-01-01\n"
        f"    scope: {{underlyings: ['{written}']}}\n",
        encoding="utf-8",
    )
    question = Question(
        archive=archive,
        underlyings=(written,),
        rules=(str(rules),),
        instruments={("pacifica", written): f"{name}/USDC:USDC"},
        options=AnswerOptions(inputs=inputs, config=config),
    )
    result = answer(question)
    assert result.missing == ()
    assert {row.underlying for row in result.document.schedules} == {name}
    assert {row.required for row in result.document.divergences if row.required} == {0.5}
    (waiver,) = result.document.waivers
    assert name in waiver.scope
    notes = [note for note in result.notes if f"{written} read as {name}" in note]
    assert bool(notes) == (name not in {written, written.upper()})


@pytest.mark.parametrize("name", NAMES)
def test_options_and_books_take_the_printed_name(name: str, archive: Path, tmp_path: Path) -> None:
    for command in (
        ("audit", "--underlying", name, "--fail-on", "never"),
        ("liquidation", name),
    ):
        result = run(archive, *command)
        assert result.exit_code == 0, result.output
        assert "read as" not in result.stderr
    assert run(archive, "history", "--underlying", name).exit_code == 0
    book = tmp_path / "b.csv"
    book.write_text(
        f'underlying,side,notional\n"{name}",long,5\n"{name.lower()}",long,7\n', encoding="utf-8"
    )
    result = run(archive, "portfolio", str(book), "--format", "json")
    assert result.exit_code == 0, result.output
    portfolio = json.loads(result.stdout)
    assert [(held["underlying"], held["long"]) for held in portfolio["held"]] == [(name, 12.0)]
    assert portfolio["excluded"] == []


def test_another_case_is_told_and_an_unknown_name_has_a_suggestion(archive: Path) -> None:
    result = run(archive, "audit", "--underlying", "rtsla", "--fail-on", "never")
    assert result.exit_code == 0
    assert "note: underlying rtsla read as rTSLA\n" in result.stderr
    unknown = run(archive, "audit", "--underlying", "rTSLAA", "--fail-on", "never")
    assert unknown.exit_code == 3
    assert "underlying rTSLAA: no schedule was observed; did you mean rTSLA?" in unknown.stderr
    gap = run(archive, "gap", "AAPLX")
    assert gap.exit_code == 0
    assert "AAPLx initial margin, optimal split over at most 1 venue" in gap.stdout
    bad = run(archive, "gap", "A\u202eB")
    assert bad.exit_code == 2
    assert "--underlying: expected an underlying such as BTC" in bad.stderr
    assert "\u202e" not in bad.stderr


def test_a_name_that_two_assets_match_is_refused_with_both(tmp_path: Path) -> None:
    def rename(document: Any) -> None:
        for row, name in zip(document["data"], ("rTSLA", "RTSLA"), strict=False):
            row["symbol"] = name

    path = tmp_path / "a"
    Archive.create(path).append(changed(recorded.of_venue("pacifica")[0], pacifica.INFO, rename))
    with pytest.raises(RequestError, match="underlying rtsla is ambiguous; use RTSLA or rTSLA"):
        answer(Question(archive=path, underlyings=("rtsla",)))
    exact = answer(Question(archive=path, underlyings=("rTSLA",), rules=("esma-retail",)))
    assert {row.underlying for row in exact.document.schedules} == {"rTSLA"}
    book = tmp_path / "b.csv"
    book.write_text("symbol,notional\nrtsla,5\nRTSLA,5\n")
    result = run(path, "portfolio", str(book))
    assert result.exit_code == 3
    assert "error: b.csv: line 2: rtsla is ambiguous; write RTSLA or rTSLA" in result.stderr
