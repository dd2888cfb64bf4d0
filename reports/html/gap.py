"""Arbitrage-gap section: four charts per underlying, each with its table."""

from collections.abc import Sequence

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
from reports.html.page import Chart, GapSection
from reports.html.references import make_anchor
from reports.lookup import Lookup

_NAMED = 4
_FROM, _TO = 1e3, 1e9  # limits of the band; below, margins are proportional to size


def gap_sections(lookup: Lookup) -> tuple[GapSection, ...]:
    """Returns a section per underlying with both an optimal split and liquidation distances."""
    liquidations: dict[str, list[LiquidationRow]] = {}
    for liquidation in lookup.document.liquidations:
        liquidations.setdefault(liquidation.underlying, []).append(liquidation)
    rows: dict[str, ArbitrageRow] = {}
    for row in lookup.document.arbitrages:  # the first of several rule sets
        rows.setdefault(row.underlying, row)
    styles = {venue: number for number, venue in enumerate(lookup.venues)}
    return tuple(
        GapSection(
            underlying,
            make_anchor("worth", underlying, number),
            numbers.date_range(row.oldest, row.newest),
            f"Some sizes are left out: {row.reason}." if row.reason else "",
            tuple(
                chart
                for chart in (
                    _gap_chart(row, lookup, number),
                    _liquidation_chart(liquidations[underlying], number),
                    _allocation_chart(row, lookup, number, styles),
                    _lowest_margin_chart(
                        lookup.spreads.get((underlying, row.margin_type)), number, styles
                    ),
                )
                if chart is not None
            ),
        )
        for number, (underlying, row) in enumerate(
            (name, rows[name]) for name in liquidations if name in rows
        )
    )


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
    frame = Frame(make_anchor("gap", row.underlying, number), f"Gap on {row.underlying}", caption)
    grid_points = [point for point in points if point.notional in lookup.document.notional_grid]
    return Chart(
        "The gap and its two parts",
        f"share of what {row.rule_set} asks",
        stacked_areas(frame, [point.notional for point in points], layers),
        (
            ("needed", "cheapest split"),
            ("divergent", "divergence"),
            ("fragmented", "fragmentation"),
        ),
        f"{caption} Computed at the {len(points)} sizes marked on the axis.",
        ("Notional", "Reference", "Cheapest split", "Gap", "Divergence", "Fragmentation", "A year"),
        tuple(
            (
                numbers.usd(point.notional),
                *map(
                    numbers.usd,
                    (
                        point.reference,
                        point.optimal_split,
                        point.gap,
                        point.divergence,
                        point.fragmentation,
                        point.annual_cost,
                    ),
                ),
            )
            for point in grid_points
        ),
        numbers.date_range(row.oldest, row.newest),
    )


def _gap_caption(row: ArbitrageRow, point: ArbitragePoint, cost_of_capital: float) -> str:
    return (
        f"For {numbers.usd(point.notional)} of {row.underlying}, {row.rule_set} asks"
        f" {numbers.usd(point.reference)} and the cheapest split over venues"
        f" {numbers.usd(point.optimal_split)}: a gap of {numbers.usd(point.gap)}, worth"
        f" {numbers.usd(point.annual_cost)} a year where capital costs {numbers.rate(cost_of_capital)}."
        f" If every venue used the same table, {numbers.usd(point.divergence)} of it would be gone"
        f" and {numbers.usd(point.fragmentation)} would remain: no venue sees what is held elsewhere,"
        " so a position in parts is charged as if each part were all of it."
    )


def _allocation_chart(
    row: ArbitrageRow, lookup: Lookup, number: int, styles: dict[str, int]
) -> Chart | None:
    points = [split for split in row.points if split.notional in lookup.document.notional_grid]
    if not points:
        return None
    point = max(points, key=lambda split: len(split.allocation))
    largest = sorted(point.allocation, key=lambda piece: -piece.notional)
    largest_text = join_words(
        [f"{piece.venue} {numbers.rate(piece.notional / point.notional)}" for piece in largest],
        _NAMED,
    )
    saving_text = (
        "No venue takes it alone."
        if point.best_single is None
        else f"It saves {numbers.usd(point.saving)} over {join_words(point.best_single_venues, _NAMED)} alone."
    )
    caption = (
        f"The cheapest way to hold {numbers.usd(point.notional)} of {row.underlying} takes"
        f" {numbers.count_text(len(point.allocation), 'account')}: {largest_text}. {saving_text}"
    )
    frame = Frame(
        make_anchor("held", row.underlying, number), f"Split of {row.underlying}", caption
    )
    bars = [
        (
            numbers.usd(split.notional),
            [
                BarSegment(
                    piece.venue,
                    piece.notional / split.notional,
                    f"{piece.venue} {numbers.usd(piece.notional)}, margin {numbers.usd(piece.margin)}",
                )
                for piece in split.allocation
            ],
        )
        for split in points
    ]
    return Chart(
        "Where the cheapest split holds it",
        "share of the position",
        share_bars(frame, bars, styles),
        (),
        caption,
        ("Notional", "One venue", "Split", "Saves", "Next dollar", "Where"),
        tuple(
            (
                numbers.usd(split.notional),
                numbers.usd(split.best_single),
                numbers.usd(split.optimal_split),
                numbers.usd(split.saving),
                numbers.rate(split.marginal_rate),
                ", ".join(
                    f"{piece.venue} {numbers.usd(piece.notional)}" for piece in split.allocation
                ),
            )
            for split in points
        ),
        numbers.date_range(row.oldest, row.newest),
    )


def _lowest_margin_chart(
    spread: Spread | None, number: int, styles: dict[str, int]
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
    share_texts = [f"{share.venue} over {numbers.rate(share.share)}" for share in spread.shares]
    alone = join_words(share_texts, _NAMED) if share_texts else "no venue"
    caption = (
        f"Of all sizes from $10k to $10m, counted on a logarithmic scale, {alone} alone"
        f" {'asks' if len(share_texts) < 2 else 'ask'} the least initial margin on {spread.underlying}."  # noqa: PLR2004
    )
    frame = Frame(
        make_anchor("least", spread.underlying, number),
        f"Who is cheapest on {spread.underlying}",
        caption,
    )
    return Chart(
        "Who is cheapest",
        "by notional",
        lowest_margin_band(frame, _merge_bands(bands), styles),
        (),
        caption,
        ("Venue", "Alone the cheapest over"),
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
    included = [row for row in at_equal if row.included and row.adverse_move_long is not None]
    caption = (
        f"{numbers.usd(notional)} of {underlying} in one isolated position at {at_equal[0].leverage:g}x:"
        f" {_distance_range(included)} Inside, the same at each venue's largest leverage. Fee add-ons that"
        " depend on the account are left out; where there is one, liquidation comes sooner."
    )
    frame = Frame(
        make_anchor("far", underlying, number), f"Liquidation distance on {underlying}", caption
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
        "How far to liquidation",
        "fall for a long, rise for a short",
        distance_bars(frame, bars),
        (("equal", f"at {at_equal[0].leverage:g}x"), ("largest", "at the largest leverage")),
        caption,
        ("Venue", "Long", "Short", "Largest", "Long there", "Short there", "Note"),
        tuple(_liquidation_row(row, at_maximum.get(row.venue)) for row in at_equal),
        numbers.date_range(
            min(row.observed_at for row in rows), max(row.observed_at for row in rows)
        ),
        tall=True,
    )


def _distance_range(rows: Sequence[LiquidationRow]) -> str:
    moves = [
        (row.adverse_move_long, row.venue) for row in rows if row.adverse_move_long is not None
    ]
    if not moves:
        return "no venue's distance is known."
    near, far = min(moves), max(moves)
    return (
        f"a long is liquidated after a fall of {numbers.rate(near[0])} at {near[1]} and of"
        f" {numbers.rate(far[0])} at {far[1]}."
    )


def _adverse_moves(row: LiquidationRow | None) -> tuple[float | None, float | None]:
    return (row.adverse_move_long, row.adverse_move_short) if row else (None, None)


def _liquidation_row(row: LiquidationRow, at_maximum: LiquidationRow | None) -> tuple[str, ...]:
    long, short = _adverse_moves(at_maximum)
    leverage = at_maximum.leverage if at_maximum else None
    reason = row.reason or (at_maximum.reason if at_maximum else "")
    notes = [reason] * bool(reason) + ["in no figure across venues"] * (not row.included)
    return (
        row.venue,
        numbers.rate(row.adverse_move_long),
        numbers.rate(row.adverse_move_short),
        f"{leverage:.4g}×" if leverage is not None else numbers.NOT_OBSERVABLE,
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
