from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harmonize.cli.main import app

CHOSEN = ("--venue", "okx", "--underlying", "BTC", "--rules", "esma-retail")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_report_is_verified_and_a_changed_figure_is_named(tmp_path: Path) -> None:
    assert run("report", "--out", str(tmp_path), *CHOSEN).exit_code in {0, 3}
    verified = run("verify", str(tmp_path))
    assert verified.exit_code == 0
    assert "every file equals" in verified.stdout
    page = tmp_path / "venues" / "okx.html"
    page.write_text(page.read_text().replace("1.5", "1.6", 1))
    changed = run("verify", str(tmp_path))
    assert changed.exit_code == 1
    assert changed.stdout.startswith("venues/okx.html: ")


def test_a_report_is_not_written_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("a clone")
    result = run("report", "--out", str(tmp_path), *CHOSEN)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: --out: {tmp_path}: expected an empty folder or one of a report")
    assert line.endswith("; use a new folder")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_folder_that_is_no_report_ends_in_one_line(tmp_path: Path) -> None:
    result = run("verify", str(tmp_path))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "manifest.json" in result.stderr


@pytest.mark.parametrize(
    "selection",
    [("--underlying", "NOPE"), ("--profile", "foo"), ("--venue", "okx", "--underlying", "NOPE")],
)
def test_nothing_observed_is_no_report_and_no_audit(
    tmp_path: Path, selection: tuple[str, ...]
) -> None:
    folder = tmp_path / "report"
    result = run("report", "--out", str(folder), *selection)
    assert (result.exit_code, result.stdout) == (3, "")
    (line,) = result.stderr.splitlines()
    assert ": no schedule was observed" in line
    assert line.endswith("; no report was written")
    assert not folder.exists()
    for form in ("table", "json"):
        audited = run("audit", *selection, "--format", form)
        assert (audited.exit_code, audited.stdout) == (3, "")
        assert len(audited.stderr.splitlines()) == 1


def test_a_part_that_was_observed_is_audited() -> None:
    result = run("audit", "--venue", "okx", "--underlying", "BTC", "--underlying", "NOPE")
    assert result.exit_code == 3
    assert "okx" in result.stdout
    assert "incomplete: underlying NOPE: no schedule was observed" in result.stderr
