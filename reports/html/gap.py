"""Arbitrage-gap section: four charts per underlying, each with its table."""

from collections.abc import Mapping, Sequence

from harmonize.document import ArbitragePoint, ArbitrageRow, LiquidationRow, Spread
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.charts.bars import (
    BarSegment,
    DistanceBar,
    NotionalBand,
    distance_bars,
    lowest_margin_band,
    share_bars,
    stacked_areas,
)
from reports.charts.svg import Frame
from reports.html.emphasis import venue_styles
from reports.html.page import Chart, GapSection
from reports.html.references import make_anchor
from reports.lookup import Lookup, earliest_date

_NAMED = 4
_FROM, _TO = 1e4, 1e7  # range of the band: that of the shares of the document


_DISTANCE_NOTE = (
    "Inner bars: the same at the maximum leverage of each venue. Fee add-ons that depend on the"
    " account are excluded; with an add-on, liquidation occurs earlier."
)


def gap_sections(lookup: Lookup) -> tuple[GapSection, ...]:
    """Returns a section per underlying with both an optimal split and liquidation distances."""
    liquidations: dict[str, list[LiquidationRow]] = {}
    for liquidation in lookup.document.liquidations:
        liquidations.setdefault(liquidation.underlying, []).append(liquidation)
    rows: dict[str, ArbitrageRow] = {}
    for row in lookup.document.arbitrages:  # the first of several rule sets
        rows.setdefault(row.underlying, row)
    styles = venue_styles(lookup, lookup.venues)
    return tuple(
        GapSection(
            underlying,
            make_anchor("gap", underlying, number),
            numbers.date_range(row.oldest, row.newest),
            f"Some notionals are excluded: {row.reason}." if row.reason else "",
            tuple(
                chart
                for _, chart in gap_charts(lookup, row, liquidations[underlying], styles, number)
            ),
        )
        for number, (underlying, row) in enumerate(
            (name, rows[name]) for name in liquidations if name in rows
        )
    )


def gap_charts(
    lookup: Lookup,
    row: ArbitrageRow | None,
    liquidations: Sequence[LiquidationRow],
    styles: Mapping[str, int],
    number: int = 0,
) -> list[tuple[str, Chart]]:
    """Returns the charts of one underlying by name: those for which the document has data.

    `row` has the optimal splits, None without them. `number` keeps ids of one page apart.
    """
    charts: list[tuple[str, Chart | None]] = []
    if row is not None:
        charts.append(("gap", _gap_chart(row, lookup, number)))
    if liquidations:
        charts.append(("liquidation", _liquidation_chart(liquidations, number)))
    if row is not None:
        spread = lookup.spreads.get((row.underlying, row.margin_type))
        charts += [
            ("split", _allocation_chart(row, lookup, number, styles)),
            ("lowest", _lowest_margin_chart(spread, number, styles)),
        ]
    return [(name, chart) for name, chart in charts if chart is not None]


def _gap_chart(row: ArbitrageRow, lookup: Lookup, number: int) -> Chart | None:
    points = [point for point in row.points if point.reference]
    if not points:
        return None
    layers = [
        [point.optimal_split / (point.reference or 1.0) for point in points],
        [(point.reference_split or 0.0) / (point.reference or 1.0) for point in points],
        [1.0 for _ in points],
    ]
    caption = _gap_caption(
        row, _point_near(points, lookup.document.heat_map_notional), lookup.document.cost_of_capital
    )
    frame = Frame(
        make_anchor("gap-chart", row.underlying, number),
        f"Arbitrage gap on {row.underlying}",
        caption,
    )
    grid_points = [point for point in points if point.notional in lookup.document.notional_grid]
    return Chart(
        "Arbitrage gap and its components",
        f"share of the margin required by {row.rule_set}",
        stacked_areas(frame, [point.notional for point in points], layers),
        (
            ("needed", "optimal split"),
            ("divergent", "divergence"),
            ("fragmented", "fragmentation"),
        ),
        f"{caption} Computed at the {len(points)} notionals marked on the axis.",
        (
            "Notional",
            "Reference",
            "Optimal split",
            "Arbitrage gap",
            "Divergence",
            "Fragmentation",
            "Annual cost",
        ),
        tuple(_gap_row(point) for point in grid_points),
        numbers.date_range(row.oldest, row.newest),
    )


def _gap_row(point: ArbitragePoint) -> tuple[str, ...]:
    amounts = (
        *(point.notional, point.reference, point.optimal_split),
        *(point.gap, point.divergence, point.fragmentation, point.annual_cost),
    )
    return tuple(map(numbers.usd, amounts))


def _gap_caption(row: ArbitrageRow, point: ArbitragePoint, cost_of_capital: float) -> str:
    return (
        f"For {numbers.usd(point.notional)} of {row.underlying}, {row.rule_set} requires"
        f" {numbers.usd(point.reference)}; the optimal split over venues, by the margins of the dates"
        f" compared, required {numbers.usd(point.optimal_split)}: an arbitrage gap of {numbers.usd(point.gap)}, or"
        f" {numbers.usd(point.annual_cost)} per year at a cost of capital of"
        f" {numbers.rate(cost_of_capital)}. If every venue used the same schedule,"
        f" {numbers.usd(point.divergence)} of the gap would close (divergence) and"
        f" {numbers.usd(point.fragmentation)} would remain (fragmentation), because no venue"
        " observes positions at other venues."
    )


def _allocation_chart(
    row: ArbitrageRow, lookup: Lookup, number: int, styles: Mapping[str, int]
) -> Chart | None:
    points = [split for split in row.points if split.notional in lookup.document.notional_grid]
    if not points:
        return None
    caption = _allocation_caption(row, max(points, key=lambda split: len(split.allocation)))
    frame = Frame(
        make_anchor("split", row.underlying, number), f"Optimal split of {row.underlying}", caption
    )
    return Chart(
        "Allocation of the optimal split",
        "share of the position",
        share_bars(frame, [_allocation_bar(split) for split in points], styles),
        (),
        caption,
        ("Notional", "Best single venue", "Optimal split", "Saving", "Marginal rate", "Allocation"),
        tuple(_allocation_row(split) for split in points),
        numbers.date_range(row.oldest, row.newest),
    )


def _allocation_caption(row: ArbitrageRow, split: ArbitragePoint) -> str:
    largest = sorted(split.allocation, key=lambda piece: -piece.notional)
    largest_text = join_words(
        [f"{piece.venue} {numbers.rate(piece.notional / split.notional)}" for piece in largest],
        _NAMED,
    )
    saving_text = (
        "No single venue accepted the whole position."
        if split.best_single is None
        else f"It saved {numbers.usd(split.saving)} over"
        f" {join_words(split.best_single_venues, _NAMED)} alone."
    )
    return (
        f"The optimal split of {numbers.usd(split.notional)} of {row.underlying} used"
        f" {numbers.count_text(len(split.allocation), 'account')}: {largest_text}. {saving_text}"
    )


def _allocation_bar(split: ArbitragePoint) -> tuple[str, list[BarSegment]]:
    segments = [
        BarSegment(
            piece.venue,
            piece.notional / split.notional,
            f"{piece.venue} {numbers.usd(piece.notional)}, margin {numbers.usd(piece.margin)}",
        )
        for piece in split.allocation
    ]
    return numbers.usd(split.notional), segments


def _allocation_row(split: ArbitragePoint) -> tuple[str, ...]:
    pieces = (f"{piece.venue} {numbers.usd(piece.notional)}" for piece in split.allocation)
    return (
        numbers.usd(split.notional),
        numbers.usd(split.best_single),
        numbers.usd(split.optimal_split),
        numbers.usd(split.saving),
        numbers.rate(split.marginal_rate),
        ", ".join(pieces),
    )


def _lowest_margin_chart(
    spread: Spread | None, number: int, styles: Mapping[str, int]
) -> Chart | None:
    if spread is None or not spread.intervals:
        return None
    bands = [
        NotionalBand(
            max(interval.lower, _FROM), min(interval.upper or _TO, _TO), interval.lowest_venues
        )
        for interval in spread.intervals
        if interval.lower < _TO and (interval.upper or _TO) > _FROM
    ]
    share_texts = [f"{share.venue} {numbers.rate(share.share)}" for share in spread.shares]
    caption = (
        f"Share of notionals from {numbers.usd(_FROM)} to {numbers.usd(_TO)}, on a logarithmic scale, with the lowest initial"
        f" margin on {spread.underlying} at one venue alone:"
        f" {join_words(share_texts, _NAMED) or 'none'}."
    )
    frame = Frame(
        make_anchor("lowest", spread.underlying, number),
        f"Lowest margin on {spread.underlying}",
        caption,
    )
    return Chart(
        "Venue with the lowest margin",
        "by notional",
        lowest_margin_band(frame, _merge_bands(bands), styles),
        (),
        caption,
        ("Venue", "Share of notionals"),
        tuple((share.venue, numbers.rate(share.share)) for share in spread.shares),
        numbers.date_range(spread.oldest, spread.newest),
    )


def _merge_bands(bands: Sequence[NotionalBand]) -> list[NotionalBand]:
    """Merges adjacent bands with the same venues."""
    merged: list[NotionalBand] = []
    for band in bands:
        if merged and merged[-1].names == band.names:
            merged[-1] = NotionalBand(merged[-1].lower, band.upper, band.names)
        else:
            merged.append(band)
    return merged


def _liquidation_chart(rows: Sequence[LiquidationRow], number: int) -> Chart:
    at_equal = [row for row in rows if row.leverage_basis == "equal"]
    at_maximum = {row.venue: row for row in rows if row.leverage_basis == "maximum"}
    underlying, notional = rows[0].underlying, rows[0].notional
    equal_leverage = numbers.leverage(at_equal[0].leverage)
    included = [row for row in at_equal if row.included and row.adverse_move_long is not None]
    caption = (
        f"{numbers.usd(notional)} of {underlying} in one isolated position at {equal_leverage}:"
        f" {_distance_range(included)} {_DISTANCE_NOTE}"
    )
    frame = Frame(
        make_anchor("liquidation", underlying, number),
        f"Liquidation distance on {underlying}",
        caption,
    )
    bars = [
        DistanceBar(
            row.venue,
            row.adverse_move_long,
            row.adverse_move_short,
            *_adverse_moves(at_maximum.get(row.venue)),
            row.reason,
        )
        for row in at_equal
        if row.adverse_move_long is not None
        or row.adverse_move_short is not None
        or _adverse_moves(at_maximum.get(row.venue))[0]
    ]
    return Chart(
        "Distance to liquidation",
        "adverse move: fall for a long, rise for a short",
        distance_bars(frame, bars),
        (("equal", f"at {equal_leverage}"), ("largest", "at maximum leverage")),
        caption,
        (
            "Venue",
            "Adverse move, long",
            "Adverse move, short",
            "Maximum leverage",
            "Long at maximum",
            "Short at maximum",
            "Note",
        ),
        tuple(_liquidation_row(row, at_maximum.get(row.venue)) for row in at_equal),
        numbers.date_range(min(map(earliest_date, rows)), max(row.observed_at for row in rows)),
        tall=True,
    )


def _distance_range(rows: Sequence[LiquidationRow]) -> str:
    moves = [
        (row.adverse_move_long, row.venue) for row in rows if row.adverse_move_long is not None
    ]
    if not moves:
        return "no distance is observable."
    near, far = min(moves), max(moves)
    return (
        f"a long would have been liquidated after a fall between {numbers.rate(near[0])} ({near[1]}) and"
        f" {numbers.rate(far[0])} ({far[1]})."
    )


def _adverse_moves(row: LiquidationRow | None) -> tuple[float | None, float | None]:
    return (row.adverse_move_long, row.adverse_move_short) if row else (None, None)


def _liquidation_row(row: LiquidationRow, at_maximum: LiquidationRow | None) -> tuple[str, ...]:
    long, short = _adverse_moves(at_maximum)
    leverage = at_maximum.leverage if at_maximum else None
    reason = row.reason or (at_maximum.reason if at_maximum else "")
    notes = [reason] * bool(reason) + ["excluded from cross-venue statistics"] * (not row.included)
    return (
        row.venue,
        numbers.rate(row.adverse_move_long),
        numbers.rate(row.adverse_move_short),
        numbers.leverage(leverage),
        numbers.rate(long),
        numbers.rate(short),
        "; ".join(notes),
    )


def _point_near(points: Sequence[ArbitragePoint], notional: float) -> ArbitragePoint:
    """Returns the point at a notional, otherwise the last below it, otherwise the first."""
    return max(
        (point for point in points if point.notional <= notional),
        key=lambda point: point.notional,
        default=points[0],
    )
