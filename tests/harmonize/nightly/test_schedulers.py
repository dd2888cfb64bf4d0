"""The files that schedule the nightly run are valid for their schedulers."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from harmonize.cli.main import app
from tests.support.paths import DOCS

FOLDER = DOCS / "nightly"
PAGE = FOLDER.with_suffix(".md").read_text(encoding="utf-8")
NAMES = ("crontab", "github-workflow.yml", "harmonize.service", "harmonize.timer")


def options() -> dict[str, bool]:
    """Returns the options of `harmonize` and of `run`, and whether each takes a value."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return {
        name: not getattr(parameter, "is_flag", False)
        for command in (group, group.commands["run"])
        for parameter in command.params
        for name in parameter.opts
    }


ENDS = {"||", "&&", "|", ">>", ">", ";"}
BASH = shutil.which("bash") or "/bin/bash"
SYSTEMD = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze is not here")


def text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    return output


def workflow() -> Any:
    return yaml.safe_load(text("github-workflow.yml"))


def scripts() -> list[str]:
    steps = [step for job in workflow()["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def cron_line() -> str:
    lines = [line for line in text("crontab").splitlines() if line and not line.startswith("#")]
    (entry,) = [line for line in lines if not re.match(r"[A-Z_]+=", line)]
    return entry


def exec_start() -> str:
    (command,) = re.findall(r"^ExecStart=(.*)$", text("harmonize.service"), re.MULTILINE)
    return str(command)


def invocations() -> Iterator[list[str]]:
    """Yields the arguments of every call of the program in these files."""
    lines = [
        exec_start(),
        cron_line(),
        *(line for script in scripts() for line in script.splitlines()),
    ]
    for line in lines:
        words = shlex.split(line, comments=True)
        at = next((n for n, word in enumerate(words) if re.search(r"(^|/)harmonize$", word)), None)
        if at is not None:
            end = next((n for n, word in enumerate(words) if n > at and word in ENDS), len(words))
            yield words[at + 1 : end]


def test_the_folder_holds_what_the_page_names() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(NAMES)
    for name in NAMES:
        assert f"(nightly/{name})" in PAGE


def test_the_tool_is_called_with_options_that_it_has() -> None:
    calls = list(invocations())
    assert len(calls) == 3
    for arguments in calls:
        assert arguments[0] == "--archive"
        assert arguments[2] == "run"
        options_of_call = [*arguments[:2], *arguments[3:]]
        assert "--out" in options_of_call[::2]
        assert all(
            options()[word] for word in options_of_call[::2]
        )  # each is there, and takes a value
        assert not any(word.startswith("--") for word in options_of_call[1::2])


@needs_systemd
def test_systemd_takes_both_units(tmp_path: Path) -> None:
    program = tmp_path / "harmonize"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for name in ("harmonize.service", "harmonize.timer"):
        written = text(name).replace("/opt/harmonize/bin/harmonize", str(program))
        (tmp_path / name).write_text(written)
    output = run(
        str(SYSTEMD),
        "verify",
        str(tmp_path / "harmonize.service"),
        str(tmp_path / "harmonize.timer"),
    )
    assert "harmonize" not in output, output


@needs_systemd
def test_the_service_is_confined(tmp_path: Path) -> None:
    (tmp_path / "harmonize.service").write_text(text("harmonize.service"))
    # The exposure that systemd computes goes from 0 to 10; at most 3.0, as 30 tenths of it.
    run(
        str(SYSTEMD),
        *("security", "--offline=true", "--threshold=30", str(tmp_path / "harmonize.service")),
    )


@needs_systemd
def test_the_timer_fires_every_night_at_0115_utc() -> None:
    (when,) = re.findall(r"^OnCalendar=(.*)$", text("harmonize.timer"), re.MULTILINE)
    output = run(
        str(SYSTEMD),
        *("calendar", "--iterations=2", "--base-time=2026-11-20 01:14:00 UTC", when),
    )
    times = re.findall(r"\w{3} (\d{4}-\d\d-\d\d) 01:15:00 UTC", output)
    assert list(dict.fromkeys(times))[:2] == ["2026-11-20", "2026-11-21"], output


def test_findings_and_venues_not_observed_do_not_fail_the_unit() -> None:
    (fine,) = re.findall(r"^SuccessExitStatus=(.*)$", text("harmonize.service"), re.MULTILINE)
    assert fine.split() == ["1", "3"]


def test_the_crontab_fires_every_night_with_one_command() -> None:
    *when, command = cron_line().split(" ", 5)
    assert when == ["15", "1", "*", "*", "*"]
    assert "%" not in command  # which cron takes for the end of a line
    words = shlex.split(command)
    assert words[0] == "$HOME/harmonize/bin/harmonize"
    assert words[-3:] == [">>", "$HOME/margins/run.log", "2>&1"]
    run("sh", "-n", "-c", command)
    assert "\nCRON_TZ=UTC\n" in text("crontab")


def test_the_workflow_satisfies_its_schema() -> None:
    check = ("-m", "check_jsonschema", "--builtin-schema")
    path = str(FOLDER / "github-workflow.yml")
    run(sys.executable, *check, "vendor.github-workflows", path)
    run(sys.executable, *check, "custom.github-workflows-require-timeout", path)


@pytest.mark.parametrize("script", scripts(), ids=lambda entry: entry.split("\n")[0][:40])
def test_every_step_of_the_workflow_is_bash(script: str) -> None:
    run("bash", "-n", "-c", script)
    assert "${{" not in script  # what GitHub would paste into it unquoted


def test_the_workflow_publishes_before_it_fails_for_a_bad_night(tmp_path: Path) -> None:
    (script,) = [script for script in scripts() if "harmonize --archive" in script]
    for code, ends in ((0, 0), (1, 0), (3, 0), (5, 0), (2, 2), (4, 4)):
        program = tmp_path / "harmonize"
        program.write_text(f"#!/bin/sh\nexit {code}\n")
        program.chmod(0o755)
        output = tmp_path / f"output-{code}"
        result = subprocess.run(
            [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "GITHUB_OUTPUT": str(output)},
            check=False,
        )
        assert result.returncode == ends
        assert output.read_text() == f"code={code}\n"
    jobs = workflow()["jobs"]
    assert jobs["publish"]["needs"] == "night"
    assert "if" not in jobs["publish"]
    assert jobs["verdict"]["needs"] == ["night", "publish"]


def test_a_job_may_do_no_more_than_it_must() -> None:
    definition = workflow()
    assert definition["permissions"] == {}
    assert {name: row.get("permissions") for name, row in definition["jobs"].items()} == {
        "night": {"contents": "write"},
        "publish": {"pages": "write", "id-token": "write"},
        "verdict": None,
    }
    assert definition["concurrency"] == {"group": "margins", "cancel-in-progress": False}
    used = [
        step["uses"]
        for job in definition["jobs"].values()
        for step in job["steps"]
        if "uses" in step
    ]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)


def test_the_archive_grows_in_its_branch_night_after_night(tmp_path: Path) -> None:
    """The steps that fetch and push the archive, with a repository of their own."""
    bring, keep = (
        next(script for script in scripts() if word in script) for word in ("ls-remote", "git push")
    )
    origin, main = tmp_path / "origin.git", tmp_path / "main"
    run("git", "init", "--quiet", "--bare", str(origin))
    run("git", "init", "--quiet", "--initial-branch=main", str(main))
    (main / "code").write_text("code\n")
    run("git", "-C", str(main), "add", "code")
    author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    run("git", "-C", str(main), *author, "commit", "--quiet", "--message=code")
    run("git", "-C", str(main), "push", "--quiet", str(origin), "main")
    for night in ("one", "two"):
        work = tmp_path / night
        run("git", "clone", "--quiet", "--branch=main", str(origin), str(work))
        _bash(bring, work)
        (work / "nights/archive").mkdir(parents=True, exist_ok=True)
        (work / "nights/archive" / night).write_text(night)
        _bash(keep, work)
    paths = run("git", "-C", str(origin), "ls-tree", "-r", "--name-only", "nights")
    assert paths.split() == ["archive/one", "archive/two"]
    count = run("git", "-C", str(origin), "rev-list", "--count", "nights")
    assert count.strip() == "2"
    work = tmp_path / "two"
    shutil.rmtree(work / "nights")
    run("git", "-C", str(work), "worktree", "prune")
    shutil.rmtree(origin)
    assert subprocess.run([BASH, "-ec", bring], cwd=work, env=_env(), check=False).returncode
    assert not (work / "nights").exists()


def _bash(script: str, folder: Path) -> None:
    subprocess.run([BASH, "-eo", "pipefail", "-c", script], cwd=folder, env=_env(), check=True)


def _env() -> dict[str, str]:
    none = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    return {"PATH": "/usr/bin:/bin", "BRANCH": "nights", **none}
