"""Rule files broken in one way each, and what is said of them: all of it, at its place."""

from pathlib import Path
from typing import NamedTuple

import pytest

from rules import loader
from tests.rules.small import CAP, SCHEDULE


class Broken(NamedTuple):
    """A right text, what is replaced in it, and the lines due."""

    name: str
    right: str
    edits: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]


BROKEN = (
    Broken(
        "id is no slug",
        CAP,
        (("small-cap", "Small Cap"),),
        (
            "r.yaml:1:5: id: must be lower-case words joined by hyphens, as in esma-retail, was 'Small Cap'",
        ),
    ),
    Broken(
        "version without quotes is a number",
        CAP,
        (('"1"', "2026.11"),),
        ("r.yaml:2:10: version: must be text, was 2026.11; put text in quotes",),
    ),
    Broken(
        "title is missing",
        CAP,
        (("title: Small cap\n", ""),),
        ("r.yaml:1:1: title: is missing; add it",),
    ),
    Broken(
        "title is blank",
        CAP,
        (("title: Small cap", "title: '  '"),),
        ("r.yaml:3:8: title: must be text that is not blank, was '  '",),
    ),
    Broken(
        "title is misspelt",
        CAP,
        (("title: Small cap", "titel: Small cap"),),
        (
            "r.yaml:1:1: title: is missing; add it",
            "r.yaml:3:1: titel: is no field here; did you mean title?",
        ),
    ),
    Broken(
        "a field that no rule set has",
        CAP,
        (("title: Small cap", "title: Small cap\ncolour: red"),),
        ("r.yaml:4:1: colour: is no field here; remove it",),
    ),
    Broken(
        "a field that belongs elsewhere",
        CAP,
        (("title: Small cap", "title: Small cap\nvia: a law"),),
        ("r.yaml:4:1: via: is no field here; move it to where it belongs",),
    ),
    Broken(
        "kind is missing",
        CAP,
        (("kind: cap\n", ""),),
        (
            "r.yaml:1:1: kind: is missing; add 'kind: cap', 'kind: schedule', 'kind: model' or 'kind: disclosure'",
        ),
    ),
    Broken(
        "kind is unknown, and more is wrong",
        CAP,
        (("kind: cap", "kind: rule"), ("50%", "50")),
        (
            "r.yaml:4:7: kind: must be 'cap', 'schedule', 'model' or 'disclosure', was 'rule'",
            "r.yaml:9:17: requirement.initial_rate: must be above 0 and at most 1 (0.125 or 12.5%), was 50",
        ),
    ),
    Broken(
        "kind is a list",
        CAP,
        (("kind: cap", "kind: [cap]"),),
        ("r.yaml:4:7: kind: must be 'cap', 'schedule', 'model' or 'disclosure', was a list",),
    ),
    Broken(
        "account classes are no list",
        CAP,
        (("[retail]", "retail"),),
        (
            "r.yaml:7:20: scope.account_classes: must be a list, was 'retail'; put its entries in [ ]",
        ),
    ),
    Broken(
        "account classes are no slugs",
        CAP,
        (("[retail]", "[Retail, 5]"),),
        (
            "r.yaml:7:21: scope.account_classes[0]: must be lower-case words joined by hyphens, as in esma-retail, was 'Retail'",
            "r.yaml:7:29: scope.account_classes[1]: must be text, was 5; put text in quotes",
        ),
    ),
    Broken(
        "scope is text",
        CAP,
        (("scope:\n  text: Everyone\n  account_classes: [retail]", "scope: everyone"),),
        (
            "r.yaml:5:8: scope: must be a mapping, was 'everyone'; write its fields below it, indented",
        ),
    ),
    Broken(
        "percent sign forgotten",
        CAP,
        (("50%", "50"),),
        (
            "r.yaml:9:17: requirement.initial_rate: must be above 0 and at most 1 (0.125 or 12.5%), was 50",
        ),
    ),
    Broken(
        "space before the percent sign",
        CAP,
        (("50%", "50 %"),),
        (
            "r.yaml:9:17: requirement.initial_rate: must be a number such as 0.125, 12.5% or 5_000_000, was '50 %'",
        ),
    ),
    Broken(
        "rate of zero",
        CAP,
        (("50%", "0"),),
        (
            "r.yaml:9:17: requirement.initial_rate: must be above 0 and at most 1 (0.125 or 12.5%), was 0",
        ),
    ),
    Broken(
        "rate in quotes",
        CAP,
        (("50%", "'0.5'"),),
        (
            "r.yaml:9:17: requirement.initial_rate: must be a number such as 0.125, 12.5% or 5_000_000, was '0.5'",
        ),
    ),
    Broken(
        "true is no rate",
        CAP,
        (("50%", "true"),),
        (
            "r.yaml:9:17: requirement.initial_rate: must be a number such as 0.125, 12.5% or 5_000_000, was true",
        ),
    ),
    Broken(
        "maintenance twice",
        CAP,
        (("fraction_of_initial: 0.5", "fraction_of_initial: 0.5\n    rate: 0.25"),),
        (
            "r.yaml:11:5: requirement.maintenance: must have either rate or fraction_of_initial; write one of them",
        ),
    ),
    Broken(
        "maintenance above initial",
        CAP,
        (("    fraction_of_initial: 0.5", "    rate: 0.6"),),
        (
            "r.yaml:11:11: requirement.maintenance.rate: must not be above initial_rate (0.50), was 0.6",
        ),
    ),
    Broken(
        "maintenance without a number",
        CAP,
        (("\n    fraction_of_initial: 0.5", " {}"),),
        (
            "r.yaml:10:16: requirement.maintenance: must have either rate or fraction_of_initial; write one of them",
        ),
    ),
    Broken(
        "meaning is unknown",
        CAP,
        (("margin call", "margin-call"),),
        (
            "r.yaml:12:22: maintenance_meaning: must be 'liquidation trigger', 'margin call' or 'clearing requirement', was 'margin-call'",
        ),
    ),
    Broken(
        "True is text",
        CAP,
        (("true", "True"),),
        ("r.yaml:13:12: statutory: must be true or false, was 'True'",),
    ),
    Broken(
        "tolerance is negative",
        CAP,
        (("relative: 0", "relative: -0.1"),),
        ("r.yaml:14:23: tolerance.relative: must be from 0 to 1 (0.15 or 15%), was -0.1",),
    ),
    Broken(
        "citations are empty",
        CAP,
        (
            (
                "citations:\n  - reference: A law\n    via: its text\n    verified: primary\n",
                "citations: []\n",
            ),
        ),
        ("r.yaml:15:12: citations: is empty; add an entry",),
    ),
    Broken(
        "citations are missing",
        CAP,
        (("citations:\n  - reference: A law\n    via: its text\n    verified: primary\n", ""),),
        ("r.yaml:1:1: citations: is missing; add it",),
    ),
    Broken(
        "verified in another word",
        CAP,
        (("primary", "checked"),),
        (
            "r.yaml:18:15: citations[0].verified: must be 'primary', 'secondary', 'unverified' or 'derived', was 'checked'",
        ),
    ),
    Broken(
        "citation without its copy",
        CAP,
        (("    via: its text\n", ""),),
        ("r.yaml:16:5: citations[0].via: is missing; add it",),
    ),
    Broken(
        "a date where text belongs",
        CAP,
        (("A law", "2018-03-27"),),
        ("r.yaml:16:16: citations[0].reference: must be text, was 2018-03-27; put text in quotes",),
    ),
    Broken(
        "a key twice",
        CAP,
        (("title: Small cap", "title: Small cap\ntitle: Again"),),
        ("r.yaml:4:1: key 'title' stands already in line 3; remove one",),
    ),
    Broken(
        "an anchor",
        CAP,
        (("title: Small cap", "title: &t Small cap"),),
        ("r.yaml:3:8: anchor &t is not allowed; remove it",),
    ),
    Broken(
        "a colon in bare text",
        CAP,
        (("title: Small cap", "title: Small: cap"),),
        (
            "r.yaml:3:13: not valid YAML: mapping values are not allowed here; put text that holds ': ' in quotes, or mend the indent",
        ),
    ),
    Broken(
        "a tab",
        CAP,
        (("title: Small cap", "\ttitle: Small cap"),),
        ("r.yaml:3:1: a tab; use spaces",),
    ),
    Broken(
        "nothing after a colon",
        CAP,
        (("title: Small cap", "title:"),),
        ("r.yaml:3:7: nothing is written here; write a value, null, or ''",),
    ),
    Broken(
        "not a number",
        CAP,
        (("0.0001", ".nan"),),
        ("r.yaml:14:36: .nan is not a finite number; write a number, or put it in quotes",),
    ),
    Broken(
        "an asset in small letters",
        SCHEDULE,
        (("BTC, ETH", "BTC, eth"),),
        (
            "r.yaml:13:21: requirement.classes.A.assets[1]: must be a ticker in capitals, as in BTC, was 'eth'",
        ),
    ),
    Broken(
        "NO is an asset and 42 is none",
        SCHEDULE,
        (("BTC, ETH", "BTC, NO, 42"),),
        (
            "r.yaml:13:25: requirement.classes.A.assets[2]: must be text, was 42; put text in quotes",
        ),
    ),
    Broken(
        "a class without assets",
        SCHEDULE,
        (("[BTC, ETH]", "[]"),),
        ("r.yaml:13:15: requirement.classes.A.assets: is empty; add an entry",),
    ),
    Broken(
        "an asset in two classes",
        SCHEDULE,
        (("[SOL]", "[SOL, BTC]"),),
        (
            "r.yaml:21:21: requirement.classes.B.assets[1]: 'BTC' is in class A already; list it once",
        ),
    ),
    Broken(
        "an asset twice in a class",
        SCHEDULE,
        (("BTC, ETH", "BTC, BTC"),),
        (
            "r.yaml:13:21: requirement.classes.A.assets[1]: 'BTC' is in class A already; list it once",
        ),
    ),
    Broken(
        "bounds that do not rise",
        SCHEDULE,
        (("upper: 2_000_000", "upper: 1_000_000"),),
        (
            "r.yaml:18:19: requirement.classes.A.tiers[1].upper: must be above the bound before it (1000000), was 1000000",
        ),
    ),
    Broken(
        "initial rates that fall",
        SCHEDULE,
        (("0.1002", "0.0999"),),
        (
            "r.yaml:18:44: requirement.classes.A.tiers[1].initial_rate: must not be below the rate of the tier before it (0.1001), was 0.0999",
        ),
    ),
    Broken(
        "maintenance rates that fall",
        SCHEDULE,
        (("0.0504", "0.0500"),),
        (
            "r.yaml:18:70: requirement.classes.A.tiers[1].maintenance_rate: must not be below the rate of the tier before it (0.0501), was 0.0500",
        ),
    ),
    Broken(
        "maintenance above initial in a tier",
        SCHEDULE,
        (("maintenance_rate: 0.0504}", "maintenance_rate: 0.1101}"),),
        (
            "r.yaml:18:70: requirement.classes.A.tiers[1].maintenance_rate: must not be above initial_rate (0.1002), was 0.1101",
        ),
    ),
    Broken(
        "marginal rate above one",
        SCHEDULE,
        (("0.1002", "1.2"),),
        (
            "r.yaml:18:44: requirement.classes.A.tiers[1].initial_rate: must be above 0 and at most 1 (0.125 or 12.5%), was 1.2",
        ),
    ),
    Broken(
        "a negative bound",
        SCHEDULE,
        (("upper: 2_000_000", "upper: -5"),),
        ("r.yaml:18:19: requirement.classes.A.tiers[1].upper: must be above 0, was -5",),
    ),
    Broken(
        "a bound under another name",
        SCHEDULE,
        (("upper: 2_000_000", "lower: 2_000_000"),),
        (
            "r.yaml:18:11: requirement.classes.A.tiers[1].upper: is missing; add it",
            "r.yaml:18:12: requirement.classes.A.tiers[1].lower: is no field here; remove it",
        ),
    ),
    Broken(
        "tiers that do not lead to the formula",
        SCHEDULE,
        (("v1: 0.1", "v1: 0.2"),),
        (
            "r.yaml:18:44: requirement.classes.A.tiers[1].initial_rate: tiers add up to 10.0150% of notional at 2000000, the formula gives 20.0266%; they must meet within 1%",
            "r.yaml:18:70: requirement.classes.A.tiers[1].maintenance_rate: tiers add up to 5.0250% of notional at 2000000, the formula gives 10.0532%; they must meet within 1%",
        ),
    ),
    Broken(
        "volume is missing",
        SCHEDULE,
        (("      adv_ref: 5_000_000_000\n", ""),),
        (
            "r.yaml:12:7: requirement.classes.A.adv_ref: is missing; the formula above the last tier needs it",
        ),
    ),
    Broken(
        "class name in small letters",
        SCHEDULE,
        (("    A:", "    a:"),),
        (
            "r.yaml:11:5: requirement.classes.a: must be a name that begins with a capital, as in A, was 'a'",
        ),
    ),
    Broken(
        "six hours beyond one day",
        SCHEDULE,
        (("maintenance_days: 0.25", "maintenance_days: 2"),),
        (
            "r.yaml:8:56: requirement.formula.maintenance_days: must not be above initial_days (1), was 2",
        ),
    ),
    Broken(
        "another word above the last tier",
        SCHEDULE,
        (("above_last_tier: formula", "above_last_tier: the sky"),),
        (
            "r.yaml:7:20: requirement.above_last_tier: must be 'formula', 'last rate' or 'nothing', was 'the sky'",
        ),
    ),
    Broken(
        "unlisted assets left open",
        SCHEDULE,
        (("unlisted: not observable", "unlisted: null"),),
        ("r.yaml:9:13: requirement.unlisted: must be 'not observable', was null",),
    ),
    Broken(
        "formula is missing",
        SCHEDULE,
        (("  formula: {pi: 5%, initial_days: 1, maintenance_days: 0.25}\n", ""),),
        (
            "r.yaml:7:3: requirement.formula: is missing; add it, or write 'above_last_tier: last rate'",
        ),
    ),
    Broken(
        "a class that is a number",
        SCHEDULE,
        (("    A:", "    A: 5\n    C:"),),
        (
            "r.yaml:11:8: requirement.classes.A: must be a mapping, was 5; write its fields below it, indented",
        ),
    ),
    Broken(
        "requirement is a number",
        SCHEDULE,
        (("requirement:", "requirement: 3\nrest:"),),
        (
            "r.yaml:6:14: requirement: must be a mapping, was 3; write its fields below it, indented",
            "r.yaml:7:1: rest: is no field here; did you mean rates?",
        ),
    ),
    Broken(
        "five errors of both sorts",
        SCHEDULE,
        (
            ("small-schedule", "Small"),
            ("upper: 2_000_000", "upper: 1_000_000"),
            ("[SOL]", "[BTC]"),
            ("derived", "sure"),
            ("statutory: false\n", ""),
        ),
        (
            "r.yaml:1:1: statutory: is missing; add it",
            "r.yaml:1:5: id: must be lower-case words joined by hyphens, as in esma-retail, was 'Small'",
            "r.yaml:18:19: requirement.classes.A.tiers[1].upper: must be above the bound before it (1000000), was 1000000",
            "r.yaml:21:16: requirement.classes.B.assets[0]: 'BTC' is in class A already; list it once",
            "r.yaml:31:15: citations[0].verified: must be 'primary', 'secondary', 'unverified' or 'derived', was 'sure'",
        ),
    ),
)


def _broken(one: Broken) -> str:
    text = one.right
    for old, new in one.edits:
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize("one", BROKEN, ids=lambda one: one.name)
def test_every_error_is_named_at_its_place(
    one: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(_broken(one), encoding="utf-8")
    assert loader.check("r.yaml") == list(one.lines)


@pytest.mark.parametrize("one", BROKEN, ids=lambda one: one.name)
def test_loading_names_the_first_error_and_counts_the_others(
    one: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(_broken(one), encoding="utf-8")
    others = len(one.lines) - 1
    more = f" (and {others} more)" if others else ""
    with pytest.raises(loader.RuleError) as caught:
        loader.load("r.yaml")
    assert str(caught.value) == one.lines[0] + more


@pytest.mark.parametrize("right", [CAP, SCHEDULE])
def test_the_texts_are_right_before_they_are_broken(right: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(right, encoding="utf-8")
    assert loader.check(path) == []


@pytest.mark.parametrize("text", ["- 1", "5", "2026-01-01", "hello", "null", "[]"])
def test_what_is_no_mapping_is_no_rule_set(text: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text, encoding="utf-8")
    (line,) = loader.check(path)
    assert line.startswith(f"{path}:1:1: a rule set must be a mapping, was ")
    assert line.endswith("; begin with 'id:'")


def test_every_missing_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("kind: cap\n", encoding="utf-8")
    fields = "citations id maintenance_meaning requirement scope statutory title tolerance version"
    assert loader.check(path) == [
        f"{path}:1:1: {one}: is missing; add it" for one in fields.split()
    ]
