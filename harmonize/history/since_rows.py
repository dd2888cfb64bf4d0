"""Since when the schedules of a document have had their margins, at each of its notionals."""

from collections.abc import Iterator, Mapping, Sequence

from harmonize.document import AuditDocument, PieceRow, ScheduleRow
from harmonize.document.history import MarginSince, SinceRow
from harmonize.history.recent import ScheduleKey
from harmonize.history.since import margin_since, own_observation
from harmonize.history.table_rows import ScheduleRow as TableRow
from harmonize.numerics.offer import margin_of_pieces
from harmonize.numerics.panel import PieceNumbers

_INFINITY = float("inf")


def since_rows(
    document: AuditDocument, rows: Mapping[ScheduleKey, Sequence[TableRow]]
) -> tuple[SinceRow, ...]:
    """Returns a row per schedule, margin type and date, where it is not the schedule's own date.

    ``rows`` are those of each schedule in chronological order. Lower bounds and margins above the
    largest position are no margins, and have no date.
    """
    return tuple(
        row
        for schedule in document.schedules
        for row in _rows_of(
            schedule,
            rows.get((schedule.venue, schedule.symbol, schedule.profile), ()),
            document.notional_grid,
        )
    )


def _rows_of(
    schedule: ScheduleRow, rows: Sequence[TableRow], notionals: Sequence[float]
) -> Iterator[SinceRow]:
    if not rows:
        return
    own = own_observation(schedule.observed_at, schedule.observed_from, schedule.date_kind)
    functions = (("initial", schedule.initial), ("maintenance", schedule.maintenance))
    for margin_type, pieces in functions:
        numbers = [_numbers(piece) for piece in pieces if not piece.bound]
        by_date: dict[MarginSince, list[float]] = {}
        for notional in notionals:
            is_accepted = schedule.capacity is None or notional <= schedule.capacity
            margin = margin_of_pieces(numbers, notional) if is_accepted else None
            if margin is None:
                continue
            since = margin_since(rows, margin_type, notional, margin)
            if since is not None and since != own:
                by_date.setdefault(since, []).append(notional)
        key = (schedule.venue, schedule.symbol, schedule.profile)
        for since, own_notionals in by_date.items():
            yield SinceRow(*key, margin_type, tuple(own_notionals), since)


def _numbers(piece: PieceRow) -> PieceNumbers:
    upper = _INFINITY if piece.upper is None else piece.upper
    return piece.lower, upper, piece.fixed, piece.rate, piece.coefficient, piece.power
