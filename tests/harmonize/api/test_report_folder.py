import json
import os
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from harmonize.api import report_folder
from harmonize.api.question import AnswerOptions, Question, StressScope
from harmonize.api.report_folder import (
    MANIFEST,
    Report,
    ReportFolderError,
    build,
    check_writable,
    differences,
    write,
)

SMALL = Question(venues=("okx", "gate"), underlyings=("BTC",), rules=("esma-retail",))


@cache
def built() -> Report:
    return build(SMALL)


def files() -> Mapping[str, bytes]:
    return built().files


def written(folder: Path) -> Path:
    write(folder, files())
    return folder


def test_the_manifest_lists_the_hash_of_every_file_and_the_inputs(tmp_path: Path) -> None:
    manifest = json.loads((written(tmp_path) / MANIFEST).read_bytes())
    found = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert found == {*manifest["files"], MANIFEST}
    assert set(manifest["inputs"]["rule_sets"]) == {"esma-retail"}
    assert manifest["inputs"]["archives"][0]["sequence"] > 0
    assert manifest["question"]["venues"] == ["okx", "gate"]
    assert manifest["as_of"].startswith("2026-11-29")


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert build(SMALL).files == files()


def test_an_unchanged_report_is_verified(tmp_path: Path) -> None:
    assert list(differences(written(tmp_path), None)) == []


def test_a_report_is_verified_by_the_workers_of_its_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []
    shared = ThreadPoolExecutor(1)

    def workers(question: Question) -> AbstractContextManager[Executor]:
        given.append(question)
        return nullcontext(shared)

    def rebuilt(_: Question, executor: Executor | None) -> Report:
        given.append(executor)
        return built()

    folder = written(tmp_path)
    monkeypatch.setattr(report_folder, "build", rebuilt)
    assert list(differences(folder, None, workers)) == []
    question, executor = given
    assert isinstance(question, Question)
    assert (question.venues, executor) == (SMALL.venues, shared)


def test_a_report_is_verified_on_another_day_as_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = written(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1900000000")
    assert list(differences(folder, None)) == []
    assert os.environ["SOURCE_DATE_EPOCH"] == "1900000000"


def test_a_report_of_an_earlier_date_is_verified(tmp_path: Path) -> None:
    question = Question(
        venues=("okx",), as_of=date(2026, 6, 1), options=AnswerOptions(stale_after_days=7.0)
    )
    write(tmp_path, build(question).files)
    assert list(differences(tmp_path, None)) == []


def test_a_report_with_a_simulated_fall_is_verified_with_it(tmp_path: Path) -> None:
    options = AnswerOptions(stress=StressScope.SIMULATED)
    rules = ("harmonized-baseline",)
    question = Question(venues=("hyperliquid",), underlyings=("BTC",), rules=rules, options=options)
    write(tmp_path, build(question).files)
    assert 'id="counterfactuals"' in (tmp_path / "stress.html").read_text()
    assert json.loads((tmp_path / MANIFEST).read_bytes())["question"]["stress"] == "simulated"
    assert list(differences(tmp_path, None)) == []


def test_a_manifest_from_before_stress_asked_for_none(tmp_path: Path) -> None:
    folder = written(tmp_path)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    del manifest["question"]["stress"]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    lines = list(differences(folder, None))
    assert "the manifest was changed" in lines[0]
    assert all(line.startswith(MANIFEST) for line in lines)


def test_the_first_figure_that_differs_is_named_with_both_values(tmp_path: Path) -> None:
    page = written(tmp_path) / "underlyings" / "btc.html"
    text = page.read_text()
    start = text.index('id="cell-okx-btc-im"')
    end = text.index("</td>", start)
    cell = text[start:end]
    page.write_text(text[:start] + cell.replace("1.5", "9.9") + text[end:])
    (line,) = differences(tmp_path, None)
    assert line == ("underlyings/btc.html: #cell-okx-btc-im: expected '1.5 %', found '9.9 %'")


@pytest.mark.parametrize("name", ["venues/okx.csv", "data/audit.json", "assets/style.css"])
def test_a_changed_file_of_any_kind_is_named(tmp_path: Path, name: str) -> None:
    path = written(tmp_path) / name
    path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    (line,) = differences(tmp_path, None)
    assert line.startswith(f"{name}: ")


def changed(folder: Path, **fields: object) -> Path:
    """The folder with other values in its manifest."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps(manifest | fields))
    return folder


def test_another_day_in_the_manifest_is_named_and_nothing_else(tmp_path: Path) -> None:
    (line,) = differences(changed(written(tmp_path), as_of="2026-11-28T23:59:59Z"), None)
    assert line == (
        "manifest.json: as_of: expected 2026-11-29T23:59:59Z, as in data/audit.json, found "
        "2026-11-28T23:59:59Z; write the report again"
    )


def test_another_question_in_the_manifest_is_named_first(tmp_path: Path) -> None:
    manifest = json.loads((written(tmp_path) / MANIFEST).read_bytes())
    question = {**manifest["question"], "stale_after_days": 7.0}
    first, second, *_ = differences(changed(tmp_path, question=question), None)
    assert first.startswith("manifest.json: every file has the hash stated there, but the question")
    assert second.startswith("manifest.json: line ")


def test_a_changed_document_is_not_blamed_on_the_manifest(tmp_path: Path) -> None:
    path = written(tmp_path) / "data" / "audit.json"
    path.write_bytes(
        path.read_bytes().replace(b'"2026-11-29T23:59:59Z"', b'"2026-11-28T23:59:59Z"')
    )
    (line,) = differences(tmp_path, None)
    assert line.startswith("data/audit.json: line 1, character ")
    assert "…" in line


def test_a_missing_and_a_foreign_page_are_named(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "gap.html").unlink()
    (tmp_path / "underlyings" / "extra.html").write_text("<p>")
    first, second = differences(tmp_path, None)
    assert first.startswith("gap.html: missing")
    assert second == "underlyings/extra.html: not a file of this report"


def test_other_inputs_are_reported_before_anything_is_compared(tmp_path: Path) -> None:
    path = written(tmp_path) / MANIFEST
    manifest = json.loads(path.read_bytes())
    manifest["inputs"]["archives"][0]["tip"] = "0" * 64
    path.write_text(json.dumps(manifest))
    (line,) = differences(tmp_path, None)
    assert line.startswith("manifest.json: inputs.archives: ")


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"{}", "expected the manifest"), (b"no", "expected JSON"), (b"[1]", "expected the manifest")],
)
def test_a_folder_that_is_no_report_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(ReportFolderError, match=problem):
        list(differences(tmp_path, None))


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReportFolderError, match="name the folder of a report"):
        list(differences(tmp_path, None))


def test_files_of_an_earlier_report_go_and_others_stay(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("kept")
    folder = tmp_path / "report"
    own = {**files(), "underlyings/old.html": b"<p>"}
    listed = ["underlyings/old.html", "../outside.txt", "/etc/hostname", "underlyings/../x"]
    own[MANIFEST] = json.dumps({"files": dict.fromkeys(listed, "")}).encode()
    write(folder, own)
    (folder / "notes.txt").write_text("mine")
    write(folder, files())
    assert not (folder / "underlyings" / "old.html").exists()
    assert outside.read_text() == "kept"
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("manifest", [None, b"{}", b"no", b'{"name": "an app", "icons": []}'])
def test_a_folder_with_other_files_is_not_written_into(
    tmp_path: Path, manifest: bytes | None
) -> None:
    check_writable(tmp_path)
    check_writable(tmp_path / "new" / "folder")
    (tmp_path / ".git").mkdir()
    if manifest is not None:
        (tmp_path / MANIFEST).write_bytes(manifest)
    with pytest.raises(ReportFolderError, match="found other files; use a new folder"):
        check_writable(tmp_path)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ReportFolderError, match="use another folder"):
        check_writable(tmp_path / "file")


def test_a_report_is_written_again_also_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_writable(written(tmp_path / "whole"))
    written_names: list[str] = []

    def interrupt(path: Path, content: bytes) -> None:
        if len(written_names) > 1:
            raise KeyboardInterrupt
        path.write_bytes(content)
        written_names.append(path.name)

    monkeypatch.setattr(report_folder, "write_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "part", files())
    assert written_names[0] == MANIFEST
    check_writable(tmp_path / "part")


def test_a_file_that_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    folder = written(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.html")}
    write(folder, files())
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*.html")}


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "venues").write_text("a file in the way")
    with pytest.raises(ReportFolderError, match="use another folder"):
        write(tmp_path, files())
