"""Rule sets that vary another: what is taken, what is replaced, and where each line stands."""

from decimal import Decimal as D
from pathlib import Path

import pytest

from harmonize.core.yaml_source import WrittenError
from harmonize.policy.rule_set import Cap, CrossVenue
from rules import loader
from rules.language import pages
from tests.rules.small import CAP, VARIANT


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small-cap.yaml").write_text(CAP, encoding="utf-8")
    (tmp_path / "small-variant.yaml").write_text(VARIANT, encoding="utf-8")
    return tmp_path


def test_fields_are_taken_and_overridden(here: Path) -> None:
    found = loader.load(here / "small-variant.yaml")
    assert found.requirement == Cap(D("0.25"), None)
    assert (found.id, found.title, found.extends) == (
        *("small-variant", "Small variant"),
        "small-cap.yaml",
    )
    parent = loader.load(here / "small-cap.yaml")
    assert found.scope == parent.scope
    assert found.citations == parent.citations
    assert found.statutory is parent.statutory


def test_a_file_is_sought_beside_the_one_that_names_it(here: Path) -> None:
    below = here / "below"
    below.mkdir()
    (below / "two.yaml").write_text(
        VARIANT.replace("small-cap.yaml", "../small-variant.yaml").replace("25%", "20%")
    )
    assert loader.load("below/two.yaml").requirement == Cap(D("0.20"), None)


def test_an_error_in_what_is_inherited_names_the_file_to_mend(here: Path) -> None:
    (here / "small-cap.yaml").write_text(CAP.replace("statutory: true", "statutory: perhaps"))
    assert loader.check("small-variant.yaml") == [
        "small-cap.yaml:13:12: statutory: expected true or false, found 'perhaps'"
    ]


def test_an_error_across_two_files_is_told_in_the_one_that_was_named(here: Path) -> None:
    variant = VARIANT.replace("maintenance: null", "maintenance: {rate: 30%}")
    (here / "small-variant.yaml").write_text(variant)
    assert loader.check("small-variant.yaml") == [
        "small-variant.yaml:7:16: requirement.maintenance: expected either rate or fraction_of_initial, found both; remove one",
        "small-variant.yaml:7:23: requirement.maintenance.rate: expected at most initial_rate (0.25), found 0.30",
    ]


def test_what_speaks_of_one_rule_set_alone_is_not_inherited(here: Path) -> None:
    (here / "small-cap.yaml").write_text(CAP + "about: Of the cap alone.\n")
    assert loader.load("small-variant.yaml").about == ""


def test_a_file_to_extend_ends_in_yaml(here: Path) -> None:
    (here / "secret").write_text("a: 1")
    (here / "small-variant.yaml").write_text(VARIANT.replace("small-cap.yaml", "./secret"))
    (line,) = loader.check("small-variant.yaml")
    assert line.startswith(
        "small-variant.yaml:4:10: extends: cannot load './secret': unknown rule set './secret'"
    )


def test_a_chain_that_is_too_long_is_refused(here: Path) -> None:
    for number in range(10):
        text = VARIANT.replace("small-cap.yaml", f"v{number + 1}.yaml")
        (here / f"v{number}.yaml").write_text(text)
    with pytest.raises(WrittenError, match="chain of more than 8 rule sets"):
        loader.resolved("v0.yaml")


def test_a_circle_names_its_files(here: Path) -> None:
    (here / "a.yaml").write_text(VARIANT.replace("small-cap", "b"))
    (here / "b.yaml").write_text(VARIANT.replace("small-cap", "a"))
    (line,) = loader.check("a.yaml")
    assert line == "b.yaml:4:10: extends: circular chain: a.yaml -> b.yaml -> a.yaml; change one"


def test_a_circle_by_another_spelling_is_one_too(here: Path) -> None:
    (here / "a.yaml").write_text(VARIANT.replace("small-cap.yaml", "./x/../b.yaml"))
    (here / "b.yaml").write_text(VARIANT.replace("small-cap.yaml", "x/../a.yaml"))
    (line,) = loader.check("a.yaml")
    assert line == "b.yaml:4:10: extends: circular chain: a.yaml -> b.yaml -> a.yaml; change one"


def test_null_takes_away_what_has_no_empty_form(here: Path) -> None:
    """Flags are a list and inputs a mapping: neither may be null, both may be absent."""
    (here / "small-cap.yaml").write_text(
        CAP + "flags:\n  - {field: scope, status: narrow, note: A note.}\n"
    )
    assert loader.load("small-variant.yaml").flags
    (here / "small-variant.yaml").write_text(VARIANT + "flags: null\n")
    assert loader.load("small-variant.yaml").flags == ()
    assert "flags: null" in pages.resolved_text(loader.resolved("small-variant.yaml"))
    (here / "other.yaml").write_text(
        VARIANT.replace("small-variant", "other").replace("small-cap", "small-variant")
        + "flags: [{field: scope, status: wide, note: Again.}]\n"
    )
    assert [one.status for one in loader.load("other.yaml").flags] == ["wide"]


def test_limits_across_venues_are_inherited_and_taken_away(here: Path) -> None:
    text = """\
id: mine
version: "1"
title: Mine
extends: harmonized-baseline
cross_venue: {gap: 10%, saving: null}
"""
    (here / "mine.yaml").write_text(text)
    found = loader.load("mine.yaml").cross_venue
    assert found == CrossVenue(D("0.10"), D("0.5"), D(3), D(5), None, D(50))
    (here / "mine.yaml").write_text(text.replace("{gap: 10%, saving: null}", "null"))
    assert loader.load("mine.yaml").cross_venue is None


def test_a_parent_that_is_no_yaml_is_told_at_its_place(here: Path) -> None:
    (here / "small-cap.yaml").write_text("a: [1\n")
    (line,) = loader.check("small-variant.yaml")
    assert line.startswith("small-cap.yaml:1:4: invalid YAML")


def test_resolved_text_says_where_each_field_comes_from(here: Path) -> None:
    text = pages.resolved_text(loader.resolved(here / "small-variant.yaml"))
    name = here / "small-cap.yaml"
    assert f'kind: "cap"  # inherited from {name}\n' in text
    assert f"  initial_rate: 0.25  # replaces 0.50 in {name}\n" in text
    assert f"  maintenance: null  # replaces the value in {name}\n" in text
    assert 'title: "Small variant"\n' in text


@pytest.mark.parametrize("pack", loader.packs())
def test_resolved_text_is_the_same_rule_set(pack: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    text = pages.resolved_text(loader.resolved(pack))
    path.write_text(text.replace("extends:", "# extends:"), encoding="utf-8")
    found, due = loader.load(path), loader.load(pack)
    assert found.requirement == due.requirement
    assert (found.scope, found.tolerance, found.citations) == (
        *(due.scope, due.tolerance),
        due.citations,
    )


def test_a_rule_set_that_stands_alone_has_no_comments() -> None:
    assert "#" not in pages.resolved_text(loader.resolved("uk-fca"))
