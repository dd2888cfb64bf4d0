"""Stress in an audit: rows for the baseline's underlyings, findings, and none unless requested."""

from harmonize.api.audit import AnswerOptions, Question, Selection, StressScope, answer
from harmonize.document import from_json, to_json

SELECTION = Selection(
    venues=("binance", "hyperliquid"), underlyings=("BTC", "SUI"), rules=("harmonized-baseline",)
)


def test_an_audit_has_stress_only_if_requested() -> None:
    document = answer(Question.of(SELECTION, AnswerOptions())).document
    assert document.stress == ()
    assert document.stress_omitted == ()
    assert not [finding for finding in document.findings if finding.code.startswith("MH55")]


def test_an_audit_simulates_the_underlyings_with_open_interest_and_a_class() -> None:
    question = Question.of(SELECTION, AnswerOptions(stress=StressScope.SIMULATED))
    document = answer(question).document
    (row,) = document.stress  # SUI has no observed open interest
    assert row.underlying == "BTC"
    assert row.shock == 0.1
    assert {venue.venue for venue in row.venues} == {"binance", "hyperliquid"}
    assert {effect.rule_set for effect in row.effects} == {"harmonized-baseline"}
    names = {"reference", "reference=im", "reference=mm"}  # as in the output of the command
    assert {effect.what_if for effect in row.effects} == names
    assert {own.what_if for own in row.reactions} == names
    assert {own.what_if for own in row.changed} == names
    found = {finding.code for finding in document.findings if finding.code.startswith("MH55")}
    assert {"MH551", "MH555"} <= found
    (assumed,) = [finding for finding in document.findings if finding.code == "MH555"]
    assert "assumed on 1 of 2 venues (binance)" in assumed.message
    assert from_json(to_json(document)).stress == document.stress
    assert document.stress_omitted == ()  # of the selected ones, none has open interest


def test_underlyings_with_open_interest_and_without_a_class_are_listed() -> None:
    selection = Selection(venues=("hyperliquid",), rules=("harmonized-baseline",))
    document = answer(Question.of(selection, AnswerOptions(stress=StressScope.SIMULATED))).document
    assert "HYPE" not in {row.underlying for row in document.stress}
    (hype,) = [row for row in document.stress_omitted if row.underlying == "HYPE"]
    assert hype.reason == "no selected rule set has a class for it"
    assert hype.open_interest > 1e8
    known = {row.underlying for row in document.stress}
    known |= {row.underlying for row in document.stress_omitted}
    assert known == {"BTC", "DOGE", "ETH", "HYPE", "SOL"}
    assert from_json(to_json(document)).stress_omitted == document.stress_omitted
