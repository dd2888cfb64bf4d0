"""Inheritance of rule sets: inherited and replaced fields, and the place of each error."""

from decimal import Decimal as D
from pathlib import Path

import pytest

from harmonize.core.yaml_source import YamlSourceError
from harmonize.policy.rule_set import AdequacyLimits, Cap, CrossVenueLimits
from rules import loader
from rules.language import pages
from tests.rules.small import CAP, VARIANT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small-cap.yaml").write_text(CAP, encoding="utf-8")
    (tmp_path / "small-variant.yaml").write_text(VARIANT, encoding="utf-8")
    return tmp_path


def test_fields_are_inherited_and_overridden(folder: Path) -> None:
    rule_set = loader.load(folder / "small-variant.yaml")
    assert rule_set.requirement == Cap(D("0.25"), None)
    assert (rule_set.id, rule_set.title, rule_set.extends) == (
        *("small-variant", "Small variant"),
        "small-cap.yaml",
    )
    parent = loader.load(folder / "small-cap.yaml")
    assert rule_set.scope == parent.scope
    assert rule_set.citations == parent.citations
    assert rule_set.statutory is parent.statutory


def test_a_parent_file_is_relative_to_the_child(folder: Path) -> None:
    subfolder = folder / "below"
    subfolder.mkdir()
    (subfolder / "two.yaml").write_text(
        VARIANT.replace("small-cap.yaml", "../small-variant.yaml").replace("25%", "20%")
    )
    assert loader.load("below/two.yaml").requirement == Cap(D("0.20"), None)


def test_an_error_in_an_inherited_field_names_the_parent_file(folder: Path) -> None:
    (folder / "small-cap.yaml").write_text(CAP.replace("statutory: true", "statutory: perhaps"))
    assert loader.check("small-variant.yaml") == [
        "small-cap.yaml:13:12: statutory: expected true or false, found 'perhaps'"
    ]


def test_an_error_across_two_files_is_placed_in_the_child(folder: Path) -> None:
    variant = VARIANT.replace("maintenance: null", "maintenance: {rate: 30%}")
    (folder / "small-variant.yaml").write_text(variant)
    assert loader.check("small-variant.yaml") == [
        "small-variant.yaml:7:16: requirement.maintenance: expected either rate or fraction_of_initial, found both; remove one",
        "small-variant.yaml:7:23: requirement.maintenance.rate: expected at most initial_rate (0.25), found 0.30",
    ]


def test_about_is_not_inherited(folder: Path) -> None:
    (folder / "small-cap.yaml").write_text(CAP + "about: Of the cap alone.\n")
    assert loader.load("small-variant.yaml").about == ""


def test_a_parent_file_ends_in_yaml(folder: Path) -> None:
    (folder / "secret").write_text("a: 1")
    (folder / "small-variant.yaml").write_text(VARIANT.replace("small-cap.yaml", "./secret"))
    (line,) = loader.check("small-variant.yaml")
    assert line.startswith(
        "small-variant.yaml:4:10: extends: cannot load './secret': unknown rule set './secret'"
    )


def test_a_chain_that_is_too_long_is_rejected(folder: Path) -> None:
    for number in range(10):
        text = VARIANT.replace("small-cap.yaml", f"v{number + 1}.yaml")
        (folder / f"v{number}.yaml").write_text(text)
    with pytest.raises(YamlSourceError, match="chain of more than 8 rule sets"):
        loader.resolve("v0.yaml")


def test_a_circular_chain_names_its_files(folder: Path) -> None:
    (folder / "a.yaml").write_text(VARIANT.replace("small-cap", "b"))
    (folder / "b.yaml").write_text(VARIANT.replace("small-cap", "a"))
    (line,) = loader.check("a.yaml")
    assert line == "b.yaml:4:10: extends: circular chain: a.yaml -> b.yaml -> a.yaml; change one"


def test_a_circular_chain_is_detected_under_another_spelling(folder: Path) -> None:
    (folder / "a.yaml").write_text(VARIANT.replace("small-cap.yaml", "./x/../b.yaml"))
    (folder / "b.yaml").write_text(VARIANT.replace("small-cap.yaml", "x/../a.yaml"))
    (line,) = loader.check("a.yaml")
    assert line == "b.yaml:4:10: extends: circular chain: a.yaml -> b.yaml -> a.yaml; change one"


def test_null_removes_a_field_without_empty_form(folder: Path) -> None:
    """Flags are a list and inputs a mapping; neither may be null, both may be absent."""
    (folder / "small-cap.yaml").write_text(
        CAP + "flags:\n  - {field: scope, status: inference, note: A note.}\n"
    )
    assert loader.load("small-variant.yaml").flags
    (folder / "small-variant.yaml").write_text(VARIANT + "flags: null\n")
    assert loader.load("small-variant.yaml").flags == ()
    assert "flags: null" in pages.resolved_text(loader.resolve("small-variant.yaml"))
    (folder / "other.yaml").write_text(
        VARIANT.replace("small-variant", "other").replace("small-cap", "small-variant")
        + "flags: [{field: scope, status: practice, note: Again.}]\n"
    )
    assert [flag.status for flag in loader.load("other.yaml").flags] == ["practice"]


def test_cross_venue_limits_are_inherited_and_removed(folder: Path) -> None:
    text = """\
id: mine
version: "1"
title: Mine
extends: harmonized-baseline
cross_venue: {gap: 10%, saving: null}
"""
    (folder / "mine.yaml").write_text(text)
    limits = loader.load("mine.yaml").cross_venue
    assert limits == CrossVenueLimits(D("0.10"), D("0.5"), D(3), D(5), None, D(50))
    (folder / "mine.yaml").write_text(text.replace("{gap: 10%, saving: null}", "null"))
    assert loader.load("mine.yaml").cross_venue is None


def test_limits_on_tests_against_prices_are_inherited_and_removed(folder: Path) -> None:
    text = """\
id: mine
version: "1"
title: Mine
extends: emir-ccp
adequacy: {coverage_1d: 99.5%, coverage_significance: null}
"""
    (folder / "mine.yaml").write_text(text)
    limits = loader.load("mine.yaml").adequacy
    assert limits == AdequacyLimits(coverage_1d=D("0.995"), coverage_2d=D("0.99"))
    assert limits.coverage == {1: D("0.995"), 2: D("0.99"), 5: None}
    page = pages.rule_set_page(loader.load("mine.yaml"))
    assert "- coverage by IM over one day: at least 99.5 % (MH504)\n" in page
    assert "- coverage by IM over two days: at least 99 % (MH504)\n" in page
    assert "by chance" not in page
    (folder / "mine.yaml").write_text(
        text.replace("{coverage_1d: 99.5%, coverage_significance: null}", "null")
    )
    assert loader.load("mine.yaml").adequacy is None


def test_a_parent_that_is_not_yaml_is_reported_at_its_place(folder: Path) -> None:
    (folder / "small-cap.yaml").write_text("a: [1\n")
    (line,) = loader.check("small-variant.yaml")
    assert line.startswith("small-cap.yaml:1:4: invalid YAML")


def test_resolved_text_marks_inherited_fields(folder: Path) -> None:
    text = pages.resolved_text(loader.resolve(folder / "small-variant.yaml"))
    name = folder / "small-cap.yaml"
    assert f'kind: "cap"  # inherited from {name}\n' in text
    assert f"  initial_rate: 0.25  # replaces 0.50 in {name}\n" in text
    assert f"  maintenance: null  # replaces the value in {name}\n" in text
    assert 'title: "Small variant"\n' in text


@pytest.mark.parametrize("pack", loader.pack_ids())
def test_resolved_text_loads_as_the_same_rule_set(pack: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    text = pages.resolved_text(loader.resolve(pack))
    path.write_text(text.replace("extends:", "# extends:"), encoding="utf-8")
    rule_set, expected = loader.load(path), loader.load(pack)
    assert rule_set.requirement == expected.requirement
    assert (rule_set.scope, rule_set.tolerance, rule_set.citations) == (
        *(expected.scope, expected.tolerance),
        expected.citations,
    )


def test_a_rule_set_without_parent_has_no_comments() -> None:
    assert "#" not in pages.resolved_text(loader.resolve("uk-fca"))
