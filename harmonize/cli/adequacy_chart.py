"""Chart of an answer on margins: the move against time, with IM and MM of the venues as lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harmonize.adequacy.horizons import HorizonMove, Side
from harmonize.adequacy.tail import TailEstimate
from harmonize.adequacy.verdict import Adequacy
from harmonize.api.adequacy import AdequacyAnswer, MoveCurve
from harmonize.core.schedule import Unknown, known_or_none
from harmonize.document.adequacy_sentences import crossing_text
from harmonize.text import numbers
from harmonize.text.messages import percent
from harmonize.text.words import join_words
from reports.charts.horizon_lines import LevelLine, MoveLine, horizon_lines
from reports.charts.svg import COLOURS, EMPHASISED, Frame
from reports.html.chart_file import framed_chart
from reports.html.page import Chart

_MOVE_LINES = {Side.LONG: "ref", Side.SHORT: "ref d2"}
"""Style of the move of each side: two of the emphasised lines of a chart."""

_IM, _MM = "d0", "d1"


@dataclass(frozen=True, slots=True)
class _Venue:
    """Margins of one venue at one size; None if a rate is unknown."""

    name: str
    initial: float | None
    maintenance: float | None


def adequacy_chart(answer: AdequacyAnswer) -> bytes:
    """Returns the chart of an answer on one underlying as an SVG file, at its first size.

    The venues with the worst verdicts are emphasised. The moves are those that speak for the worst
    one, of which the caption names the series.
    """
    worst = answer.verdicts[0]
    underlying, size = worst.position.underlying, answer.terms.notionals[0]
    verdicts = [v for v in answer.verdicts if v.position.notional == size] or [worst]
    curve = _curve_of(answer, verdicts[0])
    level = f"{answer.terms.level * 100:g} %"
    moves = [_move_line(side, curve.moves, level) for side in Side]
    caption = _caption(verdicts, curve, level)
    title = f"{level} move of {underlying} against time, and margins at {numbers.usd(size)}"
    frame = Frame("adequacy", title, caption)
    chart = Chart(
        title=title,
        unit="loss and margin as a share of notional",
        svg=horizon_lines(frame, moves, _levels(_venues(verdicts))),
        legend=(),
        caption=caption,
        columns=(),
        rows=(),
        dates=f"prices up to {_last_close(answer):%Y-%m-%d}",
    )
    return framed_chart(chart, title)


def _last_close(answer: AdequacyAnswer) -> datetime:
    """Returns the close of the last candle of the series used."""
    return max((card.end for card in answer.cards if card.end is not None), default=answer.as_of)


def _curve_of(answer: AdequacyAnswer, verdict: Adequacy) -> MoveCurve:
    position = verdict.position
    return next(
        curve
        for curve in answer.curves
        if curve.underlying == position.underlying and position.venue in curve.venues
    )


def _move_line(side: Side, moves: Sequence[HorizonMove], level: str) -> MoveLine:
    measured = [
        (move.horizon, move.estimate)
        for move in moves
        if move.side is side and isinstance(move.estimate, TailEstimate) and move.estimate.value > 0
    ]
    return MoveLine(
        f"{level} move, {side}",
        _MOVE_LINES[side],
        tuple((horizon, estimate.value) for horizon, estimate in measured),
        tuple(
            (horizon, estimate.lower, estimate.upper)
            for horizon, estimate in measured
            if estimate.lower is not None
            and estimate.upper is not None
            and estimate.upper < float("inf")
        ),
    )


def _venues(verdicts: Sequence[Adequacy]) -> list[_Venue]:
    """Returns each venue once, worst first."""
    by_name: dict[str, _Venue] = {}
    for verdict in verdicts:
        position = verdict.position
        rates = (known_or_none(rate) for rate in (position.initial, position.maintenance))
        by_name.setdefault(position.venue, _Venue(position.venue, *rates))
    return list(by_name.values())


def _levels(venues: Sequence[_Venue]) -> list[LevelLine]:
    emphasised = (EMPHASISED - len(_MOVE_LINES)) // 2
    return [
        LevelLine(
            f"{venue.name} {name} {percent(rate)}",
            f"c{number % COLOURS} {dash}",
            rate,
            is_emphasised=number < emphasised,
        )
        for number, venue in enumerate(venues)
        for name, rate, dash in (("IM", venue.initial, _IM), ("MM", venue.maintenance, _MM))
        if rate is not None
    ]


def _caption(verdicts: Sequence[Adequacy], curve: MoveCurve, level: str) -> str:
    worst = verdicts[0]
    parts = [
        f"{name} {answer.reason if isinstance(answer, Unknown) else crossing_text(answer.time.bound, answer.time.seconds)}"
        for name, answer in (
            ("MM", worst.holding.maintenance),
            ("IM − MM", worst.holding.buffer),
            ("IM", worst.holding.initial),
        )
    ]
    series = dict.fromkeys(str(move.series) for move in curve.moves if move.series is not None)
    return (
        f"A margin holds until the {level} move reaches it. {worst.position.venue} "
        f"({worst.side}): {join_words(parts)}. The shaded area is the 95 % interval, where it is "
        f"bounded. Moves for {worst.position.venue}: {join_words(list(series))}."
    )
