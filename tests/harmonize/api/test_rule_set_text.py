"""Edits of the text of a rule set: what changes, and that nothing else does."""

from collections.abc import Mapping
from decimal import Decimal as D

import pytest

from harmonize.api.rule_set_text import RuleSetText, number_text
from harmonize.calibration.baseline import CalibratedClass, ClassTerms
from harmonize.calibration.tiers import FormulaTier
from harmonize.core.yaml_source import parse_yaml
from harmonize.policy.rule_set import Flag, FlagStatus
from rules.loader import pack_ids, pack_text

FLAG = Flag("v1", FlagStatus.CALIBRATED, "new: yes")
OTHER = Flag("pi", FlagStatus.DATED, "old")

TEXT = """\
id: x  # a comment
version: "1"
requirement:
  # before the classes
  classes:
    A:
      # inside
      rule: Bitcoin
      assets: [BTC]
  # after the classes
flags:
  - {field: pi, status: dated, note: old}  # first
  - field: v1
    status: calibrated
    note: >-
      Of two
      lines.
# last comment
examples:
  - text: one
    underlying: BTC
  - text: two
    underlying: ETH
"""


def class_of(
    name: str, *assets: str, rule: str = "Bitcoin"
) -> tuple[CalibratedClass, dict[str, str]]:
    terms = ClassTerms(name, assets, D("0.1"), D(5_000_000), (D(100),))
    tier = FormulaTier(D(100_000), D("0.1000066664"), D("0.0500133316"))
    return CalibratedClass(terms, assets, D("0.1"), (tier,), None, "", None, (), ()), {name: rule}


def value_of(text: str) -> Mapping[str, object]:
    value = parse_yaml(text, "x.yaml").value
    assert isinstance(value, dict)
    return value


def test_members_are_replaced_and_a_class_without_any_is_removed() -> None:
    two = TEXT.replace(
        "  # after", "    B:\n      rule: Ether\n      assets: [ETH, X-1]  # two\n  # after"
    )
    text = RuleSetText(two)
    text.set_members({"A": (), "B": ("ETH", "X-1", "BTC")})
    edited = text.edited()
    assert value_of(edited)["requirement"] == {
        "classes": {"B": {"rule": "Ether", "assets": ["ETH", "X-1", "BTC"]}}
    }
    assert "# two\n" in edited
    assert "  # after the classes\n" in edited
    text = RuleSetText(two)
    text.set_members({"A": ("BTC",), "B": ("ETH", "X-1")})
    assert text.edited() == two
    with pytest.raises(KeyError):
        RuleSetText(two).set_members({"C": ("SOL",)})


@pytest.mark.parametrize("pack", pack_ids())
def test_a_text_without_edits_is_unchanged(pack: str) -> None:
    assert RuleSetText(pack_text(pack)).edited() == pack_text(pack)


def test_the_version_alone_is_replaced() -> None:
    text = RuleSetText(TEXT)
    text.set_version("2026.03")
    assert text.edited() == TEXT.replace('"1"', '"2026.03"')


def test_classes_are_replaced_between_their_comments() -> None:
    text = RuleSetText(TEXT)
    class_, rules = class_of("B", "ETH", "币安人生", "null", "1INCH", rule="Large: from USD 5")
    text.set_classes([class_], rules)
    edited = text.edited()
    assert edited.startswith(TEXT[: TEXT.index("    A:")])
    assert edited.endswith(TEXT[TEXT.index("  # after") :])
    requirement = value_of(edited)["requirement"]
    assert requirement == {
        "classes": {
            "B": {
                "rule": "Large: from USD 5",
                "assets": ["ETH", "币安人生", "null", "1INCH"],
                "v1": D("0.1"),
                "adv_ref": 5_000_000,
                "tiers": [
                    {
                        "upper": 100_000,
                        "initial_rate": D("0.1000066664"),
                        "maintenance_rate": D("0.0500133316"),
                    }
                ],
            }
        }
    }


def test_classes_in_brackets_are_replaced_too() -> None:
    text = RuleSetText("requirement:\n  classes: {A: {rule: x}}\n  unlisted: y\n")
    class_, rules = class_of("B", "ETH")
    text.set_classes([class_], rules)
    requirement = value_of(text.edited())["requirement"]
    assert isinstance(requirement, dict)
    assert (list(requirement), list(requirement["classes"])) == (["classes", "unlisted"], ["B"])


def test_a_flag_replaces_the_one_of_its_field_and_status() -> None:
    text = RuleSetText(TEXT)
    text.set_flags([FLAG], [OTHER, FLAG])
    edited = text.edited()
    assert "  - {field: pi, status: dated, note: old}  # first\n" in edited
    assert edited.endswith(TEXT[TEXT.index("# last comment") :])
    assert value_of(edited)["flags"] == [
        {"field": "pi", "status": "dated", "note": "old"},
        {"field": "v1", "status": "calibrated", "note": "new: yes"},
    ]


def test_another_flag_is_added_after_the_last() -> None:
    text = RuleSetText(TEXT)
    added = Flag("inputs", FlagStatus.CALIBRATED, "n")
    text.set_flags([added], [])
    flags = value_of(text.edited())["flags"]
    assert isinstance(flags, list)
    assert flags[2:] == [{"field": "inputs", "status": "calibrated", "note": "n"}]
    assert flags[:2] == value_of(TEXT)["flags"]


@pytest.mark.parametrize(
    "text",
    [
        "id: x",
        "id: x\n",
        "id: x\nflags: []\n",
        "id: x\nflags: [{field: pi, status: dated, note: old}]\ntitle: y\n",
        "id: x\r\nflags:\r\n- {field: pi, status: dated, note: old}\r\n",
        "id: x\nflags:\n    -   field: pi\n        status: dated\n        note: old\n",
    ],
)
def test_flags_are_written_whatever_the_text_has(text: str) -> None:
    edits = RuleSetText(text)
    edits.set_flags([FLAG], [OTHER])
    assert value_of(edits.edited())["flags"] == [
        {"field": "pi", "status": "dated", "note": "old"},
        {"field": "v1", "status": "calibrated", "note": "new: yes"},
    ]


@pytest.mark.parametrize(
    ("removed", "left"), [((0,), ["two"]), ((1,), ["one"]), ((), ["one", "two"])]
)
def test_examples_are_removed_by_number(removed: tuple[int, ...], left: list[str]) -> None:
    bracketed = TEXT[: TEXT.index("examples:")] + "examples: [{text: one}, {text: two}]\n"
    for source in (TEXT, bracketed):
        text = RuleSetText(source)
        text.remove_examples(removed)
        examples = value_of(text.edited())["examples"]
        assert isinstance(examples, list)
        assert [example["text"] for example in examples] == left


def test_no_example_left_is_no_field() -> None:
    text = RuleSetText(TEXT)
    text.remove_examples((0, 1))
    assert text.edited() == TEXT[: TEXT.index("examples:")]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("5000000000", "5_000_000_000"),
        ("0.50", "0.5"),
        ("1.44E+10", "14_400_000_000"),
        ("2500.5", "2500.5"),
    ],
)
def test_numbers_are_written_without_exponent(number: str, expected: str) -> None:
    assert number_text(D(number)) == expected
