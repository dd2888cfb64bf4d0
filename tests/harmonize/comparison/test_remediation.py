"""The smallest change complies when it is made, and nothing smaller does."""

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harmonize.comparison.remediation import Change, Due, Lines, lines, raised, remedy

INFINITE = float("inf")
CAP = ((0.0, INFINITE, 0.0, 0.5),)


def flat_lines(*rows: tuple[float, float]) -> Lines:
    found, lower = [], 0.0
    for upper, rate in rows:
        found.append((lower, upper, 0.0, rate))
        lower = upper
    return tuple(found)


def marginal_lines(*rows: tuple[float, float]) -> Lines:
    found, lower, reached = [], 0.0, 0.0
    for upper, rate in rows:
        found.append((lower, upper, reached - rate * lower, rate))
        reached += rate * (upper - lower)
        lower = upper
    return tuple(found)


def value(function: Lines, notional: float) -> float:
    for _, upper, fixed, rate in function:
        if notional <= upper:
            return fixed + rate * notional
    raise LookupError(notional)


def applied(own: Lines, changes: tuple[Change, ...], build: object) -> Lines:
    new = {one.tier: one.due for one in changes}
    rows = [(upper, new.get(n, rate)) for n, (_, upper, _, rate) in enumerate(own, start=1)]
    return flat_lines(*rows) if build is flat_lines else marginal_lines(*rows)


def complies(own: Lines, due: Due, slack: float) -> bool:
    ends = sorted({one[1] for one in (*own, *due.reference) if one[1] < INFINITE} | {due.limit})
    places = [1.0, *ends, *(end * (1 + 1e-12) for end in ends), due.floor * (1 + 1e-12)]
    places += [
        low + part * (high - low) for low, high in pairwise([0.0, *ends]) for part in (0.3, 0.7)
    ]
    return all(
        value(own, at)
        >= due.factor * value(due.reference, at)
        - due.absolute * at
        - slack * value(due.reference, at)
        for at in places
        if due.floor < at <= due.limit and at <= own[-1][1]
    )


rows = st.lists(st.tuples(st.floats(1.0, 1e6), st.floats(0.001, 0.9)), min_size=1, max_size=5).map(
    lambda found: tuple((sum(w for w, _ in found[: n + 1]), r) for n, (_, r) in enumerate(found))
)
references = st.tuples(
    st.sampled_from([marginal_lines, flat_lines]),
    st.lists(st.tuples(st.floats(1.0, 1e6), st.floats(0.01, 0.9)), max_size=3),
).map(
    lambda pair: pair[0](
        *(
            (sum(w for w, _ in pair[1][: n + 1]), r)
            for n, (_, r) in enumerate(sorted(pair[1], key=lambda one: one[1]))
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
    if floor < 0.0:  # on a bound of the schedule's own
        floor = own[len(own) // 2][0]
    due = Due(reference, factor, absolute, floor, own[-1][1])
    changes = raised(own, due)
    mended = applied(own, changes, build)
    assert complies(mended, due, 1e-9)
    if not changes:
        assert complies(own, due, 1e-9)
    before = 0.0
    for one in changes:
        if one.due > before * (1 + 1e-9):  # else it only follows the tier before it
            lower = tuple(
                Change(
                    other.tier, other.rate, other.due * (1 - 1e-4) if other is one else other.due
                )
                for other in changes
            )
            assert not complies(applied(own, lower, build), due, 1e-13)
        before = max(before, one.due)


def test_one_tier_is_raised_or_its_bound_lowered() -> None:
    own = flat_lines((1_000_000, 0.01), (2_000_000, 0.02), (5_000_000, 0.05))
    reference = marginal_lines((800_000, 0.01), (5_000_000, 0.025))
    due = Due(reference, 1.0, 0.0, 0.0, 5_000_000.0)
    assert [one.tier for one in raised(own, due)] == [1]
    # At 1,000,000 the reference is 8,000 + 5,000 = 13,000: 1.3 %.
    said = remedy(own, due, [(800_000.0, 1_000_000.0)], -0.23)
    assert said == "raise tier 1 from 1 % to 1.3 %, or lower its bound to $800,000"


def test_where_what_is_due_jumps_an_earlier_slice_is_raised() -> None:
    own = marginal_lines((1_000_000, 0.01), (2_000_000, 0.03))
    due = Due(flat_lines((1_000_000, 0.01), (2_000_000, 0.02)), 1.0, 0.0, 0.0, 2_000_000.0)
    # Just above 1,000,000 the reference asks 20,000: 2 % of the first slice.
    (first,) = raised(own, due)
    assert first.tier == 1
    assert first.due == pytest.approx(0.02)


def test_a_rate_above_the_whole_is_no_change_to_propose() -> None:
    own = marginal_lines((1_000, 0.5), (1_001, 0.5), (2_000_000, 0.9))
    due = Due(flat_lines((1_000, 0.5), (1_001, 0.5), (2_000_000, 0.9)), 1.0, 0.0, 0.0, 2e6)
    said = remedy(own, due, [(1_001.0, 2e6)], -0.4)
    assert said == "raise it by 66.67 % at every size"


def test_a_bound_is_lowered_only_where_the_next_tier_is_enough_there() -> None:
    own = flat_lines((1_000_000, 0.01), (2_000_000, 0.012))
    due = Due(marginal_lines((400_000, 0.01), (2_000_000, 0.02)), 1.0, 0.0, 0.0, 900_000.0)
    said = remedy(own, due, [(400_000.0, 900_000.0)], -0.2)
    assert said == "raise tier 1 from 1 % to 1.556 %, or take no position above $400,000"


def test_what_is_short_to_the_end_can_also_be_left_out() -> None:
    own = flat_lines((1_000_000, 0.5), (2_000_000, 0.4), (5_000_000, 0.3))
    due = Due(CAP, 1.0, 0.0, 0.0, 5_000_000.0)
    said = remedy(own, due, [(1_000_000.0, 5_000_000.0)], -0.4)
    assert said == (
        "raise tiers 2 to 3 from 40 % … 30 % to 50 %, or take no position above $1,000,000"
    )


def test_many_tiers_are_summed_up() -> None:
    own = marginal_lines((1e5, 0.01), (1e6, 0.02), (1e7, 0.03), (1e8, 0.04))
    reference = marginal_lines((1e5, 0.1), (1e6, 0.11), (1e7, 0.12), (1e8, 0.13))
    said = remedy(own, Due(reference, 1.0, 0.0, 0.0, 1e8), [(0.0, 1e8)], -0.9)
    assert said == (
        "raise tier 1 from 1 % to 10 %, tier 2 from 2 % to 11 % and 2 more, "
        "up to tier 4 from 4 % to 13 %"
    )


def test_a_rate_in_words_is_rounded_to_the_side_that_complies() -> None:
    own = flat_lines(
        (1e6, 0.01),
    )
    due = Due(((0.0, INFINITE, 0.0, 0.123451),), 1.0, 0.0, 0.0, 1e6)
    assert remedy(own, due, [(0.0, 1e6)], -0.9) == "raise tier 1 from 1 % to 12.35 %"


def test_a_curve_is_raised_as_a_whole() -> None:
    due = Due(CAP, 1.0, 0.0, 0.0, 1e6)
    assert remedy(None, due, [(0.0, 1e6)], -0.75) == "raise it by 300 % at every size"


def test_pieces_that_are_no_tiers_are_told_apart() -> None:
    assert lines([(0.0, 1.0, 0.0, 0.1, 0.5, 2.0)]) is None  # a curve
    assert (
        lines([(0.0, 10.0, 0.0, 0.1, 0.0, 2.0), (10.0, 20.0, 5.0, 0.1, 0.0, 2.0)]) is None
    )  # a jump
    assert lines([(0.0, 10.0, 0.0, 0.1, 0.0, 2.0), (10.0, 20.0, -1.0, 0.2, 0.0, 2.0)]) is not None


def test_nothing_short_needs_no_change() -> None:
    own = flat_lines(
        (1e6, 0.6),
    )
    assert remedy(own, Due(CAP, 1.0, 0.0, 0.0, 1e6), [], 0.2) == ""


def test_tiers_of_one_rate_are_raised_so_that_either_reading_complies() -> None:
    own = flat_lines((1e6, 0.02), (2e6, 0.02))
    reference = marginal_lines((1e6, 0.02), (2e6, 0.04))
    due = Due(reference, 1.0, 0.0, 0.0, 2e6)
    changes = raised(own, due)
    assert changes == (Change(2, 0.02, 0.04),)
    for build in (flat_lines, marginal_lines):
        assert complies(applied(own, changes, build), due, 1e-12)
