"""Thresholds in the audit document: the figures of the answer, with what is missing and why."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import pytest

from harmonize.api.audit import Answer, AnswerOptions, Question, ThresholdScope, answer
from harmonize.api.threshold_recent import RECENT_DAYS
from harmonize.api.threshold_rows import threshold_section
from harmonize.api.threshold_terms import ThresholdsAnswer
from harmonize.api.thresholds import judge_thresholds
from harmonize.core.schedule import Unknown
from harmonize.document import ThresholdSection
from harmonize.text.messages import iso_utc
from harmonize.thresholds.choice import DefaultThreshold
from harmonize.thresholds.path import Model, Replacement, Tool

OPTIONS = AnswerOptions(thresholds=ThresholdScope.MODELS)
QUESTION = Question(underlyings=("LTC",), as_of=date(2026, 3, 25))


@cache
def judged() -> ThresholdsAnswer:
    return judge_thresholds(QUESTION)


@cache
def audited() -> Answer:
    return answer(replace(QUESTION, underlyings=("LTC", "WIF"), options=OPTIONS))


def test_an_audit_has_no_thresholds_unless_they_are_requested() -> None:
    assert answer(QUESTION).document.thresholds == ThresholdSection()


def test_an_audit_has_the_thresholds_of_its_underlyings_and_names_the_others() -> None:
    section = audited().document.thresholds
    assert section.rows == threshold_section(judged()).rows
    assert [row.underlying for row in section.without] == ["WIF"]
    reason = section.without[0].reason
    assert "prices of WIF" in reason
    assert f"thresholds: WIF: {reason}" in audited().missing


def test_an_audit_without_prices_says_that_there_is_no_threshold() -> None:
    found = answer(replace(QUESTION, underlyings=("WIF",), options=OPTIONS))
    assert found.document.thresholds == ThresholdSection()
    assert any(line.startswith("thresholds: ") for line in found.missing)


def test_the_row_of_an_underlying_states_threshold_reference_and_venues() -> None:
    (own,) = judged().assets
    (row,) = threshold_section(judged()).rows
    assert (row.underlying, row.day, row.reference) == ("LTC", "2026-03-25", own.reference)
    rates = sorted(rate.rate for rate in own.venues if isinstance(rate.rate, float))
    assert (row.venues, row.highest) == (len(rates), rates[-1])
    assert row.lowest == pytest.approx(rates[0])
    left_out = [rate for rate in row.venue_rates if rate.is_excluded]
    assert left_out
    assert all(rate.reason and rate.initial is None for rate in left_out)
    assert row.venues + row.venues_unknown + len(left_out) == len(own.venues)
    assert row.benchmark_replaced == (own.scores.replaced.days if own.scores.replaced else 0)
    chosen = judged().default
    assert isinstance(chosen, DefaultThreshold)
    (path,) = [
        p
        for p in own.scores.paths
        if (p.model, p.tool) == (chosen.candidate.model, chosen.candidate.tool)
    ]
    assert row.threshold == path.margin
    plain = {p.model.value: p.margin for p in own.scores.paths if p.tool is Tool.NONE}
    shown = {value.model: value.margin for value in row.values if value.tool == "none"}
    assert shown == {m: None if isinstance(v, Unknown) else v for m, v in plain.items()}
    assert [advice.sentence for advice in row.advice] == [a.sentence for a in own.advice]
    for shown_advice, advice in zip(row.advice, own.advice, strict=True):
        counts = (shown_advice.falling, shown_advice.staying, shown_advice.rising)
        assert sum(count or 0 for count in counts) == shown_advice.models
        assert shown_advice.threshold == advice.threshold
        assert (shown_advice.sample, shown_advice.certainty_text) == (
            advice.sample,
            advice.certainty_text,
        )


def test_each_venue_has_its_rate_and_the_date_of_its_table() -> None:
    (own,) = judged().assets
    (row,) = threshold_section(judged()).rows
    assert [rate.venue for rate in row.venue_rates] == [rate.venue for rate in own.venues]
    known = [rate for rate in row.venue_rates if rate.initial is not None]
    assert len(known) == row.venues
    for shown, rate in zip(row.venue_rates, own.venues, strict=True):
        assert shown.observed_at == iso_utc(rate.observed_at)
        assert shown.date_kind == rate.precision.kind.value
        assert (shown.observed_from == shown.observed_at) == rate.precision.is_exact
        assert (shown.initial is None) == bool(shown.reason)


def test_the_path_ends_with_the_threshold_and_the_fast_margin_of_the_row() -> None:
    (own,) = judged().assets
    section = threshold_section(judged())
    (row,) = section.rows
    last = date.fromisoformat(row.path.first_day) + timedelta(days=len(row.path.default) - 1)
    assert last.isoformat() == row.day
    assert row.path.default[-1] == pytest.approx(row.threshold, rel=1e-3)
    fast = {value.model: value.margin for value in row.values if value.tool == "none"}
    assert row.path.fast[-1] == fast[section.fast_model]
    assert len(row.path.default) >= RECENT_DAYS
    assert [loss.loss for loss in row.path.losses] == [loss.loss for loss in own.recent.losses]
    assert all(loss.side in {"long", "short"} for loss in row.path.losses)


def test_an_audit_has_the_report_card_of_the_calibration() -> None:
    review = audited().document.thresholds.review
    assert review is not None
    assert (review.rule_set, review.day) == ("harmonized-baseline", "2026-03-25")
    assert review.in_past


def test_models_are_cheapest_first_with_one_default() -> None:
    section = threshold_section(judged())
    costs = [row.mean_margin for row in section.models]
    assert costs == sorted(costs)
    assert len(costs) == len(judged().candidates)
    (default,) = [row for row in section.models if row.is_default]
    assert (default.model, default.tool) == (section.default_model, section.default_tool)
    assert (default.fails, default.is_calm) == ("", True)


def test_without_a_default_the_benchmark_is_shown_and_marked_as_such() -> None:
    section = threshold_section(replace(judged(), default=Unknown("none is calm")))
    assert (section.has_default, section.default_reason) == (False, "none is calm")
    assert section.default_model == "GARCH(1,1)-t, filtered"
    assert not [row for row in section.models if row.is_default]


def test_a_row_states_why_its_threshold_has_no_size() -> None:
    answer = judged()
    own = replace(answer.assets[0], volume=Unknown("no perpetual with volume"))
    sized, *_ = threshold_section(answer).rows
    (unsized,) = threshold_section(replace(answer, assets=(own,))).rows
    assert bool(sized.size_reason) == isinstance(answer.assets[0].volume, Unknown)
    assert unsized.size_reason == "no perpetual with volume"


def test_signals_name_the_underlyings_that_they_do_not_judge() -> None:
    states = tuple(replace(state, not_judged=("SOL",)) for state in judged().signals)
    section = threshold_section(replace(judged(), signals=states))
    assert [row.not_judged for row in section.signals] == [("SOL",)] * len(states)


def test_signals_and_episodes_keep_their_figures() -> None:
    section = threshold_section(judged())
    for row, state in zip(section.signals, judged().signals, strict=True):
        assert row.signal == state.signal
        assert [e.text for e in row.evidence] == [e.text for e in state.now]
        assert [e.fallback for e in row.evidence] == [e.fallback for e in state.now]
        if isinstance(state.record, Unknown):
            assert (row.signal, row.days, row.reason) == ("MH514", None, state.record.reason)
            continue
        assert (row.days, row.days_on, row.foretold) == (
            state.record.days,
            state.record.days_on,
            state.record.foretold,
        )
        p_value = state.record.confirming_p
        assert (row.runs, row.separate_runs, row.confirming_p) == (
            state.record.episodes,
            state.record.separate_runs,
            None if isinstance(p_value, Unknown) else p_value,
        )
        assert row.foresight == state.record.foresight.value
    for shown, own in zip(section.episodes, judged().episodes, strict=True):
        assert (shown.episode, len(shown.models)) == (own.name, len(own.models))
        assert bool(shown.venue_reason) == isinstance(own.venue, Unknown)
        assert [m.fallback for m in shown.models] == [m.fallback for m in own.models]


def test_what_stands_in_place_of_a_model_is_in_its_rows() -> None:
    (own,) = judged().assets
    words = Replacement(Model.GARCH, Model.FILTERED_94, 1, 1)
    paths = tuple(
        replace(p, replaced=words if p.model is Model.GARCH else None) for p in own.scores.paths
    )
    share = Replacement(Model.GARCH, Model.FILTERED_94, 12, own.scores.days)
    scores = replace(own.scores, paths=paths, replaced=share)
    section = threshold_section(replace(judged(), assets=(replace(own, scores=scores),)))
    named = {v.model: v.fallback for v in section.rows[0].values if v.fallback}
    assert named == {Model.GARCH.value: str(words)}
    assert section.notes[-1].startswith("the benchmark is EWMA 0.94, filtered, in place of GARCH")
    assert section.notes[-1].endswith(f"LTC 12 of {own.scores.days:,}")
    assert threshold_section(judged()).notes == judged().notes
