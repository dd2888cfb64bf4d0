"""Locating and reading rule sets; every failure is one line with a fix."""

import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmonize.policy.rule_set import Cap
from rules import loader
from tests.rules.small import CAP, SCHEDULE
from tests.support.paths import DOCS

PACKS = ", ".join(loader.pack_ids())


def _error_text(named: str | Path) -> str:
    with pytest.raises(loader.RuleError) as caught:
        loader.load(named)
    message = str(caught.value)
    assert loader.check(named) == [message]
    assert message.isprintable(), "one line"
    return message


def test_a_file_loads_like_a_pack(tmp_path: Path) -> None:
    path = tmp_path / "esma-retail.yaml"
    path.write_text(loader.pack_text("esma-retail"), encoding="utf-8")
    assert loader.load(path) == loader.load(str(path)) == loader.load("esma-retail")


def test_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "small.yml"
    path.write_bytes(CAP.replace("\n", "\r\n").encode())
    assert loader.load(path).id == "small-cap"


def test_an_unknown_pack_lists_the_available_ones() -> None:
    assert _error_text("xyz") == f"unknown rule set 'xyz'; available: {PACKS}"
    assert _error_text("emir") == "unknown rule set 'emir'; did you mean emir-ccp?"
    assert _error_text("ESMA-Retail").endswith("; did you mean esma-retail?")
    assert _error_text("esma-retial").endswith("; did you mean esma-retail?")
    assert _error_text("").startswith("unknown rule set ''; available: ")


def test_a_pack_is_not_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("esma-retail").write_text("title: another", encoding="utf-8")
    assert loader.load("esma-retail").id == "esma-retail"


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    assert _error_text(path) == f"{path}: no such file; available rule sets: {PACKS}"


def test_a_directory_is_reported(tmp_path: Path) -> None:
    assert (
        _error_text(tmp_path)
        == f"{tmp_path}: expected a file, found a directory; name a file in it"
    )


def test_an_impossible_file_name_is_reported(tmp_path: Path) -> None:
    below_a_file = tmp_path / "file"
    below_a_file.touch()
    assert _error_text(f"{below_a_file}/x.yaml") == (
        f"{below_a_file}/x.yaml: cannot read the file (Not a directory); name another file"
    )
    assert _error_text("a\0b.yaml") == (
        "a\\x00b.yaml: cannot read the file (embedded null byte); name another file"
    )
    assert "cannot read the file (File name too long)" in _error_text("x" * 300 + ".yaml")


def test_bytes_that_are_not_utf8_are_reported_at_their_place(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"title: Caf\xe9\n")
    assert _error_text(path) == f"{path}:1:11: byte 0xe9 is not UTF-8; save the file as UTF-8"


def test_only_a_megabyte_of_a_large_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    tracemalloc.start()
    try:
        assert _error_text(path) == f"{path}:1:1: larger than 1 MB; split it into several files"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_duplicate_ids_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(CAP.replace("small-cap", "esma-retail"), encoding="utf-8")
    with pytest.raises(loader.RuleError) as caught:
        loader.load_all(("esma-retail", path))
    assert str(caught.value) == f"{path}: duplicate id esma-retail, also in esma-retail; remove one"
    assert [rule_set.id for rule_set in loader.load_all(("jfsa-retail", "esma-retail"))] == [
        "jfsa-retail",
        "esma-retail",
    ]


def test_the_source_of_a_pack_is_its_unmodified_text() -> None:
    assert "50%" in loader.pack_text("jfsa-retail")
    with pytest.raises(loader.RuleError, match=r"unknown rule set '\.\./model'"):
        loader.pack_text("../model")


def test_maintenance_may_be_absent_a_rate_or_a_fraction(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    rates = []
    maintenance = "  maintenance:\n    fraction_of_initial: 0.5\n"
    for text in ("", "  maintenance: {rate: 20%}\n", maintenance):
        path.write_text(CAP.replace(maintenance, text), encoding="utf-8")
        requirement = loader.load(path).requirement
        rates.append(str(getattr(requirement, "maintenance_rate")))  # noqa: B009 - a union
    assert rates == ["None", "0.20", "0.250"]


def test_a_scope_without_region_is_its_text(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(CAP, encoding="utf-8")
    assert loader.load(path).scope.text == "Everyone"


def test_the_same_text_compiles_to_the_same_digits() -> None:
    once, again = loader.load("harmonized-baseline"), loader.load("harmonized-baseline")
    assert repr(once) == repr(again)


@settings(max_examples=200)
@given(
    st.sampled_from([CAP, SCHEDULE]),
    st.integers(0, 900),
    st.integers(0, 12),
    st.one_of(
        st.binary(max_size=8),
        st.sampled_from(
            [b"null", b"[]", b"{}", b"- ", b": ", b"1e-99", b"1e99", b"0", b"-1", b"true", b"\n"]
        ),
    ),
)
def test_any_text_gives_lines_or_a_rule_set(
    tmp_path_factory: pytest.TempPathFactory, text: str, start: int, cut: int, insertion: bytes
) -> None:
    data = text.encode()
    path = tmp_path_factory.getbasetemp() / "mutated.yaml"
    path.write_bytes(data[:start] + insertion + data[start + cut :])
    lines = loader.check(path)
    for line in lines:
        assert line.startswith(f"{path}:")
        assert line.isprintable()
    if lines:
        with pytest.raises(loader.RuleError):
            loader.load(path)
    else:
        loader.load(path)


def test_the_worked_example_in_the_documentation_is_a_rule_set(tmp_path: Path) -> None:
    text = (DOCS / "rules.md").read_text(encoding="utf-8")
    example = text.partition("```yaml\n")[2].partition("```")[0]
    path = tmp_path / "my-cap.yaml"
    path.write_text(example, encoding="utf-8")
    assert loader.check(path) == []
    assert loader.load(path).requirement == Cap(Decimal("0.2"), Decimal("0.1"))
