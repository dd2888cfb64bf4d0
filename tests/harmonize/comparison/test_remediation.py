"""The smallest change complies, and no smaller change does."""

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harmonize.comparison.remediation import (
    Lines,
    RequiredMargin,
    TierChange,
    lines,
    remedy,
    tier_changes,
)

INFINITE = float("inf")
CAP = ((0.0, INFINITE, 0.0, 0.5),)


def flat_lines(*rows: tuple[float, float]) -> Lines:
    pieces, lower = [], 0.0
    for upper, rate in rows:
        pieces.append((lower, upper, 0.0, rate))
        lower = upper
    return tuple(pieces)


def marginal_lines(*rows: tuple[float, float]) -> Lines:
    pieces, lower, margin = [], 0.0, 0.0
    for upper, rate in rows:
        pieces.append((lower, upper, margin - rate * lower, rate))
        margin += rate * (upper - lower)
        lower = upper
    return tuple(pieces)


def value(function: Lines, notional: float) -> float:
    for _, upper, fixed, rate in function:
        if notional <= upper:
            return fixed + rate * notional
    raise LookupError(notional)


def applied(own: Lines, changes: tuple[TierChange, ...], build: object) -> Lines:
    new_rates = {change.tier: change.required for change in changes}
    rows = [(upper, new_rates.get(n, rate)) for n, (_, upper, _, rate) in enumerate(own, start=1)]
    return flat_lines(*rows) if build is flat_lines else marginal_lines(*rows)


def complies(own: Lines, required: RequiredMargin, slack: float) -> bool:
    ends = sorted(
        {line[1] for line in (*own, *required.reference) if line[1] < INFINITE} | {required.limit}
    )
    notionals = [1.0, *ends, *(end * (1 + 1e-12) for end in ends), required.floor * (1 + 1e-12)]
    notionals += [
        low + share * (high - low) for low, high in pairwise([0.0, *ends]) for share in (0.3, 0.7)
    ]
    return all(
        value(own, at)
        >= required.factor * value(required.reference, at)
        - required.absolute * at
        - slack * value(required.reference, at)
        for at in notionals
        if required.floor < at <= required.limit and at <= own[-1][1]
    )


rows = st.lists(st.tuples(st.floats(1.0, 1e6), st.floats(0.001, 0.9)), min_size=1, max_size=5).map(
    lambda tiers: tuple((sum(w for w, _ in tiers[: n + 1]), r) for n, (_, r) in enumerate(tiers))
)
references = st.tuples(
    st.sampled_from([marginal_lines, flat_lines]),
    st.lists(st.tuples(st.floats(1.0, 1e6), st.floats(0.01, 0.9)), max_size=3),
).map(
    lambda pair: pair[0](
        *(
            (sum(w for w, _ in pair[1][: n + 1]), r)
            for n, (_, r) in enumerate(sorted(pair[1], key=lambda tier: tier[1]))
        ),
        (1e12, 0.95),
    )
)


@pytest.mark.parametrize("build", [flat_lines, marginal_lines])
@settings(max_examples=300)
@given(
    rows, references, st.floats(0.5, 1.0), st.floats(0, 0.001), st.sampled_from([0.0, 5e5, -1.0])
)
def test_the_change_complies_and_none_of_its_rates_can_be_lower(  # noqa: PLR0913, PLR0917
    build: object,
    tiers: tuple[tuple[float, float], ...],
    reference: Lines,
    factor: float,
    absolute: float,
    floor: float,
) -> None:
    own = flat_lines(*tiers) if build is flat_lines else marginal_lines(*tiers)
    assume(build is marginal_lines or len(tiers) == 1 or len({rate for _, rate in tiers}) > 1)
    if floor < 0.0:  # at a bound of the schedule itself
        floor = own[len(own) // 2][0]
    required = RequiredMargin(reference, factor, absolute, floor, own[-1][1])
    changes = tier_changes(own, required)
    raised = applied(own, changes, build)
    assert complies(raised, required, 1e-9)
    if not changes:
        assert complies(own, required, 1e-9)
    before = 0.0
    for change in changes:
        if change.required > before * (1 + 1e-9):  # otherwise it follows the tier before it
            lower = tuple(
                TierChange(
                    other.tier,
                    other.rate,
                    other.required * (1 - 1e-4) if other is change else other.required,
                )
                for other in changes
            )
            assert not complies(applied(own, lower, build), required, 1e-13)
        before = max(before, change.required)


@pytest.mark.parametrize("bound", [1.0, 1.0000000000000002, 0.9999999999999999])
def test_a_bound_that_differs_by_rounding_is_the_same_bound(bound: float) -> None:
    own = marginal_lines((1.0, 0.5), (2.0, 0.5))
    required = RequiredMargin(flat_lines((bound, 0.01), (1e12, 0.95)), 1.0, 0.0, 0.0, 2.0)
    changes = tier_changes(own, required)
    assert [change.tier for change in changes] == [1, 2]
    assert [change.required for change in changes] == pytest.approx([0.95, 0.95])


def test_one_tier_is_raised_or_its_bound_lowered() -> None:
    own = flat_lines((1_000_000, 0.01), (2_000_000, 0.02), (5_000_000, 0.05))
    reference = marginal_lines((800_000, 0.01), (5_000_000, 0.025))
    required = RequiredMargin(reference, 1.0, 0.0, 0.0, 5_000_000.0)
    assert [change.tier for change in tier_changes(own, required)] == [1]
    # At 1,000,000 the reference is 8,000 + 5,000 = 13,000: 1.3 %.
    text = remedy(own, required, [(800_000.0, 1_000_000.0)], -0.23)
    assert text == "raise tier 1 from 1.0 % to 1.3 %, or lower its bound to $800,000"


def test_an_earlier_slice_is_raised_where_the_required_margin_jumps() -> None:
    own = marginal_lines((1_000_000, 0.01), (2_000_000, 0.03))
    required = RequiredMargin(
        flat_lines((1_000_000, 0.01), (2_000_000, 0.02)), 1.0, 0.0, 0.0, 2_000_000.0
    )
    # Just above 1,000,000 the reference asks 20,000: 2.0 % of the first slice.
    (first,) = tier_changes(own, required)
    assert first.tier == 1
    assert first.required == pytest.approx(0.02)


def test_a_rate_above_100_percent_is_not_proposed() -> None:
    own = marginal_lines((1_000, 0.5), (1_001, 0.5), (2_000_000, 0.9))
    required = RequiredMargin(
        flat_lines((1_000, 0.5), (1_001, 0.5), (2_000_000, 0.9)), 1.0, 0.0, 0.0, 2e6
    )
    text = remedy(own, required, [(1_001.0, 2e6)], -0.4)
    assert text == "raise the margin by 66.67 % at every size"


def test_a_bound_is_lowered_only_where_the_next_tier_is_enough_there() -> None:
    own = flat_lines((1_000_000, 0.01), (2_000_000, 0.012))
    required = RequiredMargin(
        marginal_lines((400_000, 0.01), (2_000_000, 0.02)), 1.0, 0.0, 0.0, 900_000.0
    )
    text = remedy(own, required, [(400_000.0, 900_000.0)], -0.2)
    assert text == "raise tier 1 from 1.0 % to 1.556 %, or take no position above $400,000"


def test_a_smaller_largest_position_is_the_alternative() -> None:
    own = flat_lines((1_000_000, 0.5), (2_000_000, 0.4), (5_000_000, 0.3))
    required = RequiredMargin(CAP, 1.0, 0.0, 0.0, 5_000_000.0)
    text = remedy(own, required, [(1_000_000.0, 5_000_000.0)], -0.4)
    assert text == (
        "raise tiers 2 to 3 from 40.0 % … 30.0 % to 50.0 %, or take no position above $1,000,000"
    )


def test_many_tiers_are_summarized() -> None:
    own = marginal_lines((1e5, 0.01), (1e6, 0.02), (1e7, 0.03), (1e8, 0.04))
    reference = marginal_lines((1e5, 0.1), (1e6, 0.11), (1e7, 0.12), (1e8, 0.13))
    text = remedy(own, RequiredMargin(reference, 1.0, 0.0, 0.0, 1e8), [(0.0, 1e8)], -0.9)
    assert text == (
        "raise tier 1 from 1.0 % to 10.0 %, tier 2 from 2.0 % to 11.0 % and 2 more, "
        "up to tier 4 from 4.0 % to 13.0 %"
    )


def test_a_printed_rate_is_rounded_to_the_side_that_complies() -> None:
    own = flat_lines(
        (1e6, 0.01),
    )
    required = RequiredMargin(((0.0, INFINITE, 0.0, 0.123451),), 1.0, 0.0, 0.0, 1e6)
    assert remedy(own, required, [(0.0, 1e6)], -0.9) == "raise tier 1 from 1.0 % to 12.35 %"


def test_a_curve_is_raised_as_a_whole() -> None:
    required = RequiredMargin(CAP, 1.0, 0.0, 0.0, 1e6)
    assert (
        remedy(None, required, [(0.0, 1e6)], -0.75)
        == "raise the margin to 4 times its amount at every size"
    )


def test_curves_and_jumps_are_not_tiers() -> None:
    assert lines([(0.0, 1.0, 0.0, 0.1, 0.5, 2.0)]) is None  # a curve
    assert (
        lines([(0.0, 10.0, 0.0, 0.1, 0.0, 2.0), (10.0, 20.0, 5.0, 0.1, 0.0, 2.0)]) is None
    )  # a jump
    assert lines([(0.0, 10.0, 0.0, 0.1, 0.0, 2.0), (10.0, 20.0, -1.0, 0.2, 0.0, 2.0)]) is not None


def test_a_schedule_that_complies_needs_no_change() -> None:
    own = flat_lines(
        (1e6, 0.6),
    )
    assert remedy(own, RequiredMargin(CAP, 1.0, 0.0, 0.0, 1e6), [], 0.2) == ""


def test_tiers_of_one_rate_are_raised_so_that_either_reading_complies() -> None:
    own = flat_lines((1e6, 0.02), (2e6, 0.02))
    reference = marginal_lines((1e6, 0.02), (2e6, 0.04))
    required = RequiredMargin(reference, 1.0, 0.0, 0.0, 2e6)
    changes = tier_changes(own, required)
    assert changes == (TierChange(2, 0.02, 0.04),)
    for build in (flat_lines, marginal_lines):
        assert complies(applied(own, changes, build), required, 1e-12)
