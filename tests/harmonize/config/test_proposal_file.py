"""Files of proposed schedules: YAML and CSV give the same tiers, and a problem has its place."""

from decimal import Decimal as D
from pathlib import Path

import pytest

from harmonize.comparison.proposal import Proposal, ProposedTier
from harmonize.config.proposal_file import Overrides, load
from harmonize.core.schedule import INFINITY, TierRule
from rules.loader import RuleError

YAML = """\
name: draft-venue
underlying: SOL
tier_rule: marginal
tiers:
  - {upper: 50_000, leverage: 125, maintenance_rate: 0.4%}
  - {upper: 1.5m, initial_rate: 2%, maintenance_rate: 1%}
  - {initial_rate: 0.5, maintenance_rate: 0.25}
"""
CSV = """\
Upper,initial_rate,leverage,maintenance_rate
50000,,125x,0.4%
"1.5m",2%,,0.01

,0.5,,25%
"""
PROPOSAL = Proposal(
    "draft-venue",
    "SOL",
    TierRule.MARGINAL,
    (
        ProposedTier(D(50_000), 1 / D(125), D("0.004")),
        ProposedTier(D(1_500_000), D("0.02"), D("0.01")),
        ProposedTier(INFINITY, D("0.5"), D("0.25")),
    ),
)
OPTIONS = Overrides("draft-venue", "SOL", "marginal")


def written(folder: Path, text: str, name: str = "p.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path, overrides: Overrides = Overrides()) -> list[str]:  # noqa: B008 - frozen
    with pytest.raises(RuleError) as caught:
        load(path, overrides)
    return [line.removeprefix(f"{path}:") for line in caught.value.lines]


def test_yaml_and_csv_give_the_same_proposal(tmp_path: Path) -> None:
    assert load(written(tmp_path, YAML)) == PROPOSAL
    assert load(written(tmp_path, CSV, "p.csv"), OPTIONS) == PROPOSAL
    with_semicolons = CSV.replace(",", ";").replace("\n", "\r\n")
    assert load(written(tmp_path, with_semicolons, "p.csv"), OPTIONS) == PROPOSAL


def test_options_take_precedence_and_the_file_names_the_rest(tmp_path: Path) -> None:
    path = written(tmp_path, "underlying: SOL\ntiers: [{leverage: 10}]\n", "my-draft.yaml")
    assert load(path) == Proposal(
        "my-draft", "SOL", TierRule.FLAT, (ProposedTier(INFINITY, D("0.1"), None),)
    )
    assert load(path, Overrides("x", "BTC", "marginal")).underlying == "BTC"


def test_every_problem_of_a_yaml_file_is_a_line_with_its_place(tmp_path: Path) -> None:
    text = "tiers:\n  - {upper: 100, initial_rate: 2%, leverage: 50}\n  - {upper: 50, maintenance_rate: 1}\n  - {initial_rate: 200%, maintenance_rate: 1%}\n  - {upper: five, leverage: 0.5, uper: 3}\n"
    lines = problems(written(tmp_path, text))
    expected = {
        "1:1: underlying: missing; add it, or use --underlying",
        "1:1: tier_rule: missing with several tiers; add 'tier_rule: flat' or 'tier_rule: marginal', or use --tier-rule",
        "2:46: tiers[0].leverage: expected initial_rate or leverage, found both; use one of the two",
        "2:5: tiers[0].maintenance_rate: missing, while other tiers have it; add it",
        "3:5: tiers[1].initial_rate: expected initial_rate or leverage, found neither; use one of the two",
        "3:13: tiers[1].upper: expected a bound above 100, that of the tier before, found 50; sort the tiers, or correct it",
        "4:5: tiers[2].upper: missing; add the upper bound, only the last tier may have none",
        "5:34: tiers[3].uper: unknown field; did you mean upper?",
    }
    assert expected <= set(lines)
    assert any(line.startswith("4:20: tiers[2].initial_rate: expected a number") for line in lines)
    assert any("tiers[3].upper: expected an amount in USD such as 5m" in line for line in lines)
    assert any("tiers[3].leverage: expected a leverage from 1 to 10,000" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1: unknown column ''; use upper, initial_rate, leverage, maintenance_rate"]),
        (
            "uper,leverage,leverage\n1,2,3\n",
            [
                "1:1: unknown column 'uper'; did you mean upper?",
                "1:15: repeats the column leverage; remove one",
            ],
        ),
        ("upper,leverage\n", ["2:1: expected a row per tier below the header, found none"]),
        (
            "upper,leverage\n5,2,9\n",
            ["2:5: expected 2 cells as in the header, found 3; remove some"],
        ),
        (
            'upper,leverage\n"5,2\n',
            ["2:1: unclosed quote; close it, a cell cannot contain a line end"],
        ),
        (
            "upper,leverage\n100,50\n  50 ,abc\n",
            [
                "3:1: tiers[1].upper: expected a bound above 100, that of the tier before, found 50; sort the tiers, or correct it",
                "3:7: tiers[1].leverage: expected a leverage from 1 to 10,000, such as 125, found 'abc'",
            ],
        ),
        (
            "initial_rate\n=1+1\n",
            [
                "2:1: tiers[0].initial_rate: expected a number such as 0.125, 12.5% or 5_000_000, found '=1+1'"
            ],
        ),
    ],
)
def test_every_problem_of_a_table_has_line_and_column(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    assert problems(written(tmp_path, text, "p.csv"), OPTIONS) == expected


def test_unsafe_or_unreadable_files_are_one_line(tmp_path: Path) -> None:
    tagged = written(tmp_path, "tiers: !!python/object/apply:os.system [ls]\n")
    assert len(problems(tagged)) == 1
    assert problems(written(tmp_path, "- 1\n")) == [
        "1:1: expected a mapping, found a list; begin with 'tiers:'"
    ]
    many = "tiers:\n" + "  - {upper: 5, leverage: 2}\n" * 1001
    assert any("expected at most 1,000 tiers" in x for x in problems(written(tmp_path, many)))
    with pytest.raises(RuleError, match=r"none\.yaml: no such file"):
        load(tmp_path / "none.yaml")
