"""Moves of one schedule's contract against the margins of their day, by size and by year."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from harmonize.adequacy.close_out import LEAST_LIQUIDATIONS, LEAST_WINDOWS
from harmonize.adequacy.contract_risk import CloseOutMoves, VenueRisk
from harmonize.adequacy.horizons import Side
from harmonize.adequacy.table_history import (
    TableBacktest,
    TableStep,
    YearBreaches,
    backtest_initial,
    backtest_maintenance,
)
from harmonize.adequacy.table_steps import table_steps
from harmonize.api.audit import Question
from harmonize.api.history import ArchivedRows, archived_rows
from harmonize.api.question import ADEQUACY_NOTIONALS
from harmonize.core.schedule import MaintenanceMeaning, MarginSchedule, Unknown
from harmonize.history import queries
from harmonize.market.prices import SeriesId

_LEAST_TABLES = 2


@dataclass(frozen=True, slots=True)
class HistoryBacktest:
    """Backtest of one schedule's margin type and side, per size, on the tables in force at each move.

    IM is compared with moves from close to close over ``seconds``, and MM with the farthest move
    within them. With ``after_liquidation``, only moves count that follow a candle which closed beyond
    IM − MM of its day. ``tables`` is the number of different tables, observed from ``first`` to
    ``last``; ``is_bound`` if some of their dates are upper bounds.
    """

    venue: str
    symbol: str
    underlying: str
    margin_type: str
    side: Side
    seconds: int
    after_liquidation: bool
    series: SeriesId
    tables: int
    first: datetime
    last: datetime
    is_bound: bool
    sizes: tuple[TableBacktest, ...]

    def breach_share(self, year: YearBreaches) -> float | None:
        """Returns the share of moves of a year above the margin; None: too few moves for a share."""
        least = LEAST_LIQUIDATIONS if self.after_liquidation else LEAST_WINDOWS
        return None if year.observations < least else 1 - year.achieved


@dataclass(frozen=True, slots=True)
class _Tables:
    """Dated tables of a schedule as steps per size, with their number and dates."""

    schedule: MarginSchedule
    steps: Mapping[float, Sequence[TableStep]]
    count: int
    first: datetime
    last: datetime
    is_bound: bool


def archived_tables(
    question: Question, underlyings: Collection[str], as_of: datetime
) -> ArchivedRows:
    """Returns the observed tables of underlyings up to a time. Raises ArchiveError."""
    assets = sorted(underlyings)
    return archived_rows(
        question, as_of, lambda store: queries.rows_of_underlyings(store, assets, as_of)
    )


def history_backtests(
    archived: ArchivedRows,
    schedule: MarginSchedule,
    risk: VenueRisk,
    notionals: Sequence[float],
) -> tuple[HistoryBacktest, ...]:
    """Returns the backtests of a schedule against its observed tables; none without two of them.

    IM is tested over one day, MM over the shortest close-out window.
    """
    tables = _tables(archived, schedule, notionals)
    if tables is None:
        return ()
    results = [
        _of(tables, side, moves.series.id, moves.seconds, backtest_initial(moves, tables.steps))
        for side in Side
        for moves in risk.clearing_of(side)[:1]
    ]
    windows = [_shortest(risk, side) for side in Side]
    if schedule.meaning is MaintenanceMeaning.LIQUIDATION:
        results += [
            _of_maintenance(tables, window, after_liquidation=is_after)
            for window in windows
            if window is not None
            for is_after in (False, True)
        ]
    return tuple(results)


def _of_maintenance(
    tables: _Tables, window: CloseOutMoves, *, after_liquidation: bool
) -> HistoryBacktest:
    sizes = backtest_maintenance(window, tables.steps, after_liquidation=after_liquidation)
    result = _of(tables, window.side, window.series.id, window.seconds, sizes)
    return replace(result, margin_type="maintenance", after_liquidation=after_liquidation)


def _of(
    tables: _Tables,
    side: Side,
    series: SeriesId,
    seconds: int,
    sizes: tuple[TableBacktest, ...],
) -> HistoryBacktest:
    instrument = tables.schedule.instrument
    return HistoryBacktest(
        venue=instrument.venue,
        symbol=instrument.symbol,
        underlying=instrument.underlying.asset,
        margin_type="initial",
        side=side,
        seconds=seconds,
        after_liquidation=False,
        series=series,
        tables=tables.count,
        first=tables.first,
        last=tables.last,
        is_bound=tables.is_bound,
        sizes=sizes,
    )


def _shortest(risk: VenueRisk, side: Side) -> CloseOutMoves | None:
    if isinstance(risk.close_out, Unknown):
        return None
    own = (window for window in risk.close_out if window.side is side)
    return min(own, key=lambda window: window.seconds, default=None)


def _tables(
    archived: ArchivedRows, schedule: MarginSchedule, notionals: Sequence[float]
) -> _Tables | None:
    rows = archived.rows.get(schedule.key, [])
    if len(rows) < _LEAST_TABLES:
        return None
    times = archived.times_of(schedule.key)
    sizes = sorted({*notionals, *ADEQUACY_NOTIONALS})
    return _Tables(
        schedule=schedule,
        steps={size: table_steps(rows, times, size) for size in sizes},
        count=len(rows),
        first=rows[0].observed_at,
        last=times[-1],
        is_bound=any(not row.precision.is_exact for row in rows),
    )
