"""Four years of Binance: what `changes` finds between snapshots, against plain look-ups in the table."""

import gc
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from harmonize.core.payload import Snapshot
from harmonize.document.change import Change, ChangeKind, MarginChange
from harmonize.history.diff import Observed, changes
from harmonize.transfer.from_tier_table import offered
from tests.support.paths import VECTORS
from venues import facts, registry

TABLE = VECTORS / "binance_usdm_tiers.parquet"
GRID = np.geomspace(1_000.0, 900_000_000.0, 60)
EMPTY = {"DEXE/USDT:USDT", "BEAMX/USDT:USDT"}
"""Contracts whose last bracket is empty on some days, so that their margins are unknown then."""


class Rows(NamedTuple):
    """The brackets of a contract on one day, a column each."""

    lower: np.ndarray
    upper: np.ndarray
    rate: np.ndarray
    leverage: np.ndarray
    deduction: np.ndarray

    def at(self, sizes: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """IM and MM of sizes that lie in these rows."""
        initial = sizes / self.leverage[rows]
        return {"initial": initial, "maintenance": sizes * self.rate[rows] - self.deduction[rows]}

    def same(self, other: "Rows") -> bool:
        """Whether bounds, rates and leverages are equal."""
        return self.lower.size == other.lower.size and all(
            np.array_equal(*pair, equal_nan=True) for pair in zip(self[:4], other[:4], strict=True)
        )


def unify(symbol: str) -> str:
    """BTC/USDT, BTC/USDT:USDT-230331 and BTCUSDT_230331 as ccxt names them today."""
    if "/" not in symbol:
        pair, _, delivered = symbol.partition("_")
        quote = pair[-4:]
        assert quote in {"USDT", "BUSD"}
        symbol = f"{pair[:-4]}/{quote}:{quote}" + (f"-{delivered}" if delivered else "")
    return symbol if ":" in symbol else f"{symbol}:{symbol.split('/')[1]}"


@cache
def table() -> dict[str, dict[str, Rows]]:
    """Brackets by day and symbol, from the file alone."""
    rows = pd.read_parquet(TABLE)
    unified = rows["symbol"].map(unify)
    rows = rows.assign(unified=unified)[~unified.str.endswith(":BTC")]
    rows = rows.sort_values(["observed", "unified", "tier"])
    columns = ["min_notional", "max_notional", "maintenance_margin_rate", "max_leverage"]
    figures = rows[[*columns, "deduction"]].to_numpy()
    starts = np.flatnonzero((rows["tier"] == 1).to_numpy())
    found: dict[str, dict[str, Rows]] = {}
    days, symbols = rows["observed"].to_numpy(), rows["unified"].to_numpy()
    for start, stop in pairwise([*starts.tolist(), len(rows)]):
        held = Rows(*figures[start:stop].T)
        found.setdefault(days[start], {})[symbols[start]] = held
    return found


@cache
def snapshots() -> tuple[Snapshot, ...]:
    return tuple(one for one in offered(TABLE) if isinstance(one, Snapshot))


def observed(one: Snapshot) -> Observed:
    return Observed(registry.parse([one], facts.bundled()).schedules, frozenset({"binance"}))


@cache
def found() -> dict[tuple[str, str], tuple[Change, ...]]:
    """What the tool finds between each two days that follow one another; ETH/BTC has no value in USD."""
    gc.disable()  # what is read all stays: looking through it for garbage takes half of the time
    try:
        read = {f"{one.observed_at:%Y-%m-%d}": observed(one) for one in snapshots()}
    finally:
        gc.enable()
    return {
        (one, two): tuple(
            change
            for change in changes(read[one], read[two], ())
            if not change.symbol.endswith(":BTC")
        )
        for one, two in pairwise(sorted(read))
    }


def test_every_day_of_the_table_became_one_complete_snapshot() -> None:
    assert [f"{one.observed_at:%Y-%m-%dT%H:%M}" for one in snapshots()] == [
        f"{day}T00:00" for day in sorted(table())
    ]
    assert len(snapshots()) == 117
    assert all(one.complete and one.venue == "binance" for one in snapshots())


def test_the_contracts_that_changed_came_and_went_are_those_of_the_table() -> None:
    counted = {"changed": 0, "listed": 0, "delisted": 0}
    for (one, two), told in found().items():
        old, new = table()[one], table()[two]
        due = {
            "changed": {key for key in old.keys() & new.keys() if not old[key].same(new[key])},
            "listed": new.keys() - old.keys(),
            "delisted": old.keys() - new.keys(),
        }
        alone = {ChangeKind.LISTED: "listed", ChangeKind.DELISTED: "delisted"}
        said = {
            kind: {change.symbol for change in told if alone.get(change.kind, "changed") == kind}
            for kind in due
        }
        assert said == due, (one, two)
        for kind, symbols in due.items():
            counted[kind] += len(symbols)
    assert counted == {"changed": 3747, "listed": 596, "delisted": 107}


def ratios(old: Rows, new: Rows, sizes: np.ndarray, at: np.ndarray) -> dict[str, np.ndarray]:
    """Margin after over margin before, by the rows in which ``at`` lies."""
    before = old.at(sizes, np.searchsorted(old.upper, at))
    after = new.at(sizes, np.searchsorted(new.upper, at))
    return {figure: after[figure] / before[figure] for figure in before}


def extremes(old: Rows, new: Rows) -> dict[str, np.ndarray]:
    """The ratio at both ends of every interval on which neither table changes its row."""
    limit = min(old.upper[-1], new.upper[-1], 1e10)
    upper = np.union1d(np.minimum(old.upper, limit), np.minimum(new.upper, limit))
    lower = np.concatenate([[upper[0] / 2], upper[:-1]])
    ends = ratios(old, new, np.concatenate([lower, upper]), np.concatenate([upper, upper]))
    return {figure: held - 1 for figure, held in ends.items()}


def kind_of(old: Rows, new: Rows) -> ChangeKind:
    moved = [held for held in extremes(old, new).values() if not np.isnan(held).any()]
    tighter = any((held > 1e-9).any() for held in moved)
    looser = any((held < -1e-9).any() for held in moved)
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


def compared() -> list[tuple[Rows, Rows, Change]]:
    return [
        (table()[one][change.symbol], table()[two][change.symbol], change)
        for (one, two), told in found().items()
        for change in told
        if change.kind not in {ChangeKind.LISTED, ChangeKind.DELISTED}
        and change.symbol not in EMPTY
    ]


def test_tighter_and_looser_are_as_the_rows_say() -> None:
    wrong = [
        (change.symbol, change.after, change.kind, kind_of(old, new))
        for old, new, change in compared()
        if change.kind is not kind_of(old, new)
    ]
    assert not wrong, wrong[:5]


def inside(moved: MarginChange, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which sizes lie in the ranges told to be tighter, and looser."""
    spans = [
        [(lower, np.inf if upper is None else upper) for lower, upper in ranges]
        for ranges in (moved.tighter, moved.looser)
    ]
    tighter, looser = (
        np.any([(sizes > lower) & (sizes <= upper) for lower, upper in held], axis=0)
        if held
        else np.zeros(sizes.size, bool)
        for held in spans
    )
    return tighter, looser


def test_ranges_hold_the_sizes_at_which_the_rows_ask_more_or_less() -> None:
    for old, new, change in compared():
        sizes = GRID[min(old.upper[-1], new.upper[-1]) >= GRID]
        looked_up = ratios(old, new, sizes, sizes)
        for moved in change.moved:
            tighter, looser = inside(moved, sizes)
            ratio = looked_up[moved.margin_type] - 1
            assert (tighter == (ratio > 1e-9)).all(), (change.symbol, change.after, moved)
            assert (looser == (ratio < -1e-9)).all(), (change.symbol, change.after, moved)


def test_the_largest_rise_and_fall_are_those_of_the_rows() -> None:
    for old, new, change in compared():
        due = extremes(old, new)
        for moved in change.moved:
            highest, lowest = due[moved.margin_type].max(), due[moved.margin_type].min()
            rise, fall = max(highest, 0.0), min(lowest, 0.0)
            assert (moved.largest_rise or 0.0) == pytest.approx(rise, rel=1e-6, abs=1e-9)
            assert (moved.largest_fall or 0.0) == pytest.approx(fall, rel=1e-6, abs=1e-9)
