"""Charts of a stress: moves against shocks, now and harmonized, and liquidations by price."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from harmonize.document import CliffRow, StressChangedCliffRow, StressPointRow, StressRow
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.charts.density_bars import CliffMark, DensityBin, FirstMark, density_bars
from reports.charts.horizon_lines import MoveLine, Point, envelope, shock_lines, with_jumps
from reports.charts.svg import Frame
from reports.html.page import Chart
from reports.site.addresses import underlying_slug
from reports.site.figures import Figure, figure
from reports.site.report_context import ReportContext
from reports.site.stress_changes import harmonized_key, rules_name
from reports.site.stress_words import (
    REACTIONS,
    book_text,
    both,
    dates_line,
    fall_text,
    multiplier,
    volatility_mark,
)
from reports.site.tables import csv_bytes, csv_number

_TODAY = "rules in force"

_NO_CHANGE = 1e-3
"""Difference of two falls, as a share of the price, that an assumed book cannot tell from none."""

_WIDE_BIN = 0.05
"""Width of the bins of the table, which is short enough to print."""

_CURVE_HEADS = (
    *("shock", "liquidity", "move", "amplification", "liquidated_usd", "share_of_open_interest"),
    *("liquidated_5_percent_usd", "liquidated_95_percent_usd", "loss_usd"),
    *("move_other_rules_notional_kept", "move_other_rules_margin_kept", "other_rules"),
)

_BIN_HEADS = ("venue", "fall_from", "fall_to", "price_from_usd", "price_to_usd", "notional_usd")

Outcome = tuple[float, float, float]
"""Shock, liquidity multiplier and move."""

Series = tuple[float, tuple[Point, ...]]
"""Liquidity multiplier, and the moves by shock with both ends of each jump."""


def stress_figures(context: ReportContext, row: StressRow, folder: str) -> list[Figure]:
    """Returns the charts of one underlying that have data; ``folder`` begins the paths of their files."""
    stem = f"{folder}{underlying_slug(row.underlying)}"
    drawn = []
    if row.points:
        curve = figure("Stress", _curve_chart(row), f"{stem}-curve")
        drawn.append(_with_data(curve, f"{stem}-curve", csv_bytes(_CURVE_HEADS, _every_point(row))))
    if row.density:
        map_stem = f"{stem}-density"
        shown = figure("Stress", _density_chart(context, row), map_stem)
        drawn.append(_with_data(shown, map_stem, csv_bytes(_BIN_HEADS, _every_bin(row))))
    return drawn


def _with_data(shown: Figure, stem: str, rows: bytes) -> Figure:
    """Returns a figure whose CSV file has numbers unrounded in place of the text of its table."""
    chart_file, _ = shown.files
    return replace(shown, files=(chart_file, (f"{stem}.csv", rows)))


def _every_point(row: StressRow) -> Iterator[tuple[str, ...]]:
    """Yields the curve with numbers unrounded; the moves of other rules by reaction of traders."""
    key = harmonized_key([(own.what_if, own.rule_set) for own in row.changed])
    for point in sorted(row.points, key=lambda point: (point.shock, point.liquidity)):
        moves = {
            own.behaviour: own.move
            for own in row.changed
            if (own.what_if, own.rule_set) == key
            and (own.shock, own.liquidity) == (point.shock, point.liquidity)
        }
        values = (
            *(point.shock, point.liquidity, point.move, point.amplification, point.liquidated),
            *(point.share, point.liquidated_low, point.liquidated_high, point.loss),
            *(moves.get(behaviour) for behaviour in REACTIONS.split(" / ")),
        )
        yield (*(csv_number(value, 12) for value in values), rules_name(*key) if key else "")


def _curve_chart(row: StressRow) -> Chart:
    title = f"Total fall of {row.underlying} after a sudden one"
    key = harmonized_key([(own.what_if, own.rule_set) for own in row.changed])
    name = rules_name(*key) if key else ""
    lines = [
        _line(_TODAY, "c0 d0", "b0", _series_in_force(row)),
        *([_line(name, "c1 d1", "b1", _series_under(row, key))] if key else []),
    ]
    return Chart(
        title=title,
        unit="with forced sales, share of the price before",
        svg=shock_lines(Frame(f"stress-curve-{underlying_slug(row.underlying)}", title, ""), lines),
        legend=(),
        caption=_curve_caption(row, name, key),
        columns=(
            *("Shock", "Liquidity", "Total fall", "÷ shock", "Liquidated", "Share"),
            *("Sampling only, 5–95 %", "Loss beyond margin"),
            f"Total fall, {name}, {REACTIONS}" if name else "Total fall, other rules",
        ),
        rows=tuple(_curve_cells(row, key)),
        dates=f"margins of {numbers.date_range(row.oldest, row.newest)}",
    )


def _series_in_force(row: StressRow) -> list[Series]:
    """Returns the curve under each liquidity multiplier, with its cliffs."""
    return [
        (
            liquidity,
            with_jumps(
                ((own.shock, own.move) for own in row.points if own.liquidity == liquidity),
                _jumps(own for own in row.cliffs if own.liquidity == liquidity),
            ),
        )
        for liquidity in sorted({own.liquidity for own in row.points})
    ]


def _series_under(row: StressRow, key: tuple[str, str]) -> list[Series]:
    """Returns the curve under other rules by reaction and liquidity multiplier, with its cliffs."""
    changed = [own for own in row.changed if (own.what_if, own.rule_set) == key]
    cliffs = [own for own in row.changed_cliffs if (own.what_if, own.rule_set) == key]
    kinds = dict.fromkeys((own.behaviour, own.liquidity) for own in changed)
    return [
        (
            kind[1],
            with_jumps(
                (
                    (own.shock, own.move)
                    for own in changed
                    if (own.behaviour, own.liquidity) == kind
                ),
                _jumps(own for own in cliffs if (own.behaviour, own.liquidity) == kind),
            ),
        )
        for kind in kinds
    ]


def _jumps(
    cliffs: Iterable[CliffRow | StressChangedCliffRow],
) -> Iterator[tuple[float, float, float]]:
    for cliff in cliffs:
        if cliff.after is not None:
            yield cliff.shock, cliff.before, cliff.after


def _first_behaviour(row: StressRow, key: tuple[str, str]) -> list[Outcome]:
    """Returns the outcomes of the first reaction of traders, whose line is drawn."""
    outcomes = [point for point in row.changed if (point.what_if, point.rule_set) == key]
    return [
        (point.shock, point.liquidity, point.move)
        for point in outcomes
        if point.behaviour == outcomes[0].behaviour
    ]


def _line(name: str, css: str, band_css: str, series: Sequence[Series]) -> MoveLine:
    """Returns the first series of the middle multiplier, and the band from the least to the largest move.

    The axes are logarithmic, without a shock of 0.
    """
    drawn = [(k, tuple(own for own in points if min(own) > 0.0)) for k, points in series]
    liquidities = sorted({liquidity for liquidity, points in drawn if points})
    middle = liquidities[(len(liquidities) - 1) // 2] if liquidities else 0.0
    line = next((points for liquidity, points in drawn if points and liquidity == middle), ())
    ends = f"{multiplier(liquidities[0])} to {multiplier(liquidities[-1])}" if liquidities else ""
    return MoveLine(
        f"{name}, {multiplier(middle)}",
        css,
        line,
        envelope([points for _, points in drawn if points]),
        band_name=f"{name}, liquidity multipliers {ends}",
        band_css=band_css,
    )


def _comparison(row: StressRow, name: str, key: tuple[str, str] | None) -> str:
    """Returns after which shocks the drawn line of other rules is below or above that of today."""
    if key is None:
        return ""
    middles = {own.shock: own.move for own in row.points if own.liquidity == _middle(row)}
    moves = [
        (shock, move - middles[shock])
        for shock, liquidity, move in sorted(_first_behaviour(row, key))
        if liquidity == _middle(row) and shock in middles
    ]
    less = [numbers.axis_rate(shock) for shock, change in moves if change < -_NO_CHANGE]
    more = [numbers.axis_rate(shock) for shock, change in moves if change > _NO_CHANGE]
    parts = [f"less after {join_words(less)}"] if less else []
    parts += [f"further after {join_words(more)}"] if more else []
    if not parts:
        return ""
    return f"Under {name}, by the lines, the price falls {' and '.join(parts)}. "


def _middle(row: StressRow) -> float:
    """Returns the liquidity multiplier of the lines."""
    liquidities = sorted({own.liquidity for own in row.points})
    return liquidities[(len(liquidities) - 1) // 2] if liquidities else 0.0


def _curve_caption(row: StressRow, name: str, key: tuple[str, str] | None) -> str:
    multipliers = join_words(
        [multiplier(liquidity) for liquidity in sorted({p.liquidity for p in row.points})]
    )
    reference = (
        f" {name}: traders below the new IM keep their notional on the line, and the band has both"
        " reactions."
        if name
        else ""
    )
    overlap = (
        "Where both bands overlap, the liquidity matters more than the rules. " if name else ""
    )
    return (
        f"{_comparison(row, name, key)}{overlap}Longs of {row.underlying}, {book_text(row)}; both axes are logarithmic. Line: the middle"
        f" liquidity multiplier. Shaded: the multipliers {multipliers} on volatility, which are assumed."
        f"{reference} Dates: {dates_line(row)}."
    )


def _curve_cells(row: StressRow, key: tuple[str, str] | None) -> Iterator[tuple[str, ...]]:
    for point in sorted(row.points, key=lambda point: (point.shock, point.liquidity)):
        low, high = numbers.usd(point.liquidated_low), numbers.usd(point.liquidated_high)
        is_sampled = point.liquidated_low is not None
        yield (
            numbers.axis_rate(point.shock),
            multiplier(point.liquidity),
            fall_text(point.move),
            f"{point.amplification:.3g}×" if point.amplification else "–",
            numbers.usd(point.liquidated),
            fall_text(point.share),
            f"{low} to {high}" if is_sampled else "–",
            numbers.usd(point.loss),
            _changed_move(row, key, point),
        )


def _changed_move(row: StressRow, key: tuple[str, str] | None, point: StressPointRow) -> str:
    """Returns the moves under other rules at a shock and multiplier: of both reactions, if they differ."""
    moves = [
        fall_text(own.move)
        for own in row.changed
        if (own.what_if, own.rule_set) == key
        and (own.shock, own.liquidity) == (point.shock, point.liquidity)
    ]
    return both(moves) or "–"


def _density_chart(context: ReportContext, row: StressRow) -> Chart:
    title = f"Liquidations of {row.underlying} by price and venue, longs only"
    cliffs = [
        CliffMark(
            cliff.before,
            f"cliff at a shock of {fall_text(cliff.shock)}, liquidity"
            f" {multiplier(cliff.liquidity)}: the fall jumps from {fall_text(cliff.before)} to"
            f" {fall_text(cliff.after)}, {numbers.usd(cliff.notional)}",
        )
        for cliff in row.cliffs
    ]
    frame = Frame(f"stress-density-{underlying_slug(row.underlying)}", title, "")
    venues, wide = _wide_bins(row)
    return Chart(
        title=title,
        unit="USD of notional",
        svg=density_bars(frame, _bins_by_venue(row), cliffs, context.styles, _first_mark(row)),
        legend=(),
        caption=_density_caption(row),
        columns=("Fall from", "to", *venues, "All venues", "All so far"),
        rows=tuple(wide),
        dates=f"margins of {numbers.date_range(row.oldest, row.newest)}",
    )


def _bins_by_venue(row: StressRow) -> dict[str, list[DensityBin]]:
    bins: dict[str, list[DensityBin]] = {}
    for own in row.density:
        bins.setdefault(own.venue, []).append(DensityBin(own.lower, own.upper, own.notional))
    return bins


def _first_mark(row: StressRow) -> FirstMark | None:
    """Returns the price before the fall, with its source and date; None if it is not observable."""
    market = row.market
    if market.price is None:
        return None
    end = f"{numbers.date(market.last)} ({volatility_mark(market)})"
    note = f"0 % = {numbers.usd(market.price)}: {market.series}, {end}"
    return FirstMark(market.price, note)


def _density_caption(row: StressRow) -> str:
    cliffs = (
        f" Dashed: {numbers.count_text(len(row.cliffs), 'cliff')}, at the price from which it begins."
        if row.cliffs
        else " No cliff."
        if row.points
        else ""
    )
    width = numbers.axis_rate(row.density[0].upper - row.density[0].lower)
    basis = (
        "leverage that is mostly assumed, not the orders of the venues"
        if row.is_synthetic
        else "the given positions"
    )
    return (
        f"What practitioners know as a liquidation map: longs that are liquidated in each {width} of"
        f" fall, before any forced sale moves the price; shorts are not simulated. Line: all longs up to"
        f" that fall, on the right axis.{cliffs} The map rests on {basis}. Table: each"
        f" {numbers.axis_rate(_WIDE_BIN)} of fall; CSV file: each {width}. Dates: {dates_line(row)}."
    )


def _wide_bins(row: StressRow) -> tuple[list[str], Iterator[tuple[str, ...]]]:
    """Returns the venues, and a row per wide bin: bounds, notional of each venue, of all, and so far."""
    venues = list(dict.fromkeys(own.venue for own in row.density))
    sums: dict[int, dict[str, float]] = {}
    for own in row.density:
        middle = (own.lower + own.upper) / 2
        wide = sums.setdefault(int(middle / _WIDE_BIN), {})
        wide[own.venue] = wide.get(own.venue, 0.0) + own.notional
    return venues, _wide_cells(venues, sums)


def _wide_cells(
    venues: Sequence[str], sums: dict[int, dict[str, float]]
) -> Iterator[tuple[str, ...]]:
    so_far = 0.0
    for number, notionals in sorted(sums.items()):
        total = sum(notionals.values())
        so_far += total
        yield (
            numbers.axis_rate(number * _WIDE_BIN),
            numbers.axis_rate((number + 1) * _WIDE_BIN),
            *(numbers.usd(notionals.get(venue, 0.0)) for venue in venues),
            numbers.usd(total),
            numbers.usd(so_far),
        )


def _every_bin(row: StressRow) -> Iterator[tuple[str, ...]]:
    """Yields every bin, with numbers unrounded; a price is empty if it is not observable."""
    price = row.market.price
    for own in row.density:
        prices = (
            ["", ""] if price is None else [price * (1.0 - own.lower), price * (1.0 - own.upper)]
        )
        yield (
            own.venue,
            *(f"{value:.12g}" for value in (own.lower, own.upper)),
            *(value if isinstance(value, str) else f"{value:.12g}" for value in prices),
            f"{own.notional:.12g}",
        )
