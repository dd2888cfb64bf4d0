"""Charts of margins against moves: over time, and over position size."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from harmonize.document import AdequacyRow, MoveRow, PieceRow, ScheduleRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.charts.horizon_lines import LevelLine, MoveLine, Point, horizon_lines, size_lines
from reports.charts.svg import EMPHASISED, Frame, line_css
from reports.html.emphasis import venues_to_name
from reports.html.page import Chart
from reports.piece_values import margin_at, pieces_of
from reports.site.addresses import id_slug
from reports.site.adequacy_addresses import adequacy_path
from reports.site.adequacy_words import duration, level_text
from reports.site.figures import Figure, figure
from reports.site.report_context import ReportContext

SIDES = ("long", "short")

_MARGINS = (("initial", "IM"), ("maintenance", "MM"))
_DAY = 86_400.0
_STEPS = 24
"""Number of sizes at which a line over size is drawn."""


MoveKey = tuple[str, str, str]
"""Underlying, venue and side."""


def moves_by_venue(context: ReportContext) -> Mapping[MoveKey, list[MoveRow]]:
    """Returns the measured moves that speak for each venue, shortest horizon first."""
    groups: dict[MoveKey, list[MoveRow]] = {}
    for row in context.document.adequacy.moves:
        for venue in row.venues:
            groups.setdefault((row.underlying, venue, row.side), []).append(row)
    return {
        key: sorted(rows, key=lambda row: (row.seconds, row.series)) for key, rows in groups.items()
    }


def time_figures(
    context: ReportContext, underlying: str, rows: Sequence[AdequacyRow], folder: str
) -> Iterator[Figure]:
    """Yields a chart per side: the move at the level against time, and the venues' margins as lines.

    ``rows`` are the verdicts on one underlying at one size, worst first; ``folder`` begins the paths of
    the files.
    """
    for side in SIDES:
        own = [row for row in rows if row.side == side]
        moves = [
            move
            for move in context.document.adequacy.moves
            if move.underlying == underlying and move.side == side
        ]
        if own and any(move.move for move in moves):
            stem = f"{folder}{_file_name(underlying)}-{id_slug(side)}"
            yield figure("Moves", _time_chart(context, side, own, moves), stem)


def _file_name(underlying: str) -> str:
    return adequacy_path(underlying).rpartition("/")[2].removesuffix(".html")


def _time_chart(
    context: ReportContext, side: str, rows: Sequence[AdequacyRow], moves: Sequence[MoveRow]
) -> Chart:
    level = level_text(context.document.adequacy.level)
    size = numbers.usd(rows[0].notional)
    underlying = rows[0].underlying
    groups = _groups(moves)
    lines = [_move_line(level, side, group, index == 0) for index, group in enumerate(groups)]
    title = f"{underlying}: {level} move and margins at {size}, {side}"
    name = f"{level} move of {underlying} against time, {side}"
    key = f"moves-{_file_name(underlying)}-{id_slug(side)}"
    svg = horizon_lines(Frame(key, name, ""), lines, _levels(context, rows))
    return Chart(
        title=title,
        unit="share of notional, by time",
        svg=svg,
        legend=(),
        caption=_time_caption(level, groups, rows),
        columns=("Line", "Time", "Rate", "Interval", "Moves", "Prices"),
        rows=(*_move_cells(level, moves), *_margin_cells(rows)),
        dates="",
    )


def _groups(moves: Sequence[MoveRow]) -> list[list[MoveRow]]:
    """Returns the moves by the venues for which they speak, those of most venues first."""
    groups: dict[tuple[str, ...], list[MoveRow]] = {}
    for move in moves:
        groups.setdefault(move.venues, []).append(move)
    return sorted(groups.values(), key=lambda group: (-len(group[0].venues), group[0].venues))


def _move_line(level: str, side: str, group: Sequence[MoveRow], is_first: bool) -> MoveLine:  # noqa: FBT001 - by position
    known = sorted((move for move in group if move.move), key=lambda move: move.seconds)
    venues = join_words(group[0].venues, 2)
    name = f"{level} move, {side}" if is_first else f"{level} move of {venues}"
    return MoveLine(
        name,
        "ref",
        tuple((float(move.seconds), move.move) for move in known if move.move is not None),
        tuple(
            (float(move.seconds), move.lower, move.upper)
            for move in known
            if move.lower is not None and move.upper is not None
        ),
        is_first,
    )


def _levels(context: ReportContext, rows: Sequence[AdequacyRow]) -> list[LevelLine]:
    """Returns IM and MM of each venue as lines; those of as many venues as fit are emphasised."""
    by_venue: dict[str, AdequacyRow] = {}
    for row in rows:
        by_venue.setdefault(row.venue, row)
    compared = [(row.initial, row.venue) for row in by_venue.values() if row.initial]
    named = venues_to_name(compared, by_venue, (EMPHASISED - 1) // len(_MARGINS))
    lines = []
    for venue, row in by_venue.items():
        for name, rate in zip(("IM", "MM"), (row.initial, row.maintenance), strict=True):
            if rate:
                css = line_css(context.styles.get(venue, 0))
                label = f"{venue} {name} {numbers.rate(rate)}"
                lines.append(LevelLine(label, css, rate, venue in named))
    return lines


def _time_caption(
    level: str, groups: Sequence[Sequence[MoveRow]], rows: Sequence[AdequacyRow]
) -> str:
    series = join_words(list(dict.fromkeys(move.series for move in groups[0] if move.series)), 4)
    worst = rows[0]
    known = [
        f"{name} {duration_of(worst, margin)}"
        for margin, name in (("maintenance", "MM"), ("initial", "IM"))
    ]
    others = ""
    if len(groups) > 1:
        count = numbers.count_text(len(groups) - 1, "further move", "further moves")
        others = f" {count} of venues with prices of their own in grey, named on hover and focus."
    return (
        f"A margin holds up to the time at which the {level} move reaches it; {worst.venue},"
        f" the worst: {join_words(known)}. Shaded: 95 % interval, where it is bounded."
        f" Prices: {series}, for {join_words(list(groups[0][0].venues), 3)}.{others}"
    )


def duration_of(row: AdequacyRow, margin: str) -> str:
    """Returns how long one margin of a verdict holds, in words."""
    holding = next((part for part in row.holding if part.margin == margin), None)
    if holding is None or holding.seconds is None:
        return "for an unknown time"
    words = {"shorter": "under ", "longer": "beyond "}.get(holding.bound, "")
    return f"{words}{duration(holding.seconds)}"


def _move_cells(level: str, moves: Sequence[MoveRow]) -> Iterator[tuple[str, ...]]:
    for move in moves:
        name = f"{level} move, {join_words(move.venues, 3)}"
        if move.move is None:
            yield (name, duration(move.seconds), f"n/o: {move.reason}", "", "", move.series)
            continue
        upper = "unbounded" if move.upper is None else numbers.rate(move.upper)
        interval = "" if move.lower is None else f"{numbers.rate(move.lower)} to {upper}"
        count = "" if move.observations is None else numbers.count(move.observations)
        rate = numbers.rate(move.move)
        yield (name, duration(move.seconds), rate, interval, count, move.series)


def _margin_cells(rows: Sequence[AdequacyRow]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        for margin, name in _MARGINS:
            rate = row.initial if margin == "initial" else row.maintenance
            held = duration_of(row, margin)
            shown = "n/o" if rate is None else numbers.rate(rate)
            yield (f"{row.venue} {row.symbol} {name}", held, shown, "", "", "")


def size_figures(
    context: ReportContext,
    schedules: Mapping[tuple[str, str, str], ScheduleRow],
    rows: Sequence[AdequacyRow],
    folder: str,
) -> Iterator[Figure]:
    """Yields a chart per venue with a known volume: IM and MM over size, and the measured moves.

    The move at each size is that over the time in which a position of this size is closed. The script
    of the page makes the files.
    """
    moves = moves_by_venue(context)
    seen = set()
    for row in rows:
        schedule = schedules.get((row.venue, row.symbol, row.profile))
        if row.volume and schedule is not None and row.venue not in seen:
            seen.add(row.venue)
            chart = _size_chart(context, row, schedule, moves)
            if chart is not None:
                stem = f"{folder}{_file_name(row.underlying)}-size-{id_slug(row.venue)}"
                yield figure("Sizes", chart, stem, has_files=False)


def _size_chart(
    context: ReportContext,
    row: AdequacyRow,
    schedule: ScheduleRow,
    moves: Mapping[MoveKey, list[MoveRow]],
) -> Chart | None:
    sizes = _sizes(context)
    css = line_css(context.styles.get(row.venue, 0))
    level = level_text(context.document.adequacy.level)
    margins = [
        MoveLine(f"{row.venue} {name}", css, _margin_points(schedule, margin_type, sizes))
        for margin_type, name in _MARGINS
    ]
    measured = [
        MoveLine(
            f"{level} move, {side}",
            "ref" if side == "long" else "ref d2",
            _moves_over_size(row, moves.get((row.underlying, row.venue, side), ()), sizes),
        )
        for side in SIDES
    ]
    if not any(line.points for line in margins) or not any(line.points for line in measured):
        return None
    key = f"size-{_file_name(row.underlying)}-{id_slug(row.venue)}"
    title = f"{row.venue} {row.symbol}: required and measured rate"
    frame = Frame(key, title, "")
    return Chart(
        title=title,
        unit="share of notional, by notional",
        svg=size_lines(frame, [*margins, *measured]),
        legend=(),
        caption=_size_caption(row, level, measured, sizes[0]),
        columns=("Size", "Close-out time", "IM", "MM", *(line.name for line in measured)),
        rows=tuple(_size_rows(row, (*margins, *measured), context.document.notional_grid)),
        dates=numbers.observation_date(row.observed_at, row.observed_from, row.date_kind),
    )


def _sizes(context: ReportContext) -> list[float]:
    grid = context.document.notional_grid or (1e4, 1e8)
    first, last = grid[0], grid[-1]
    if first >= last:
        last = first * 10.0
    steps = {first * (last / first) ** (step / _STEPS) for step in range(_STEPS + 1)}
    return sorted({*steps, *grid})


def _margin_points(
    schedule: ScheduleRow, margin_type: str, sizes: Sequence[float]
) -> tuple[Point, ...]:
    """Returns the margin rate at each size, and on both sides of each tier bound, while it is known."""
    bounds = {piece.upper for piece in pieces_of(schedule, margin_type) if _is_inner(piece, sizes)}
    beyond = {bound * (1.0 + 1e-9) for bound in bounds if bound is not None}
    inner = {bound for bound in bounds if bound is not None}
    points = []
    for size in sorted({*sizes, *inner, *beyond}):
        amount = margin_at(schedule, margin_type, size).amount
        if amount:
            points.append((size, amount / size))
    return tuple(points)


def _is_inner(piece: PieceRow, sizes: Sequence[float]) -> bool:
    return piece.upper is not None and sizes[0] < piece.upper < sizes[-1]


def close_out_seconds(row: AdequacyRow, size: float) -> float | None:
    """Returns the time in which a position of a size is closed: N ÷ (π × ADV); None without volume."""
    if not row.volume or not row.participation:
        return None
    return size / (row.participation * row.volume) * _DAY


def move_over(moves: Sequence[MoveRow], seconds: float) -> float | None:
    """Returns the move over a time by log-log interpolation; None beyond the measured horizons."""
    known = [(float(move.seconds), move.move) for move in moves if move.move]
    for (start, below), (end, above) in pairwise(known):
        if start <= seconds <= end and start < end:
            share = math.log(seconds / start) / math.log(end / start)
            return below * math.exp(math.log(above / below) * share)
    return None


def _moves_over_size(
    row: AdequacyRow, moves: Sequence[MoveRow], sizes: Sequence[float]
) -> tuple[Point, ...]:
    points = []
    for size in sizes:
        seconds = close_out_seconds(row, size)
        move = None if seconds is None else move_over(moves, seconds)
        if move is not None:
            points.append((size, move))
    return tuple(points)


def _size_caption(
    row: AdequacyRow, level: str, measured: Sequence[MoveLine], smallest: float
) -> str:
    first = min((line.points[0][0] for line in measured if line.points), default=smallest)
    from_text = (
        f" Below {numbers.usd(first)}, the close-out is shorter than the first measured horizon."
        if first > smallest
        else ""
    )
    return (
        f"Margin of {row.venue} {row.symbol}, and the {level} move over the time in which a position"
        f" of the size is closed at {numbers.rate(row.participation)} of {numbers.usd(row.volume)} a"
        f" day. Where a move lies above MM, MM does not cover it.{from_text}"
    )


def _size_rows(
    row: AdequacyRow, lines: Sequence[MoveLine], grid: Sequence[float]
) -> Iterator[tuple[str, ...]]:
    for size in grid:
        seconds = close_out_seconds(row, size)
        cells = [numbers.usd(size), "" if seconds is None else duration(seconds)]
        for line in lines:
            rate = next((rate for at, rate in line.points if at == size), None)
            cells.append(numbers.rate(rate))
        yield tuple(cells)
