"""Rule files with one error each, and the complete messages with their places."""

from pathlib import Path
from typing import NamedTuple

import pytest

from rules import loader
from tests.rules.small import CAP, SCHEDULE


class Broken(NamedTuple):
    """Valid text, the replacements that invalidate it, and the expected messages."""

    name: str
    valid: str
    edits: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]


BROKEN = (
    Broken(
        "id is no slug",
        CAP,
        (("small-cap", "Small Cap"),),
        (
            "r.yaml:1:5: id: expected lower-case words joined by hyphens, such as esma-retail, found 'Small Cap'",
        ),
    ),
    Broken(
        "version without quotes is a number",
        CAP,
        (('"1"', "2026.11"),),
        ("r.yaml:2:10: version: expected text, found 2026.11; put text in quotes",),
    ),
    Broken(
        "title is missing",
        CAP,
        (("title: Small cap\n", ""),),
        ("r.yaml:1:1: title: missing; add it",),
    ),
    Broken(
        "title is blank",
        CAP,
        (("title: Small cap", "title: '  '"),),
        ("r.yaml:3:8: title: expected non-blank text, found '  '",),
    ),
    Broken(
        "title is misspelt",
        CAP,
        (("title: Small cap", "titel: Small cap"),),
        (
            "r.yaml:1:1: title: missing; add it",
            "r.yaml:3:1: titel: unknown field; did you mean title?",
        ),
    ),
    Broken(
        "a field that no rule set has",
        CAP,
        (("title: Small cap", "title: Small cap\ncolour: red"),),
        ("r.yaml:4:1: colour: unknown field; remove it",),
    ),
    Broken(
        "a field that belongs elsewhere",
        CAP,
        (("title: Small cap", "title: Small cap\nvia: a law"),),
        ("r.yaml:4:1: via: unknown field; move it to the mapping that has this field",),
    ),
    Broken(
        "kind is missing",
        CAP,
        (("kind: cap\n", ""),),
        (
            "r.yaml:1:1: kind: missing; add 'kind: cap', 'kind: schedule', 'kind: model' or 'kind: disclosure'",
        ),
    ),
    Broken(
        "kind is unknown, and more is wrong",
        CAP,
        (("kind: cap", "kind: rule"), ("50%", "50")),
        (
            "r.yaml:4:7: kind: expected 'cap', 'schedule', 'model' or 'disclosure', found 'rule'",
            "r.yaml:9:17: requirement.initial_rate: expected a number above 0 and at most 1 (0.125 or 12.5%), found 50; write 50% for 50 %",
        ),
    ),
    Broken(
        "kind is a list",
        CAP,
        (("kind: cap", "kind: [cap]"),),
        ("r.yaml:4:7: kind: expected 'cap', 'schedule', 'model' or 'disclosure', found a list",),
    ),
    Broken(
        "account classes are no list",
        CAP,
        (("[retail]", "retail"),),
        (
            "r.yaml:7:20: scope.account_classes: expected a list, found 'retail'; put its entries in [ ]",
        ),
    ),
    Broken(
        "account classes are no slugs",
        CAP,
        (("[retail]", "[Retail, 5]"),),
        (
            "r.yaml:7:21: scope.account_classes[0]: expected 'any', 'retail', 'professional', 'corporate', 'classic', 'unified', 'portfolio', 'intraday' or 'overnight', found 'Retail'; did you mean retail?",
            "r.yaml:7:29: scope.account_classes[1]: expected 'any', 'retail', 'professional', 'corporate', 'classic', 'unified', 'portfolio', 'intraday' or 'overnight', found 5",
        ),
    ),
    Broken(
        "scope is text",
        CAP,
        (("scope:\n  text: Everyone\n  account_classes: [retail]", "scope: everyone"),),
        (
            "r.yaml:5:8: scope: expected a mapping, found 'everyone'; write its fields below it, indented",
        ),
    ),
    Broken(
        "percent sign forgotten",
        CAP,
        (("50%", "50"),),
        (
            "r.yaml:9:17: requirement.initial_rate: expected a number above 0 and at most 1 (0.125 or 12.5%), found 50; write 50% for 50 %",
        ),
    ),
    Broken(
        "per mille",
        CAP,
        (("50%", "500 ‰"),),
        (
            "r.yaml:9:17: requirement.initial_rate: expected a number such as 0.125, 12.5% or 5_000_000, found '500 ‰'",
        ),
    ),
    Broken(
        "rate of zero",
        CAP,
        (("50%", "0"),),
        (
            "r.yaml:9:17: requirement.initial_rate: expected a number above 0 and at most 1 (0.125 or 12.5%), found 0",
        ),
    ),
    Broken(
        "rate in quotes",
        CAP,
        (("50%", "'0.5'"),),
        (
            "r.yaml:9:17: requirement.initial_rate: expected a number such as 0.125, 12.5% or 5_000_000, found '0.5'",
        ),
    ),
    Broken(
        "true is no rate",
        CAP,
        (("50%", "true"),),
        (
            "r.yaml:9:17: requirement.initial_rate: expected a number such as 0.125, 12.5% or 5_000_000, found true",
        ),
    ),
    Broken(
        "maintenance twice",
        CAP,
        (("fraction_of_initial: 0.5", "fraction_of_initial: 0.5\n    rate: 0.25"),),
        (
            "r.yaml:11:5: requirement.maintenance: expected either rate or fraction_of_initial, found both; remove one",
        ),
    ),
    Broken(
        "maintenance above initial",
        CAP,
        (("    fraction_of_initial: 0.5", "    rate: 0.6"),),
        (
            "r.yaml:11:11: requirement.maintenance.rate: expected at most initial_rate (0.50), found 0.6",
        ),
    ),
    Broken(
        "maintenance without a number",
        CAP,
        (("\n    fraction_of_initial: 0.5", " {}"),),
        (
            "r.yaml:10:16: requirement.maintenance: expected either rate or fraction_of_initial, found neither; add one",
        ),
    ),
    Broken(
        "meaning is unknown",
        CAP,
        (("margin call", "margin-call"),),
        (
            "r.yaml:12:22: maintenance_meaning: expected 'liquidation trigger', 'margin call' or 'clearing requirement', found 'margin-call'; did you mean margin call?",
        ),
    ),
    Broken(
        "True is text",
        CAP,
        (("true", "True"),),
        ("r.yaml:13:12: statutory: expected true or false, found 'True'",),
    ),
    Broken(
        "tolerance is negative",
        CAP,
        (("relative: 0", "relative: -0.1"),),
        (
            "r.yaml:14:23: tolerance.relative: expected a number from 0 to 1 (0.15 or 15%), found -0.1",
        ),
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
        ("r.yaml:15:12: citations: empty; add an entry",),
    ),
    Broken(
        "citations are missing",
        CAP,
        (("citations:\n  - reference: A law\n    via: its text\n    verified: primary\n", ""),),
        ("r.yaml:1:1: citations: missing; add it",),
    ),
    Broken(
        "verified in another word",
        CAP,
        (("primary", "checked"),),
        (
            "r.yaml:18:15: citations[0].verified: expected 'primary', 'secondary', 'unverified' or 'derived', found 'checked'",
        ),
    ),
    Broken(
        "citation without its copy",
        CAP,
        (("    via: its text\n", ""),),
        ("r.yaml:16:5: citations[0].via: missing; add it",),
    ),
    Broken(
        "a date where text belongs",
        CAP,
        (("A law", "2018-03-27"),),
        (
            "r.yaml:16:16: citations[0].reference: expected text, found 2018-03-27; put text in quotes",
        ),
    ),
    Broken(
        "a key twice",
        CAP,
        (("title: Small cap", "title: Small cap\ntitle: Again"),),
        ("r.yaml:4:1: duplicate key 'title', first in line 3; remove one",),
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
            "r.yaml:3:13: invalid YAML: mapping values are not allowed here; put text that contains ': ' in quotes, or correct the indent",
        ),
    ),
    Broken(
        "a tab",
        CAP,
        (("title: Small cap", "\ttitle: Small cap"),),
        ("r.yaml:3:1: tab is not allowed; use spaces",),
    ),
    Broken(
        "nothing after a colon",
        CAP,
        (("title: Small cap", "title:"),),
        ("r.yaml:3:7: missing value; add a value, null or ''",),
    ),
    Broken(
        "not a number",
        CAP,
        (("0.0001", ".nan"),),
        ("r.yaml:14:36: expected a finite number, found .nan; use a number, or put it in quotes",),
    ),
    Broken(
        "an asset that is no name",
        SCHEDULE,
        (("BTC, ETH", "BTC, ' eth'"),),
        (
            "r.yaml:13:21: requirement.classes.A.assets[1]: expected an asset such as BTC, found ' eth'",
        ),
    ),
    Broken(
        "NO is an asset and 42 is none",
        SCHEDULE,
        (("BTC, ETH", "BTC, NO, 42"),),
        (
            "r.yaml:13:25: requirement.classes.A.assets[2]: expected an asset such as BTC, found 42; put it in quotes",
        ),
    ),
    Broken(
        "a class without assets",
        SCHEDULE,
        (("[BTC, ETH]", "[]"),),
        ("r.yaml:13:15: requirement.classes.A.assets: empty; add an entry",),
    ),
    Broken(
        "an asset in two classes",
        SCHEDULE,
        (("[SOL]", "[SOL, BTC]"),),
        (
            "r.yaml:21:21: requirement.classes.B.assets[1]: 'BTC' is already in class A; list it once",
        ),
    ),
    Broken(
        "an asset twice in a class",
        SCHEDULE,
        (("BTC, ETH", "BTC, BTC"),),
        (
            "r.yaml:13:21: requirement.classes.A.assets[1]: 'BTC' is already in class A; list it once",
        ),
    ),
    Broken(
        "bounds that do not rise",
        SCHEDULE,
        (("upper: 2_000_000", "upper: 1_000_000"),),
        (
            "r.yaml:18:19: requirement.classes.A.tiers[1].upper: expected a bound above the previous one (1000000), found 1000000",
        ),
    ),
    Broken(
        "initial rates that fall",
        SCHEDULE,
        (("0.1002", "0.0999"),),
        (
            "r.yaml:18:44: requirement.classes.A.tiers[1].initial_rate: expected at least the rate of the previous tier (0.1001), found 0.0999",
        ),
    ),
    Broken(
        "maintenance rates that fall",
        SCHEDULE,
        (("0.0504", "0.0500"),),
        (
            "r.yaml:18:70: requirement.classes.A.tiers[1].maintenance_rate: expected at least the rate of the previous tier (0.0501), found 0.0500",
        ),
    ),
    Broken(
        "maintenance above initial in a tier",
        SCHEDULE,
        (("maintenance_rate: 0.0504}", "maintenance_rate: 0.1101}"),),
        (
            "r.yaml:18:70: requirement.classes.A.tiers[1].maintenance_rate: expected at most initial_rate (0.1002), found 0.1101",
        ),
    ),
    Broken(
        "marginal rate above one",
        SCHEDULE,
        (("0.1002", "1.2"),),
        (
            "r.yaml:18:44: requirement.classes.A.tiers[1].initial_rate: expected a number above 0 and at most 1 (0.125 or 12.5%), found 1.2; write 1.2% for 1.2 %",
        ),
    ),
    Broken(
        "a negative bound",
        SCHEDULE,
        (("upper: 2_000_000", "upper: -5"),),
        (
            "r.yaml:18:19: requirement.classes.A.tiers[1].upper: expected a number above 0, found -5",
        ),
    ),
    Broken(
        "a bound under another name",
        SCHEDULE,
        (("upper: 2_000_000", "lower: 2_000_000"),),
        (
            "r.yaml:18:11: requirement.classes.A.tiers[1].upper: missing; add it",
            "r.yaml:18:12: requirement.classes.A.tiers[1].lower: unknown field; remove it",
        ),
    ),
    Broken(
        "tiers that do not lead to the formula",
        SCHEDULE,
        (("v1: 0.1", "v1: 0.2"),),
        (
            "r.yaml:18:44: requirement.classes.A.tiers[1].initial_rate: tiers sum to 10.0150% of notional at 2000000, the formula gives 20.0266%; change the rates until both agree within 1%",
            "r.yaml:18:70: requirement.classes.A.tiers[1].maintenance_rate: tiers sum to 5.0250% of notional at 2000000, the formula gives 10.0532%; change the rates until both agree within 1%",
        ),
    ),
    Broken(
        "volume is missing",
        SCHEDULE,
        (("      adv_ref: 5_000_000_000\n", ""),),
        (
            "r.yaml:12:7: requirement.classes.A.adv_ref: missing; add it for the formula above the last tier",
        ),
    ),
    Broken(
        "class name in small letters",
        SCHEDULE,
        (("    A:", "    a:"),),
        (
            "r.yaml:11:5: requirement.classes.a: expected a name that begins with a capital, such as A, found 'a'",
        ),
    ),
    Broken(
        "six hours beyond one day",
        SCHEDULE,
        (("maintenance_days: 0.25", "maintenance_days: 2"),),
        (
            "r.yaml:8:56: requirement.formula.maintenance_days: expected at most initial_days (1), found 2",
        ),
    ),
    Broken(
        "another word above the last tier",
        SCHEDULE,
        (("above_last_tier: formula", "above_last_tier: the sky"),),
        (
            "r.yaml:7:20: requirement.above_last_tier: expected 'formula', 'last rate' or 'nothing', found 'the sky'",
        ),
    ),
    Broken(
        "unlisted assets left open",
        SCHEDULE,
        (("unlisted: not observable", "unlisted: null"),),
        ("r.yaml:9:13: requirement.unlisted: expected 'not observable', found null",),
    ),
    Broken(
        "formula is missing",
        SCHEDULE,
        (("  formula: {pi: 5%, initial_days: 1, maintenance_days: 0.25}\n", ""),),
        ("r.yaml:7:3: requirement.formula: missing; add it, or use 'above_last_tier: last rate'",),
    ),
    Broken(
        "a class that is a number",
        SCHEDULE,
        (("    A:", "    A: 5\n    C:"),),
        (
            "r.yaml:11:8: requirement.classes.A: expected a mapping, found 5; write its fields below it, indented",
        ),
    ),
    Broken(
        "requirement is a number",
        SCHEDULE,
        (("requirement:", "requirement: 3\nrest:"),),
        (
            "r.yaml:6:14: requirement: expected a mapping, found 3; write its fields below it, indented",
            "r.yaml:7:1: rest: unknown field; did you mean rates?",
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
            "r.yaml:1:1: statutory: missing; add it",
            "r.yaml:1:5: id: expected lower-case words joined by hyphens, such as esma-retail, found 'Small'",
            "r.yaml:18:19: requirement.classes.A.tiers[1].upper: expected a bound above the previous one (1000000), found 1000000",
            "r.yaml:21:16: requirement.classes.B.assets[0]: 'BTC' is already in class A; list it once",
            "r.yaml:31:15: citations[0].verified: expected 'primary', 'secondary', 'unverified' or 'derived', found 'sure'",
        ),
    ),
)


def _broken(case: Broken) -> str:
    text = case.valid
    for old, new in case.edits:
        assert old in text
        text = text.replace(old, new, 1)
    return text


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_every_error_is_reported_at_its_place(
    case: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(_broken(case), encoding="utf-8")
    assert loader.check("r.yaml") == list(case.lines)


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_loading_reports_the_first_error_and_counts_the_others(
    case: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(_broken(case), encoding="utf-8")
    other_count = len(case.lines) - 1
    more = f" (and {other_count} more)" if other_count else ""
    with pytest.raises(loader.RuleError) as caught:
        loader.load("r.yaml")
    assert str(caught.value) == case.lines[0] + more


@pytest.mark.parametrize("valid", [CAP, SCHEDULE])
def test_the_unmodified_texts_are_valid(valid: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(valid, encoding="utf-8")
    assert loader.check(path) == []


@pytest.mark.parametrize("text", ["- 1", "5", "2026-01-01", "hello", "null", "[]"])
def test_a_rule_set_must_be_a_mapping(text: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text, encoding="utf-8")
    (line,) = loader.check(path)
    assert line.startswith(f"{path}:1:1: expected a rule set as a mapping, found ")
    assert line.endswith("; begin with 'id:'")


def test_every_missing_field_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("kind: cap\n", encoding="utf-8")
    fields = "citations id maintenance_meaning requirement scope statutory title tolerance version"
    assert loader.check(path) == [
        f"{path}:1:1: {field}: missing; add it" for field in fields.split()
    ]
