"""Charts of a stress: moves against shocks, now and harmonized, and liquidations by price."""

from collections.abc import Iterable, Iterator, Sequence

from harmonize.document import StressPointRow, StressRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.charts.density_bars import CliffMark, DensityBin, density_bars
from reports.charts.horizon_lines import MoveLine, Point, shock_lines
from reports.charts.svg import Frame
from reports.html.page import Chart
from reports.site.addresses import underlying_slug
from reports.site.figures import Figure, figure
from reports.site.report_context import ReportContext
from reports.site.stress_words import harmonized_key, multiplier, rules_name

_TODAY = "rules in force"

Outcome = tuple[float, float, float]
"""Shock, liquidity multiplier and move."""


def stress_figures(context: ReportContext, row: StressRow, folder: str) -> list[Figure]:
    """Returns the charts of one underlying that have data; ``folder`` begins the paths of their files."""
    slug = underlying_slug(row.underlying)
    charts = [
        *([(_curve_chart(row), "curve")] if row.points else []),
        *([(_density_chart(context, row), "density")] if row.density else []),
    ]
    return [figure("Stress", chart, f"{folder}{slug}-{kind}") for chart, kind in charts]


def _curve_chart(row: StressRow) -> Chart:
    title = f"Move of {row.underlying} against the shock"
    key = harmonized_key([(changed.what_if, changed.rule_set) for changed in row.changed])
    name = rules_name(*key) if key else ""
    lines = [
        _line(_TODAY, "c0 d0", "b0", [(p.shock, p.liquidity, p.move) for p in row.points]),
        *(
            [_line(name, "c1 d1", "b1", _changed_outcomes(row, key), _first_behaviour(row, key))]
            if key
            else []
        ),
    ]
    return Chart(
        title=title,
        unit="move of the price, share of the first mark",
        svg=shock_lines(Frame(f"stress-curve-{underlying_slug(row.underlying)}", title, ""), lines),
        legend=(),
        caption=_curve_caption(row, name),
        columns=(
            *("Shock", "Liquidity", "Move", "Move ÷ shock", "Liquidated", "Share", "5–95 %"),
            *("Loss beyond margin", f"Move, {name}" if name else "Move, other rules"),
        ),
        rows=tuple(_curve_cells(row, key)),
        dates=numbers.date_range(row.oldest, row.newest),
    )


def _changed_outcomes(row: StressRow, key: tuple[str, str]) -> list[Outcome]:
    return [
        (changed.shock, changed.liquidity, changed.move)
        for changed in row.changed
        if (changed.what_if, changed.rule_set) == key
    ]


def _first_behaviour(row: StressRow, key: tuple[str, str]) -> list[Outcome]:
    """Returns the outcomes of the first reaction of traders, whose line is drawn."""
    outcomes = [point for point in row.changed if (point.what_if, point.rule_set) == key]
    return [
        (point.shock, point.liquidity, point.move)
        for point in outcomes
        if point.behaviour == outcomes[0].behaviour
    ]


def _line(
    name: str,
    css: str,
    band_css: str,
    outcomes: Sequence[Outcome],
    drawn: Sequence[Outcome] | None = None,
) -> MoveLine:
    """Returns the line of the middle multiplier, and the band from the least to the largest move.

    The axes are logarithmic, without a shock of 0.
    """
    known = [outcome for outcome in outcomes if outcome[0] > 0.0 and outcome[2] > 0.0]
    liquidities = sorted({liquidity for _, liquidity, _ in known})
    middle = liquidities[(len(liquidities) - 1) // 2] if liquidities else 0.0
    label = f"{name}, {multiplier(middle)}"
    points: list[Point] = sorted(
        (shock, move)
        for shock, liquidity, move in (known if drawn is None else drawn)
        if liquidity == middle and shock > 0.0
    )
    moves: dict[float, list[float]] = {}
    for shock, _, move in known:
        moves.setdefault(shock, []).append(move)
    band = tuple((shock, min(values), max(values)) for shock, values in sorted(moves.items()))
    ends = f"{multiplier(liquidities[0])} to {multiplier(liquidities[-1])}" if liquidities else ""
    note = f"{name}, liquidity multipliers {ends}"
    return MoveLine(label, css, tuple(points), band, band_name=note, band_css=band_css)


def _curve_caption(row: StressRow, name: str) -> str:
    multipliers = join_words(
        [multiplier(liquidity) for liquidity in sorted({p.liquidity for p in row.points})]
    )
    reference = (
        f" {name}: traders below the new IM keep their notional on the line, and the band has both"
        " reactions."
        if name
        else ""
    )
    return (
        f"Longs of {row.underlying} on {numbers.count_text(len(row.venues), 'venue')}. Line: the middle"
        f" liquidity multiplier. Shaded: the multipliers {multipliers} on volatility, which are"
        f" assumed.{reference} Where both bands overlap, the liquidity matters more than the rules."
    )


def _curve_cells(row: StressRow, key: tuple[str, str] | None) -> Iterator[tuple[str, ...]]:
    for point in sorted(row.points, key=lambda point: (point.shock, point.liquidity)):
        low, high = numbers.usd(point.liquidated_low), numbers.usd(point.liquidated_high)
        is_sampled = point.liquidated_low is not None
        yield (
            numbers.rate(point.shock),
            multiplier(point.liquidity),
            numbers.rate(point.move),
            numbers.times(point.amplification, 3) if point.amplification else "–",
            numbers.usd(point.liquidated),
            numbers.rate(point.share),
            f"{low} to {high}" if is_sampled else "–",
            numbers.usd(point.loss),
            _changed_move(row, key, point),
        )


def _changed_move(row: StressRow, key: tuple[str, str] | None, point: StressPointRow) -> str:
    """Returns the moves under other rules at a shock and multiplier, from the least to the largest."""
    moves = sorted(
        changed.move
        for changed in row.changed
        if (changed.what_if, changed.rule_set) == key
        and (changed.shock, changed.liquidity) == (point.shock, point.liquidity)
    )
    return " to ".join(dict.fromkeys(numbers.rate(move) for move in moves)) or "–"


def _density_chart(context: ReportContext, row: StressRow) -> Chart:
    title = f"Liquidations of {row.underlying} by price and venue"
    bins: dict[str, list[DensityBin]] = {}
    for bin_row in row.density:
        bins.setdefault(bin_row.venue, []).append(
            DensityBin(bin_row.lower, bin_row.upper, bin_row.notional)
        )
    cliffs = [
        CliffMark(
            cliff.before,
            f"cliff at a shock of {numbers.rate(cliff.shock)}, liquidity"
            f" {multiplier(cliff.liquidity)}: the move jumps from {numbers.rate(cliff.before)} to"
            f" {numbers.rate(cliff.after)}, {numbers.usd(cliff.notional)}",
        )
        for cliff in row.cliffs
    ]
    slug = underlying_slug(row.underlying)
    return Chart(
        title=title,
        unit="notional of longs",
        svg=density_bars(Frame(f"stress-density-{slug}", title, ""), bins, cliffs, context.styles),
        legend=(),
        caption=_density_caption(row),
        columns=("Fall from", "to", *bins, "All venues"),
        rows=tuple(_density_cells(bins)),
        dates=numbers.date_range(row.oldest, row.newest),
    )


def _density_caption(row: StressRow) -> str:
    cliffs = (
        f"Dashed: {numbers.count_text(len(row.cliffs), 'cliff')}, at the price from which it begins."
        if row.cliffs
        else "No cliff to mark: no shock makes the move jump by at least 1 %."
    )
    width = numbers.rate(row.density[0].upper - row.density[0].lower)
    basis = (
        "effective leverage that is mostly assumed, not the orders of the venues"
        if row.is_synthetic
        else "the given positions"
    )
    return (
        f"What practitioners know as a liquidation map: longs that are liquidated in each {width} of"
        f" fall, before any forced sale moves the price. {cliffs} The map rests on {basis}."
    )


def _density_cells(bins: dict[str, list[DensityBin]]) -> Iterator[tuple[str, ...]]:
    by_bounds: dict[tuple[float, float], dict[str, float]] = {}
    for venue, rows in bins.items():
        for bin_row in rows:
            by_bounds.setdefault((bin_row.lower, bin_row.upper), {})[venue] = bin_row.notional
    for (lower, upper), notionals in sorted(by_bounds.items()):
        amounts: Iterable[float] = (notionals.get(venue, 0.0) for venue in bins)
        total = sum(notionals.values())
        yield (
            numbers.rate(lower),
            numbers.rate(upper),
            *map(numbers.usd, amounts),
            numbers.usd(total),
        )
