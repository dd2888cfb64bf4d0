"""Plausible ranges of measured inputs, by the words of their names."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from harmonize.policy.input_scale import InputKind, kind_of, range_problem
from harmonize.policy.inputs import (
    Input,
    Need,
    read_inputs,
    scale_notes,
    snapshot_of,
    unusable_reason,
)
from rules import loader

NOW = datetime(2026, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("var_99_1d_365d", InputKind.MOVE),
        ("es_975_10d", InputKind.MOVE),
        ("sigma_30d", InputKind.MOVE),
        ("realized_vol", InputKind.MOVE),
        ("adv_30d_median", InputKind.AMOUNT),
        ("oi_usd", InputKind.AMOUNT),
        ("funding_rate", InputKind.RATE),
        ("corr_btc_eth", InputKind.CORRELATION),
        ("vol_30d_annualised", InputKind.MOVE),
        ("dvol_last_day", InputKind.MOVE),
        ("dvol_30d_median", InputKind.MOVE),
        ("depth_10bp_30d_median", InputKind.AMOUNT),
        ("oi_venues_sum", InputKind.AMOUNT),
        ("corr_btc_365d", InputKind.CORRELATION),
        ("lower_tail_dependence_btc_365d", InputKind.DEPENDENCE),
        ("k", InputKind.OTHER),
    ],
)
def test_the_name_states_the_kind(name: str, kind: InputKind) -> None:
    assert kind_of(name) is kind


def test_every_input_of_the_packs_has_a_kind() -> None:
    names = {
        need.name
        for rule_set in loader.load_packs()
        for need in getattr(rule_set.requirement, "needs", ())
    }
    assert names
    assert {kind_of(name) for name in names} == {InputKind.MOVE}


@pytest.mark.parametrize(
    ("name", "number", "problem"),
    [
        ("var_99_1d_365d", "6.2", "6.2: a move of 620 %? write 0.062 or 6.2%"),
        ("es_99_1d", "1.01", "1.01: a move of 101 %? write 0.0101 or 1.01%"),
        ("var_99_1d", "620", "620: a move of 62000 %? write it as a share of 1 or with a percent sign"),
        ("haircut", "50", "50: a rate of 5000 %? write 0.5 or 50%"),
        ("var_99_1d", "1", ""),
        ("var_99_1d", "0", "expected a number above 0, found 0"),
        ("vol_annualized", "1.4", ""),
        ("vol_annualized", "80", "80: a move of 8000 %? write 0.8 or 80%"),
        ("adv_30d", "0", ""),
        ("oi", "-1", "expected an amount in USD of at least 0, found -1"),
        ("corr_1y", "-0.5", ""),
        ("corr_1y", "-50", "expected a correlation from -1 to 1, found -50"),
        ("vol_30d_annualised", "10", ""),
        ("vol_30d_annualised", "79", "79: a move of 7900 %? write 0.79 or 79%"),
        ("dvol_last_day", "1.6", ""),
        ("dvol_last_day", "40.23", "40.23: a move of 4023 %? write 0.4023 or 40.23%"),
        ("lower_tail_dependence_btc_365d", "0", ""),
        ("lower_tail_dependence_btc_365d", "1", ""),
        ("lower_tail_dependence_btc_365d", "44", "expected a tail dependence from 0 to 1, found 44"),
        ("lower_tail_dependence_btc_365d", "-0.1", "expected a tail dependence from 0 to 1, found -0.1"),
        ("depth_10bp_30d_median", "-1", "expected an amount in USD of at least 0, found -1"),
        ("k", "1000", ""),
        ("k", "-1", "expected a number above 0, found -1"),
        ("k", "NaN", "expected a finite number, found NaN"),
        ("var_1d", "Infinity", "expected a finite number, found Infinity"),
    ],
)  # fmt: skip
def test_a_number_outside_of_the_range_has_its_likely_mend(
    name: str, number: str, problem: str
) -> None:
    assert range_problem(name, D(number)) == problem


def test_the_upper_bound_of_a_large_move_can_exceed_one() -> None:
    assert not range_problem("var_99_2d", D("1.1"), D("0.9"))
    assert range_problem("var_99_2d", D("9.9"), D("0.09")).startswith("9.9: a move of 990 %?")


def measured(name: str, value: str, **changes: object) -> Input:
    return Input(name, "BTC", D(value), NOW, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("input_", "note"),
    [
        (
            measured("var_99_1d", "0.0004"),
            "0.0004 is a move of only 0.04 %; is it in another unit?",
        ),
        (measured("var_99_1d", "0.0005"), ""),
        (measured("adv_30d", "999"), "999 is an amount of only $999; is it in another unit?"),
        (
            measured("var_1d", "0.06", lower=D("0.01"), upper=D("0.07"), confidence=D("0.95")),
            "the interval 0.01 to 0.07 is unusually wide for 0.06",
        ),
        (
            measured("var_1d", "0.06", lower=D("0.05"), upper=D("0.31"), confidence=D("0.95")),
            "the interval 0.05 to 0.31 is unusually wide for 0.06",
        ),
        (
            measured("var_1d", "0.06", lower=D("0.06"), upper=D("0.06"), confidence=D("0.95")),
            "the interval 0.06 to 0.06 has no width",
        ),
        (
            measured("var_1d", "0.06", lower=D("0.05"), upper=D("0.07"), confidence=D("0.05")),
            "the confidence of 5 % is unusually low",
        ),
        (measured("var_1d", "0.06", lower=D("0.05"), upper=D("0.1"), confidence=D("0.95")), ""),
        (
            measured(
                "lower_tail_dependence_btc_365d",
                "0",
                lower=D(0),
                upper=D("0.2"),
                confidence=D("0.95"),
            ),
            "",
        ),
        (measured("k", "0.0000001"), ""),
    ],
)
def test_an_unusual_input_is_noted(input_: Input, note: str) -> None:
    expected = (f"input {input_.name} of BTC: {note}",) if note else ()
    assert scale_notes([input_]) == expected


def test_an_implausible_input_is_never_used() -> None:
    input_ = measured("var_1d", "6.2")
    need = Need("q", "var_1d", "m")
    reason = "var_1d of BTC is not used: 6.2: a move of 620 %? write 0.062 or 6.2%"
    assert unusable_reason(need, input_, "BTC", date(2026, 3, 3)) == reason
    with pytest.raises(ValueError, match=r"6\.2: a move of 620"):
        snapshot_of([input_], "a test")


def test_an_implausible_input_of_an_older_archive_is_a_defect() -> None:
    snapshot = snapshot_of([measured("k_1d", "6.2")], "a test")
    (payload,) = snapshot.payloads
    older = type(payload).of(
        payload.venue,
        payload.call,
        payload.observed_at,
        payload.provenance,
        payload.content.replace(b"k_1d", b"var_1d"),
    )
    snapshot = type(snapshot)(snapshot.venue, snapshot.observed_at, (older,), complete=False)
    inputs, (defect,) = read_inputs(snapshot)
    assert inputs == ()
    assert defect.reason == "not used: var_1d of BTC: 6.2: a move of 620 %? write 0.062 or 6.2%"
