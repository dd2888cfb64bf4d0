"""Figure of margin rates by notional, for notebooks. Importing this module loads matplotlib."""

from collections.abc import Sequence
from io import BytesIO

from matplotlib.figure import Figure

from harmonize.core.schedule import piece_margin
from harmonize.document import PieceRow, ScheduleRow
from harmonize.text import numbers
from harmonize.text.sanitize import short
from harmonize.text.words import margin_name

_SMALLEST, _LARGEST = 1e3, 1e9
_PER_PIECE = 24
"""Number of points of a curved piece."""

_MAX_EMPHASISED = 8
"""Largest number of lines in colour: the lowest margins; the others are grey."""

_LONGEST_NAME = 24


class MarginFigure(Figure):
    """Figure that a notebook shows by itself; ``savefig`` writes it to a file."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()


def margin_figure(schedules: Sequence[ScheduleRow], margin_type: str, as_of: str) -> MarginFigure:
    """Draws the margin rate of each schedule by notional, on logarithmic axes.

    ``schedules`` are those of one underlying; one without the margin is left out.
    """
    curves = [
        (row, _points(getattr(row, margin_type), row.known_up_to))
        for row in schedules
        if getattr(row, margin_type)
    ]
    curves = sorted(
        ((row, x) for row, x in curves if x), key=lambda own: (own[1][0][1], own[0].venue)
    )
    figure = MarginFigure(figsize=(9.0, 5.5), layout="constrained")
    axes = figure.add_subplot()
    for position, (row, points) in enumerate(curves):
        colour = f"C{position}" if position < _MAX_EMPHASISED else "0.75"
        notionals, rates = zip(*points, strict=True)
        label = short(row.venue, _LONGEST_NAME)
        axes.plot(
            notionals, [100.0 * rate for rate in rates], label=label, linewidth=1.6, color=colour
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("position notional, USD")
    axes.set_ylabel(f"{margin_name(margin_type)}, % of notional")
    name = short(schedules[0].underlying, _LONGEST_NAME)
    axes.set_title(f"{name}: {margin_name(margin_type)} by size, as of {numbers.date(as_of)}")
    axes.grid(visible=True, which="major", color="0.9")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=8, frameon=False)
    return figure


def _points(pieces: Sequence[PieceRow], known_up_to: float | None) -> list[tuple[float, float]]:
    """Returns notional and rate at the ends of every piece, and between them on a curve.

    Above ``known_up_to`` margins are lower bounds, and are not drawn.
    """
    limit = _LARGEST if known_up_to is None else min(_LARGEST, known_up_to)
    points = []
    for piece in pieces:
        lower, upper = max(_SMALLEST, piece.lower), min(limit, piece.upper or limit)
        if lower >= upper:
            continue
        is_straight = not piece.coefficient and not piece.fixed
        steps = 1 if is_straight else _PER_PIECE
        points += [
            (notional, _rate(piece, notional))
            for notional in (lower * (upper / lower) ** (step / steps) for step in range(steps + 1))
        ]
    return [(notional, rate) for notional, rate in points if rate > 0.0]


def _rate(piece: PieceRow, notional: float) -> float:
    margin = piece_margin(piece.fixed, piece.rate, piece.coefficient, piece.power, notional)
    return margin / notional
