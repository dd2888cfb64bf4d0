"""Rows for comparisons restore what comparisons depend on, exactly."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from harmonize.api.judgement_key import judgement_key
from harmonize.comparison.identity import with_identities
from harmonize.comparison.shared_books import with_shared_books
from harmonize.core.date_precision import EXACT, NO_LATER_THAN, date_between
from harmonize.core.schedule import AssetPrice, MarginSchedule, Observed, Unknown, value_of
from harmonize.history.compared_rows import RowReader, compared_row
from tests.support import recorded
from tests.support.index_by_day import FIRST
from venues.registry import VENUES


def status(observed: Observed[object]) -> tuple[type, object, bool]:
    return type(observed), value_of(observed), getattr(observed, "verified", True)


def price(schedule: MarginSchedule) -> tuple[object, ...]:
    own = schedule.price
    return (own.value, own.observed_at, own.precision) if own else ()


@pytest.mark.parametrize("venue", [adapter.venue for adapter in VENUES])
def test_a_row_restores_its_schedule(venue: str) -> None:
    reader = RowReader()
    for schedule in recorded.schedules(venue):
        restored = reader.schedule(compared_row(schedule, None))
        assert restored.key == schedule.key
        assert restored.instrument == replace(schedule.instrument, stated_class=None)
        assert restored.exclusion_reason == schedule.exclusion_reason
        for name in ("initial", "maintenance", "capacity"):
            assert status(getattr(restored, name)) == status(getattr(schedule, name))
        for name in ("observed_at", "precision", "origin", "known_up_to"):
            assert getattr(restored, name) == getattr(schedule, name)
        assert price(restored) == price(schedule)


def test_another_price_alone_repeats_the_content() -> None:
    """Bounds in contracts are stored per unit of price: only the scale differs."""
    schedules = recorded.schedules("dydx")
    rows = [compared_row(schedule, None) for schedule in schedules]
    scaled = [row for row in rows if row.scale]
    assert len(scaled) > 100
    contents = [RowReader().schedule(row) for row in scaled[:20]]
    doubled = [
        RowReader().schedule(replace(row, scale=str(2 * Decimal(row.scale)))) for row in scaled[:20]
    ]
    for once, twice in zip(contents, doubled, strict=True):
        first, second = value_of(once.initial), value_of(twice.initial)
        assert first is not None
        assert second is not None
        assert second.pieces[0].upper == 2 * first.pieces[0].upper
        assert second.pieces[0].rate == first.pieces[0].rate


def test_an_unknown_margin_stays_unknown() -> None:
    schedule = replace(recorded.schedules("okx")[0], initial=Unknown("no"), capacity=Unknown("no"))
    restored = RowReader().schedule(compared_row(schedule, None))
    assert isinstance(restored.initial, Unknown)
    assert isinstance(restored.capacity, Unknown)


def drawn(seed: int) -> list[MarginSchedule]:
    """Returns schedules on one asset with drawn times, precisions and prices."""
    import random  # noqa: PLC0415 - of this test alone

    chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
    sources = ("woo", "woofipro", "bybit")
    own = [
        next(s for s in recorded.schedules(v) if s.instrument.underlying.asset == "BTC")
        for v in sources
    ]
    begin, level = FIRST + timedelta(hours=seed), Decimal(1 + seed % 7)
    result = []
    for schedule in own:
        at = begin + timedelta(days=chance.choice([0, 1, 59, 61]))
        since = at - timedelta(days=20)
        precision = chance.choice([EXACT, EXACT, NO_LATER_THAN, date_between(since)])
        asset = replace(schedule.instrument.underlying, asset="NEW")
        instrument = replace(schedule.instrument, underlying=asset, asset_source="")
        value = level * Decimal(chance.choice(["1", "1.4", "1.6"]))
        priced_at = at + timedelta(hours=chance.choice([0, 0, 9, 15]))
        wide = date_between(priced_at - timedelta(hours=chance.choice([12, 30])))
        price_date = chance.choice([EXACT, EXACT, NO_LATER_THAN, wide])
        priced = AssetPrice(value, priced_at, "", price_date) if chance.random() < 0.7 else None
        result.append(
            replace(
                schedule, instrument=instrument, observed_at=at, precision=precision, price=priced
            )
        )
    return sorted(result, key=lambda schedule: schedule.key)


def test_the_span_of_one_price_does_not_decide_whether_two_are_close() -> None:
    """A price within 30 hours is close to one in their middle, not to one near their beginning."""
    begin, apart = FIRST, timedelta(days=61)
    own = [
        replace(schedule, observed_at=begin + position * apart, precision=EXACT)
        for position, schedule in enumerate(drawn(0)[:2])
    ]
    wide = AssetPrice(Decimal(100), begin + timedelta(hours=30), "", date_between(begin))
    keys, judgements = [], []
    for hours in (15, 1):
        exact = AssetPrice(Decimal(100), begin + timedelta(hours=hours), "", EXACT)
        schedules = [replace(own[0], price=wide), replace(own[1], price=exact)]
        rows = [compared_row(schedule, None) for schedule in schedules]
        keys.append(judgement_key(rows, ["", ""]))
        judgements.append([bool(s.identity_doubt) for s in with_identities(schedules)])
    assert judgements == [[False, False], [True, False]]
    assert keys[0] != keys[1]


def test_equal_keys_have_equal_judgements() -> None:
    judgements: dict[object, object] = {}
    repeated = 0
    for seed in range(4_000):
        schedules = drawn(seed)
        rows = [compared_row(schedule, None) for schedule in schedules]
        key = judgement_key(rows, ["" for _ in rows])
        judged = with_shared_books(with_identities(schedules))
        result = tuple((bool(s.identity_doubt), s.counted_with) for s in judged)
        repeated += key in judgements
        assert judgements.setdefault(key, result) == result
    assert repeated > 400
    assert len(set(judgements.values())) > 5
