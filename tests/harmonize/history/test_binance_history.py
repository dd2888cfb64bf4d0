"""Changes over four years of Binance snapshots, compared with plain look-ups in the tier table."""

import gc
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from harmonize.core.payload import Snapshot
from harmonize.document.change import Change, ChangeKind, MarginChange
from harmonize.history.diff import ObservedSchedules, find_changes
from harmonize.transfer.from_tier_table import read_items
from tests.support.paths import VECTORS
from venues import facts, registry

TABLE = VECTORS / "binance_usdm_tiers.parquet"
GRID = np.geomspace(1_000.0, 900_000_000.0, 60)
EMPTY = {"DEXE/USDT:USDT", "BEAMX/USDT:USDT"}
"""Contracts whose last bracket is empty on some days, on which their margins are unknown."""


class Brackets(NamedTuple):
    """Brackets of a contract on one day, by column."""

    lower: np.ndarray
    upper: np.ndarray
    rate: np.ndarray
    leverage: np.ndarray
    deduction: np.ndarray

    def at(self, sizes: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Returns IM and MM of sizes within the given rows."""
        initial = sizes / self.leverage[rows]
        return {"initial": initial, "maintenance": sizes * self.rate[rows] - self.deduction[rows]}

    def same(self, other: "Brackets") -> bool:
        """Whether bounds, rates and leverages are equal."""
        return self.lower.size == other.lower.size and all(
            np.array_equal(*pair, equal_nan=True) for pair in zip(self[:4], other[:4], strict=True)
        )


def unify(symbol: str) -> str:
    """Returns the ccxt symbol of BTC/USDT, BTC/USDT:USDT-230331 and BTCUSDT_230331."""
    if "/" not in symbol:
        pair, _, delivery = symbol.partition("_")
        quote = pair[-4:]
        assert quote in {"USDT", "BUSD"}
        symbol = f"{pair[:-4]}/{quote}:{quote}" + (f"-{delivery}" if delivery else "")
    return symbol if ":" in symbol else f"{symbol}:{symbol.split('/')[1]}"


OTHER_ASSETS = {("PUMP/USDT:USDT", "2025-07-10"), ("LIT/USDT:USDT", "2025-12-25")}
"""Symbols that mean another asset from a day on, by ``venues/assets.yaml``."""

NO_COMPARISON = {ChangeKind.LISTED, ChangeKind.DELISTED, ChangeKind.ANOTHER_ASSET}
"""Kinds of changes that compare no margins."""


@cache
def table() -> dict[str, dict[str, Brackets]]:
    """Returns the brackets by day and symbol, from the file alone, without expired contracts."""
    rows = pd.read_parquet(TABLE)
    unified = rows["symbol"].map(unify)
    rows = rows.assign(unified=unified)[~unified.str.endswith(":BTC")]
    expiry = pd.to_datetime(rows["unified"].str.extract(r"-(\d{6})$")[0], format="%y%m%d")
    rows = rows[~(expiry < pd.to_datetime(rows["observed"]))]
    rows = rows.sort_values(["observed", "unified", "tier"])
    columns = ["min_notional", "max_notional", "maintenance_margin_rate", "max_leverage"]
    values = rows[[*columns, "deduction"]].to_numpy()
    starts = np.flatnonzero((rows["tier"] == 1).to_numpy())
    by_day: dict[str, dict[str, Brackets]] = {}
    days, symbols = rows["observed"].to_numpy(), rows["unified"].to_numpy()
    for start, stop in pairwise([*starts.tolist(), len(rows)]):
        brackets = Brackets(*values[start:stop].T)
        by_day.setdefault(days[start], {})[symbols[start]] = brackets
    return by_day


@cache
def snapshots() -> tuple[Snapshot, ...]:
    return tuple(item for item in read_items(TABLE) if isinstance(item, Snapshot))


def observed(snapshot: Snapshot) -> ObservedSchedules:
    return ObservedSchedules(
        registry.parse([snapshot], facts.bundled()).schedules, frozenset({"binance"})
    )


@cache
def all_changes() -> dict[tuple[str, str], tuple[Change, ...]]:
    """Returns the changes between each two consecutive days; ETH/BTC has no value in USD."""
    gc.disable()  # all schedules stay in memory: collection takes half of the time
    try:
        by_day = {
            f"{snapshot.observed_at:%Y-%m-%d}": observed(snapshot) for snapshot in snapshots()
        }
    finally:
        gc.enable()
    return {
        (day, following): tuple(
            change
            for change in find_changes(by_day[day], by_day[following], ())
            if not change.symbol.endswith(":BTC")
        )
        for day, following in pairwise(sorted(by_day))
    }


def test_every_day_of_the_table_became_one_complete_snapshot() -> None:
    assert [f"{snapshot.observed_at:%Y-%m-%dT%H:%M}" for snapshot in snapshots()] == [
        f"{day}T00:00" for day in sorted(table())
    ]
    assert len(snapshots()) == 117
    assert all(snapshot.complete for snapshot in snapshots())
    assert {snapshot.venue for snapshot in snapshots()} == {"binance"}


def test_changed_listed_and_delisted_contracts_are_those_of_the_table() -> None:
    counts = {"changed": 0, "listed": 0, "delisted": 0}
    for (day, following), day_changes in all_changes().items():
        old, new = table()[day], table()[following]
        expected = {
            "changed": {key for key in old.keys() & new.keys() if not old[key].same(new[key])}
            | {symbol for symbol, day in OTHER_ASSETS if day == following},
            "listed": new.keys() - old.keys(),
            "delisted": old.keys() - new.keys(),
        }
        listings = {ChangeKind.LISTED: "listed", ChangeKind.DELISTED: "delisted"}
        symbols_by_kind = {
            kind: {
                change.symbol
                for change in day_changes
                if listings.get(change.kind, "changed") == kind
            }
            for kind in expected
        }
        assert symbols_by_kind == expected, (day, following)
        for kind, symbols in expected.items():
            counts[kind] += len(symbols)
    assert counts == {"changed": 3738, "listed": 596, "delisted": 97}


def ratios(
    old: Brackets, new: Brackets, sizes: np.ndarray, at: np.ndarray
) -> dict[str, np.ndarray]:
    """Returns the margin after divided by the margin before, from the rows that contain ``at``."""
    before = old.at(sizes, np.searchsorted(old.upper, at))
    after = new.at(sizes, np.searchsorted(new.upper, at))
    return {margin_type: after[margin_type] / before[margin_type] for margin_type in before}


def extremes(old: Brackets, new: Brackets) -> dict[str, np.ndarray]:
    """Returns ratio − 1 at both ends of every interval on which neither table changes its row."""
    limit = min(old.upper[-1], new.upper[-1], 1e10)
    upper = np.union1d(np.minimum(old.upper, limit), np.minimum(new.upper, limit))
    lower = np.concatenate([[upper[0] / 2], upper[:-1]])
    ends = ratios(old, new, np.concatenate([lower, upper]), np.concatenate([upper, upper]))
    return {margin_type: ratio - 1 for margin_type, ratio in ends.items()}


def kind_of(old: Brackets, new: Brackets) -> ChangeKind:
    moved = [ratio for ratio in extremes(old, new).values() if not np.isnan(ratio).any()]
    tighter = any((ratio > 1e-9).any() for ratio in moved)
    looser = any((ratio < -1e-9).any() for ratio in moved)
    if tighter or looser:
        return (
            ChangeKind.MIXED
            if tighter and looser
            else ChangeKind.TIGHTER
            if tighter
            else ChangeKind.LOOSER
        )
    if np.isnan(old.rate).any():
        return ChangeKind.KNOWN
    return ChangeKind.BANDS if old.upper[-1] == new.upper[-1] else ChangeKind.CAPACITY


def compared_brackets() -> list[tuple[Brackets, Brackets, Change]]:
    return [
        (table()[day][change.symbol], table()[following][change.symbol], change)
        for (day, following), day_changes in all_changes().items()
        for change in day_changes
        if change.kind not in NO_COMPARISON and change.symbol not in EMPTY
    ]


def test_two_symbols_change_their_asset() -> None:
    changed = {
        (change.symbol, change.after[:10])
        for day_changes in all_changes().values()
        for change in day_changes
        if change.kind is ChangeKind.ANOTHER_ASSET
    }
    assert changed == OTHER_ASSETS


def test_tighter_and_looser_are_as_the_rows_say() -> None:
    wrong = [
        (change.symbol, change.after, change.kind, kind_of(old, new))
        for old, new, change in compared_brackets()
        if change.kind is not kind_of(old, new)
    ]
    assert not wrong, wrong[:5]


def inside(moved: MarginChange, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns which sizes are within the tighter ranges, and which within the looser ones."""
    spans = [
        [(lower, np.inf if upper is None else upper) for lower, upper in ranges]
        for ranges in (moved.tighter, moved.looser)
    ]
    tighter, looser = (
        np.any([(sizes > lower) & (sizes <= upper) for lower, upper in ranges], axis=0)
        if ranges
        else np.zeros(sizes.size, bool)
        for ranges in spans
    )
    return tighter, looser


def test_ranges_contain_the_sizes_with_a_larger_or_smaller_margin() -> None:
    for old, new, change in compared_brackets():
        sizes = GRID[min(old.upper[-1], new.upper[-1]) >= GRID]
        looked_up = ratios(old, new, sizes, sizes)
        for moved in change.moved:
            tighter, looser = inside(moved, sizes)
            ratio = looked_up[moved.margin_type] - 1
            assert (tighter == (ratio > 1e-9)).all(), (change.symbol, change.after, moved)
            assert (looser == (ratio < -1e-9)).all(), (change.symbol, change.after, moved)


def test_the_largest_rise_and_fall_are_those_of_the_rows() -> None:
    for old, new, change in compared_brackets():
        expected = extremes(old, new)
        for moved in change.moved:
            highest, lowest = expected[moved.margin_type].max(), expected[moved.margin_type].min()
            rise, fall = max(highest, 0.0), min(lowest, 0.0)
            assert (moved.largest_rise or 0.0) == pytest.approx(rise, rel=1e-6, abs=1e-9)
            assert (moved.largest_fall or 0.0) == pytest.approx(fall, rel=1e-6, abs=1e-9)
