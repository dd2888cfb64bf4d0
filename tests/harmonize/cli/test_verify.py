from pathlib import Path

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


def test_a_folder_that_is_no_report_ends_in_one_line(tmp_path: Path) -> None:
    result = run("verify", str(tmp_path))
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "manifest.json" in result.stderr
