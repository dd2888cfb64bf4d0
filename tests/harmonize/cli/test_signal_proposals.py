"""``thresholds --apply`` on the recorded archive: what it writes, and when it writes nothing."""

import json
import re
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harmonize.api.signal_proposals import version_day
from harmonize.audit.rule_examples import failing_examples
from harmonize.cli.main import app
from harmonize.policy.rule_set import ReferenceSchedule, RuleSet
from rules import loader

FAILING = ("TRX", "--as-of", "2024-12-09", "--workers", "1")
"""TRX rose by 96 % and then fell by 24 %, more than twice its historical VaR: MH515, and MH511."""

VERSION_DAY = "harmonize.api.signal_proposals.version_day"
"""Function whose day these tests set before that of TRX: no signal of the archive moves an asset later."""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ("thresholds", *arguments), catch_exceptions=False)


def members(rule_set: RuleSet) -> dict[str, tuple[str, ...]]:
    assert isinstance(rule_set.requirement, ReferenceSchedule)
    return {class_.name: class_.assets for class_ in rule_set.requirement.classes}


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    target = tmp_path_factory.mktemp("proposals") / "next.yaml"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VERSION_DAY, lambda _: date(2024, 12, 9))
        return target, run(*FAILING, "--format", "json", "--apply", str(target))


def test_a_failing_asset_moves_to_the_class_of_the_highest_rate_and_nothing_else_changes(
    applied: tuple[Path, Result],
) -> None:
    target, result = applied
    assert result.exit_code == 0
    assert loader.check(target) == []
    own, before = loader.load(str(target)), loader.load("harmonized-baseline")
    assert list(failing_examples(own)) == []
    assert (own.id, own.version) == (before.id, "2026.11.1")
    old = members(before)
    assert members(own) == {
        **old,
        "C": tuple(asset for asset in old["C"] if asset != "TRX"),
        "F": ("FARTCOIN", "TRX"),
    }
    assert own.flags[:-1] == before.flags
    changed = target.read_text().splitlines()
    kept = loader.rule_set_text("harmonized-baseline").splitlines()
    assert len([line for line in kept if line not in changed]) == 3  # version and two classes
    assert [path.name for path in target.parent.iterdir()] == ["next.yaml"]


def test_the_flag_states_asset_classes_signal_figures_and_day(
    applied: tuple[Path, Result],
) -> None:
    target, result = applied
    flag = loader.load(str(target)).flags[-1]
    assert (flag.field, flag.status.value) == ("assets", "calibrated")
    assert (
        "harmonize thresholds TRX --as-of 2024-12-09 --apply: TRX from class C (v1 20.0 %) to F (50.0 %) "
        "by MH515 on 2024-12-09, loss of 23.66 % against a historical VaR of"
    ) in flag.note
    assert f"wrote {target}: harmonized-baseline 2026.11.1" in result.stderr


def test_the_usual_output_stays_on_stdout(applied: tuple[Path, Result]) -> None:
    on = {row["signal"] for row in json.loads(applied[1].stdout)["signals"] if "evidence" in row}
    assert {"MH511", "MH515"} <= on


def test_signals_without_a_move_write_nothing_and_say_why(tmp_path: Path) -> None:
    """The signals of both are a year old."""
    target = tmp_path / "next.yaml"
    arguments = ("UNI", "ONDO", "--as-of", "2026-11-29", "--workers", "1")
    result = run(*arguments, "--apply", str(target))
    assert (result.exit_code, target.exists()) == (3, False)
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert error.startswith(
        "error: --apply: no signal moves an asset to another class: UNI is not moved by MH511, because the "
        "evidence is 381 days old on 2026-11-29, more than 31: MH511 on 2025-11-13, fast margin "
    )
    assert "; ONDO is not moved by MH513, because the evidence is 381 days old" in error
    line = next(line for line in result.stdout.splitlines() if line.startswith("MH511 UNI "))
    assert line.endswith(
        "; no class changes: UNI is not moved by MH511, because the evidence is 381 days old on 2026-11-29, "
        "more than 31"
    )
    assert "--apply" not in result.stdout


def test_flags_state_the_day_of_a_version() -> None:
    assert version_day(loader.load("harmonized-baseline")) == date(2026, 3, 3)


def test_the_printed_command_is_one_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """TRX moves by MH515; the command of that line was run above, with its day."""
    monkeypatch.setattr(VERSION_DAY, lambda _: date(2024, 12, 9))
    result = run(*FAILING)
    lines = [own for own in result.stdout.splitlines() if re.match(r"MH51\d TRX ", own)]
    ends = {own[:5]: own.rpartition("; ")[2] for own in lines}
    assert ends == {
        "MH511": "MH515 decides on the class of TRX",
        "MH512": "MH515 decides on the class of TRX",
        "MH515": "to apply: harmonize thresholds TRX --as-of 2024-12-09 --apply FILE.yaml",
    }


def test_a_coin_without_a_class_has_no_command_and_no_proposal_above_the_whole_position() -> None:
    result = run("LUNA", "--as-of", "2022-05-13", "--workers", "1")
    lines = [own for own in result.stdout.splitlines() if re.match(r"MH51\d LUNC ", own)]
    assert len(lines) > 1
    (fast,) = [own for own in lines if own.startswith("MH511")]
    assert "fast margin 120.6 %" in fast
    assert fast.endswith("; proposal for the formula margin: 100.0 %")
    (failing,) = [own for own in lines if own.startswith("MH515")]
    assert failing.endswith(
        "; proposal: margin at the whole position or close the contract; no class changes: LUNC has no class"
    )
    assert "--apply" not in result.stdout


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("next.txt", None, "expected a file that ends in .yaml, found next.txt"),
        ("none/next.yaml", None, "missing folder"),
        ("next.yaml", ("emir-ccp", ""), "found rule set emir-ccp, not harmonized-baseline"),
        ("next.yaml", ("harmonized-baseline", "2027.01"), "found version 2027.01, after 2026.11"),
    ],
)
def test_no_other_file_is_replaced(
    tmp_path: Path, name: str, content: tuple[str, str] | None, problem: str
) -> None:
    target = tmp_path / name
    if content is not None:
        text = loader.rule_set_text(content[0])
        target.write_text(text.replace('"2026.11"', f'"{content[1]}"') if content[1] else text)
    before = target.read_bytes() if content else None
    result = run(*FAILING, "--apply", str(target))
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr
    assert (target.read_bytes() if target.exists() else None) == before


def test_equal_signals_write_the_same_file_again_and_others_do_not(
    applied: tuple[Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VERSION_DAY, lambda _: date(2024, 12, 9))
    target = tmp_path / "next.yaml"
    target.write_bytes(applied[0].read_bytes())
    assert run(*FAILING, "--apply", str(target)).exit_code == 0
    edited = target.read_text().replace("FARTCOIN, TRX", "TRX, FARTCOIN")
    target.write_text(edited)
    result = run(*FAILING, "--apply", str(target))
    assert (result.exit_code, target.read_text()) == (2, edited)
    assert "found version 2026.11.1 with other content; use another file" in result.stderr
