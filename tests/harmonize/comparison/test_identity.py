"""A ticker is no identity: what prices, dates and sources tell of schedules under one name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.api.audit import Question, read
from harmonize.comparison.identity import (
    Listing,
    Relation,
    identities,
    judge,
    price_ratio,
    relation,
    with_identities,
)
from harmonize.comparison.peers import exclusion_reason
from harmonize.comparison.universe import build_universe
from harmonize.core.date_precision import EXACT, NO_LATER_THAN, date_between
from harmonize.core.schedule import AssetPrice, MarginSchedule
from tests.harmonize.checks.examples import flat_schedule
from tests.harmonize.comparison.identity_by_pairs import judge_by_pairs
from tests.support import recorded
from venues import assets

DAY = datetime(2026, 7, 2, tzinfo=UTC)


def listing(
    venue: str,
    *,
    days: float = 0,
    price: str = "",
    source: str = "",
    since: float | None = 0,
) -> Listing:
    """Returns a listing observed a number of days before ``DAY``, with a price per coin.

    It may be up to ``since`` days older, None for any number.
    """
    at = DAY - timedelta(days=days)
    precision = date_between(at - timedelta(days=since)) if since else EXACT
    precision = NO_LATER_THAN if since is None else precision
    known = AssetPrice(Decimal(price), at, "mark price", precision) if price else None
    return Listing(venue, "X/USDT:USDT", at, known, source, precision)


def compared(listings: Sequence[Listing]) -> list[str]:
    return sorted(x.venue for x in judge(listings).groups[0])


UNDATED = [listing(venue, since=None, source="x") for venue in ("c", "d")]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (listing("a", price="1"), listing("b", price="1.5"), Relation.SAME),
        (listing("a", price="1"), listing("b", price="1.5001"), Relation.DIFFERENT),
        (listing("a", price="1"), listing("b", price="0.6"), Relation.DIFFERENT),
        (listing("a", price="1", days=1), listing("b", price="9"), Relation.DIFFERENT),
        (listing("a", price="1", days=1.1), listing("b", price="9"), Relation.PRESUMED),
        (listing("a", days=60), listing("b"), Relation.PRESUMED),
        (listing("a", days=60.1), listing("b"), Relation.UNOBSERVED),
        (listing("a", days=20, since=40), listing("b"), Relation.PRESUMED),
        (listing("a", days=20, since=40.1), listing("b"), Relation.UNOBSERVED),
        (listing("a", since=40), listing("b", days=10, since=50), Relation.PRESUMED),
        (listing("a", since=40), listing("b", days=10, since=50.1), Relation.UNOBSERVED),
        (listing("a", since=None), listing("b"), Relation.UNOBSERVED),
        (listing("a", since=None), listing("b", since=None), Relation.UNOBSERVED),
        (listing("a", since=None, source="x"), listing("b", source="y"), Relation.SAME),
        (listing("a", price="1", since=0.5), listing("b", price="9"), Relation.DIFFERENT),
        (listing("a", price="1", days=0.6, since=0.5), listing("b", price="9"), Relation.PRESUMED),
        (listing("a", days=400, source="x"), listing("b", source="y"), Relation.SAME),
        (listing("a", days=400, source="x"), listing("b"), Relation.UNOBSERVED),
        (
            listing("a", price="1", source="x"),
            listing("b", price="9", source="y"),
            Relation.DIFFERENT,
        ),
    ],
)
def test_two_listings_are_one_asset_by_price_by_source_or_at_close_dates(
    first: Listing, second: Listing, expected: Relation
) -> None:
    assert relation(first, second) is expected
    assert relation(second, first) is expected


def test_the_group_on_most_venues_is_compared_and_the_newest_of_equal_ones() -> None:
    old, older = listing("old", days=500), listing("older", days=540)
    assert compared([old, listing("new")]) == ["new"]
    assert compared([old, older, listing("new")]) == ["old", "older"]
    assert compared([old, older, listing("new"), listing("next")]) == ["new", "next"]


def test_a_group_is_as_new_as_it_is_known_to_be() -> None:
    assert compared([listing("a", days=30), listing("undated", since=None)]) == ["a"]
    assert compared([listing("a", days=400), listing("b", since=300)]) == ["b"]
    assert compared([listing("a", days=200), listing("b", since=300)]) == ["a"]


@pytest.mark.parametrize(
    ("listings", "doubted", "reason"),
    [
        (
            *([listing("a"), listing("b", days=70)], "b"),
            "the nearest observation (a) is 70 days apart",
        ),
        (
            *([listing("a"), listing("b", since=70)], "b"),
            "the nearest observation (a) may be up to 70 days apart",
        ),
        (
            *([listing("a"), listing("b", since=None)], "b"),
            "the date is only known to be no later than 2026-07-02",
        ),
        (
            *([listing("b", days=900), *UNDATED], "b"),
            "the dates of the others are only known to be no later than 2026-07-02",
        ),
    ],
)  # fmt: skip
def test_a_doubt_says_what_is_known_of_the_dates(
    listings: list[Listing], doubted: str, reason: str
) -> None:
    doubts = judge(listings).doubts
    assert doubts[doubted, "X/USDT:USDT"] == (
        f"identity not observed: no price on a common day, and {reason}"
    )


def test_close_dates_join_only_a_name_that_no_price_contradicts() -> None:
    priced = [listing("a", price="1"), listing("b", price="1.1"), listing("c", price="9")]
    identity = judge([*priced, listing("d")])
    assert [x.venue for x in identity.groups[0]] == ["a", "b"]
    assert identity.doubts["c", "X/USDT:USDT"] == (
        "another asset: price per coin 9 USD against 1 at a"
    )
    assert identity.doubts["d", "X/USDT:USDT"] == (
        "identity not observed: the name means several assets, and no price tells which"
    )


@pytest.mark.parametrize(
    ("listings", "groups"),
    [
        (  # a source does not bridge prices that disagree
            [
                listing("a", price="1", source="x"),
                listing("b", price="9", source="x"),
                listing("c", source="x"),
            ],
            [["b", "c"], ["a"]],
        ),
        (  # nor does a price between them, or one without a source
            [listing("a", price="1"), listing("b", price="1.4"), listing("c", price="1.96")],
            [["b", "c"], ["a"]],
        ),
        (  # prices join before sources
            [
                listing("a", price="1", source="x"),
                listing("b", price="9", source="x"),
                listing("c", price="1.1", days=1, source="x"),
            ],
            [["a", "c"], ["b"]],
        ),
        (  # a third listing follows the group on most venues
            [
                listing("a", price="1", source="x"),
                listing("b", price="9", source="x"),
                listing("c", price="1.1"),
                listing("d", source="x"),
            ],
            [["a", "c", "d"], ["b"]],
        ),
    ],
)
def test_a_third_listing_bridges_no_prices_that_disagree(
    listings: list[Listing], groups: list[list[str]]
) -> None:
    identity = judge(listings)
    assert [sorted(x.venue for x in group) for group in identity.groups] == groups
    doubted = {x.key for x in listings if x.venue not in groups[0]}
    assert identity.doubts.keys() == doubted
    assert all(doubt.startswith(Relation.DIFFERENT) for doubt in identity.doubts.values())


def test_a_chain_of_close_dates_joins_no_observations_that_are_far_apart() -> None:
    identity = judge([listing("a", days=110), listing("b", days=55), listing("c")])
    assert [sorted(x.venue for x in group) for group in identity.groups] == [["b", "c"], ["a"]]
    assert identity.doubts["a", "X/USDT:USDT"] == (
        "identity not observed: no price on a common day, and with it the observations are 110 days "
        "apart"
    )
    inexact = judge([listing("a", days=30, since=40), listing("b", days=20), listing("c")])
    assert inexact.doubts["a", "X/USDT:USDT"].endswith(
        "the observations may be up to 70 days apart"
    )
    larger = [listing("z", days=111), listing("a", days=110), listing("b", days=55), listing("c")]
    assert compared(larger) == ["a", "b", "z"]


def test_close_dates_join_no_group_of_a_source_that_spans_more() -> None:
    sourced = [listing("a", days=400, source="x"), listing("b", source="x")]
    identity = judge([*sourced, listing("c", days=1)])
    assert [sorted(x.venue for x in group) for group in identity.groups] == [["a", "b"], ["c"]]
    assert "with it the observations are 400 days apart" in identity.doubts["c", "X/USDT:USDT"]
    undated = [listing("a", since=None, source="x"), listing("b", source="x")]
    assert (
        judge([*undated, listing("c")])
        .doubts["c", "X/USDT:USDT"]
        .endswith("with it the observations would have no earliest date")
    )


LISTINGS = st.lists(
    st.builds(
        lambda venue, days, price, source, since: listing(
            venue, days=days, price=price, source=source, since=since
        ),
        st.sampled_from("abcdef"),
        st.sampled_from([0.0, 0.5, 40.0, 80.0, 400.0]),
        st.sampled_from(["", "1", "1.2", "2.5"]),
        st.sampled_from(["", "x"]),
        st.sampled_from([0.0, 0.4, 50.0, None]),
    ),
    unique_by=lambda x: x.venue,
)


@given(LISTINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_listings_decides_nothing(listings: list[Listing], random: object) -> None:
    shuffled = list(listings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = judge(listings), judge(shuffled)
    groups = [{frozenset(x.venue for x in g) for g in one.groups} for one in (first, second)]
    assert groups[0] == groups[1]
    assert first.doubts.keys() == second.doubts.keys()
    grouped = [x.venue for group in first.groups for x in group]
    assert sorted(grouped) == sorted(x.venue for x in listings)


SEVERAL_CONTRACTS = st.lists(
    st.builds(
        lambda venue, symbol, days, price, source, since: replace(
            listing(venue, days=days, price=price, source=source, since=since), symbol=symbol
        ),
        st.sampled_from("abcdefgh"),
        st.sampled_from(["X/USDT:USDT", "X/USDC:USDC", "X/USD:X"]),
        st.sampled_from([0.0, 0.5, 1.0, 1.2, 30.0, 60.0, 60.1, 80.0, 400.0]),
        st.sampled_from(["", "", "1", "1.2", "1.5", "1.50000001", "2.25", "3.4"]),
        st.sampled_from(["", "", "x"]),
        st.sampled_from([0.0, 0.0, 0.4, 1.5, 30.0, 50.0, 70.0, None]),
    ),
    unique_by=lambda x: x.key,
    max_size=24,
)


@given(SEVERAL_CONTRACTS)
def test_all_pairs_at_once_give_the_judgement_of_one_pair_after_another(
    listings: list[Listing],
) -> None:
    assert judge(listings) == judge_by_pairs(listings)


@given(LISTINGS)
def test_no_group_holds_prices_that_disagree_or_presumes_over_distant_dates(
    listings: list[Listing],
) -> None:
    for group in judge(listings).groups if len(listings) > 1 else ():
        found = {pair: relation(*pair) for pair in combinations(group, 2)}
        assert Relation.DIFFERENT not in found.values()
        if Relation.SAME not in found.values():
            assert Relation.UNOBSERVED not in found.values()


def under_name(name: str, *observed: tuple[str, datetime]) -> list[MarginSchedule]:
    schedule = flat_schedule((50_000, "0.1", "0.05"), asset=name)
    return [
        replace(
            schedule,
            instrument=replace(schedule.instrument, venue=venue),
            observed_at=at,
            dates=(at,),
        )
        for venue, at in observed
    ]


def test_a_schedule_in_doubt_is_shown_and_counts_in_no_cross_venue_figure() -> None:
    schedules = under_name("PUMP", ("bitget", datetime(2025, 4, 4, tzinfo=UTC)), ("binance", DAY))
    universe = build_universe(schedules, (), (), DAY, {})
    (group,) = universe.peer_groups
    reasons = {s.instrument.venue: exclusion_reason(s) for s in group.schedules}
    assert reasons == {
        "binance": "",
        "bitget": (
            "identity not observed: no price on a common day, and the nearest observation "
            "(binance) is 454 days apart"
        ),
    }
    assert len(group.included_positions(universe.layout.own["initial"])) == 1


def test_contracts_that_do_not_trade_raise_no_doubt() -> None:
    old = DAY - timedelta(days=500)
    schedules = under_name("PUMP", ("a", old), ("b", old), ("binance", DAY))
    ended = [
        replace(schedule, not_trading="expired") if schedule.observed_at == old else schedule
        for schedule in schedules
    ]
    assert [bool(s.identity_doubt) for s in with_identities(schedules)] == [False, False, True]
    assert not any(s.identity_doubt for s in with_identities(ended))


def test_an_unmistakable_ticker_is_one_asset_at_all_times() -> None:
    old = datetime(2022, 4, 25, tzinfo=UTC)
    schedules = under_name("ETH", ("ascendex", old), ("binance", DAY))
    assert not any(s.identity_doubt for s in with_identities(schedules))


NO_TABLE = assets.parse("[]", "empty.yaml")


@pytest.fixture
def without_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "bundled", lambda: NO_TABLE)
    recorded.schedules.cache_clear()


@pytest.mark.usefixtures("without_table")
@pytest.mark.parametrize(
    ("name", "old", "days", "undated"),
    [
        ("PUMP", "bitget", 453, ["pacifica"]),
        ("LIT", "bybit", 553, ["pacifica"]),
        ("GME", "bybit", 553, []),
    ],
)
def test_the_judge_finds_assets_that_share_a_name_without_being_told(
    name: str, old: str, days: int, undated: list[str]
) -> None:
    schedules = [
        s
        for venue in ("binance", "bitget", "bybit", "pacifica")
        for s in recorded.schedules(venue)
        if s.instrument.underlying.asset == name
    ]
    recorded.schedules.cache_clear()
    doubts = {
        (s.instrument.venue): s.identity_doubt
        for s in with_identities(schedules)
        if s.identity_doubt
    }
    assert sorted(doubts) == sorted([old, *undated])
    assert all("(binance) may be up to 167 days apart" in doubts[venue] for venue in undated)
    assert doubts[old].startswith("identity not observed")
    assert f"(binance) is {days} days apart" in doubts[old]


def test_no_two_venues_with_prices_on_one_day_are_in_doubt_in_the_recorded_archive() -> None:
    """Covers all pairs of which both prices have a date known within a day.

    Undated recordings give no price a day, whatever date they were found at: they add no pair.
    """
    ratios: dict[str, list[float]] = {}
    for name, identity in identities(read(Question())[0].schedules).items():
        for first, second in combinations(chain.from_iterable(identity.groups), 2):
            ratio = price_ratio(first, second)
            if first.venue != second.venue and ratio is not None:
                assert relation(first, second) is Relation.SAME
                ratios.setdefault(name, []).append(ratio)
    assert {name: len(ratios[name]) for name in ratios} == {
        "ADA": 15,
        "BTC": 34,
        "DOGE": 6,
        "ETH": 34,
        "SOL": 5,
        "XRP": 1,
    }
    assert 1.014 < max(map(max, ratios.values())) < 1.015
