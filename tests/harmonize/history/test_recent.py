"""Recent history by schedule and by venue, and merged again."""

from datetime import UTC, datetime
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from harmonize.document.change import Change, ChangeKind
from harmonize.history.recent import DatedChange, RecentHistory, StressTightening, UnchangedSchedule

AT = datetime(2027, 1, 1, tzinfo=UTC)
KEYS = list(product("ab", "xy", ("isolated", "cross")))


def of_keys(venue: str) -> RecentHistory:
    own = [key for key in KEYS if key[0] == venue]
    return RecentHistory(
        tuple(DatedChange(Change(*key, "BTC", ChangeKind.TIGHTER, "", ""), "") for key in own),
        (StressTightening(venue, "w", "", "", "", "", 1, 0.1, "x"),),
        tuple(UnchangedSchedule(*key, AT) for key in own),
        {venue: (AT,)},
    )


WHOLE = of_keys("a").merged_with(of_keys("b"))


@given(st.sets(st.sampled_from(KEYS)))
def test_a_part_contains_the_given_schedules_and_their_venues(
    keys: set[tuple[str, str, str]],
) -> None:
    part = WHOLE.of_schedules(keys)
    venues = {venue for venue, _, _ in keys}
    assert {change.key for change in part.changes} == keys
    assert {schedule.key for schedule in part.unchanged} == keys
    assert part.observed.keys() == venues
    assert {stressed.venue for stressed in part.in_stress} == venues


def test_the_parts_of_all_venues_merge_into_the_whole() -> None:
    assert WHOLE.of_venues("a").merged_with(WHOLE.of_venues("b")) == WHOLE
    assert WHOLE.of_venues("a") == of_keys("a")
    assert WHOLE.of_venues("") == RecentHistory()
