"""Dated margin tables of one schedule as steps of the margin of one position size."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from harmonize.adequacy.table_history import TableStep
from harmonize.core.date_precision import CLOSE_DAYS
from harmonize.core.schedule import Unknown
from harmonize.document.rows import AT_LEAST
from harmonize.history.queries import margin_of
from harmonize.history.table_rows import NOT_IN_FORCE, ScheduleRow

LONGEST_PAUSE = timedelta(days=CLOSE_DAYS)
"""Longest time after an observation for which its table counts as known, if the next one differs."""


def table_steps(
    rows: Sequence[ScheduleRow], times: Sequence[datetime], notional: float
) -> tuple[TableStep, ...]:
    """Returns the margins of a position of ``notional`` USD from each observation on.

    ``rows`` are the states of one schedule and ``times`` all observations of its contract, both in
    order of time. A margin that two consecutive observations show is known in between. Otherwise it
    is known until the next observation, but for ``LONGEST_PAUSE`` at most.
    """
    steps = [_step(row, at, notional) for row, at in _in_force(rows, times)]
    following = [*pairwise(steps), *((step, None) for step in steps[-1:])]
    return tuple(_limited(step, after) for step, after in following)


def _in_force(
    rows: Sequence[ScheduleRow], times: Sequence[datetime]
) -> list[tuple[ScheduleRow, datetime]]:
    """Returns each observation from the first row on, with the row in force."""
    result: list[tuple[ScheduleRow, datetime]] = []
    following = 0
    for at in sorted({*times, *(row.observed_at for row in rows)}):
        while following < len(rows) and rows[following].observed_at <= at:
            following += 1
        if following:
            result.append((rows[following - 1], at))
    return result


def _step(row: ScheduleRow, at: datetime, notional: float) -> TableStep:
    return TableStep(
        at,
        _rate(row, "initial", notional, row.initial_status),
        _rate(row, "maintenance", notional, row.maintenance_status),
    )


def _limited(step: TableStep, after: TableStep | None) -> TableStep:
    if after is not None and (step.initial, step.maintenance) == (after.initial, after.maintenance):
        return step
    return TableStep(
        step.valid_from, step.initial, step.maintenance, step.valid_from + LONGEST_PAUSE
    )


def _rate(row: ScheduleRow, margin_type: str, notional: float, status: str) -> float | Unknown:
    if row.kind in NOT_IN_FORCE:
        return Unknown(f"the contract was {row.kind}")
    if status == AT_LEAST:
        return Unknown("a lower bound")
    margin = margin_of(row, margin_type, notional)
    if margin is None:
        return Unknown("not published for this size")
    rate = margin / notional
    return rate if 0 < rate <= 1 else Unknown(f"{rate:g} of the position")
