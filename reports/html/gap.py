"""What differences between venues are worth: four pictures an underlying, each with its table."""

from collections.abc import Sequence

from harmonize.document import ArbitragePoint, ArbitrageRow, LiquidationRow, Spread
from harmonize.text import numbers
from harmonize.text.words import listed
from reports.charts.bars import Part, Reach, Stripe, band, bars, reaches, stacked
from reports.charts.svg import Frame
from reports.html.page import GapSection, Picture
from reports.html.references import anchor
from reports.lookup import Lookup

_NAMED = 4
_FROM, _TO = 1e3, 1e9  # the band is cut here: below, margins are proportional to size


def worth(lookup: Lookup) -> tuple[GapSection, ...]:
    """Make a section of every underlying that has both a split and liquidation distances."""
    liquidations: dict[str, list[LiquidationRow]] = {}
    for one in lookup.document.liquidations:
        liquidations.setdefault(one.underlying, []).append(one)
    rows: dict[str, ArbitrageRow] = {}
    for row in lookup.document.arbitrages:  # of several rule sets the first
        rows.setdefault(row.underlying, row)
    styles = {venue: number for number, venue in enumerate(lookup.venues)}
    return tuple(
        GapSection(
            underlying,
            anchor("worth", underlying, number),
            numbers.span(row.oldest, row.newest),
            f"Some sizes are left out: {row.reason}." if row.reason else "",
            tuple(
                one
                for one in (
                    _gap(row, lookup, number),
                    _liquidation(liquidations[underlying], number),
                    _allocation(row, lookup, number, styles),
                    _cheapest(lookup.gaps.get((underlying, row.margin_type)), number, styles),
                )
                if one is not None
            ),
        )
        for number, (underlying, row) in enumerate(
            (name, rows[name]) for name in liquidations if name in rows
        )
    )


def _gap(row: ArbitrageRow, lookup: Lookup, number: int) -> Picture | None:
    points = [one for one in row.points if one.reference]
    if not points:
        return None
    edges = [
        [one.optimal_split / (one.reference or 1.0) for one in points],
        [(one.reference_split or 0.0) / (one.reference or 1.0) for one in points],
        [1.0 for _ in points],
    ]
    caption = _gap_said(
        row, _at(points, lookup.document.heat_map_notional), lookup.document.cost_of_capital
    )
    frame = Frame(anchor("gap", row.underlying, number), f"Gap on {row.underlying}", caption)
    ladder = [one for one in points if one.notional in lookup.document.notional_grid]
    return Picture(
        "The gap and its two parts",
        f"share of what {row.rule_set} asks",
        stacked(frame, [one.notional for one in points], edges),
        (
            ("needed", "cheapest split"),
            ("divergent", "divergence"),
            ("fragmented", "fragmentation"),
        ),
        f"{caption} Computed at the {len(points)} sizes marked on the axis.",
        ("Notional", "Reference", "Cheapest split", "Gap", "Divergence", "Fragmentation", "A year"),
        tuple(
            (
                numbers.usd(one.notional),
                *map(
                    numbers.usd,
                    (
                        one.reference,
                        one.optimal_split,
                        one.gap,
                        one.divergence,
                        one.fragmentation,
                        one.annual_cost,
                    ),
                ),
            )
            for one in ladder
        ),
        numbers.span(row.oldest, row.newest),
    )


def _gap_said(row: ArbitrageRow, point: ArbitragePoint, hurdle: float) -> str:
    return (
        f"For {numbers.usd(point.notional)} of {row.underlying}, {row.rule_set} asks"
        f" {numbers.usd(point.reference)} and the cheapest split over venues"
        f" {numbers.usd(point.optimal_split)}: a gap of {numbers.usd(point.gap)}, worth"
        f" {numbers.usd(point.annual_cost)} a year where capital costs {numbers.rate(hurdle)}."
        f" If every venue used the same table, {numbers.usd(point.divergence)} of it would be gone"
        f" and {numbers.usd(point.fragmentation)} would remain: no venue sees what is held elsewhere,"
        " so a position in parts is charged as if each part were all of it."
    )


def _allocation(
    row: ArbitrageRow, lookup: Lookup, number: int, styles: dict[str, int]
) -> Picture | None:
    points = [one for one in row.points if one.notional in lookup.document.notional_grid]
    if not points:
        return None
    point = max(points, key=lambda one: len(one.allocation))
    largest = sorted(point.allocation, key=lambda one: -one.notional)
    named = listed(
        [f"{one.venue} {numbers.rate(one.notional / point.notional)}" for one in largest], _NAMED
    )
    saved = (
        "No venue takes it alone."
        if point.best_single is None
        else f"It saves {numbers.usd(point.saving)} over {listed(point.best_single_venues, _NAMED)} alone."
    )
    caption = (
        f"The cheapest way to hold {numbers.usd(point.notional)} of {row.underlying} takes"
        f" {numbers.counted(len(point.allocation), 'account')}: {named}. {saved}"
    )
    frame = Frame(anchor("held", row.underlying, number), f"Split of {row.underlying}", caption)
    drawn = [
        (
            numbers.usd(one.notional),
            [
                Part(
                    part.venue,
                    part.notional / one.notional,
                    f"{part.venue} {numbers.usd(part.notional)}, margin {numbers.usd(part.margin)}",
                )
                for part in one.allocation
            ],
        )
        for one in points
    ]
    return Picture(
        "Where the cheapest split holds it",
        "share of the position",
        bars(frame, drawn, styles),
        (),
        caption,
        ("Notional", "One venue", "Split", "Saves", "Next dollar", "Where"),
        tuple(
            (
                numbers.usd(one.notional),
                numbers.usd(one.best_single),
                numbers.usd(one.optimal_split),
                numbers.usd(one.saving),
                numbers.rate(one.marginal_rate),
                ", ".join(f"{part.venue} {numbers.usd(part.notional)}" for part in one.allocation),
            )
            for one in points
        ),
        numbers.span(row.oldest, row.newest),
    )


def _cheapest(gap: Spread | None, number: int, styles: dict[str, int]) -> Picture | None:
    if gap is None or not gap.intervals:
        return None
    stripes = [
        Stripe(max(one.lower, _FROM), min(one.upper or _TO, _TO), one.lowest_venues)
        for one in gap.intervals
        if one.lower < _TO and (one.upper or _TO) > _FROM
    ]
    said = [f"{one.venue} over {numbers.rate(one.share)}" for one in gap.shares]
    alone = listed(said, _NAMED) if said else "no venue"
    caption = (
        f"Of all sizes from $10k to $10m, counted on a logarithmic scale, {alone} alone"
        f" {'asks' if len(said) < 2 else 'ask'} the least initial margin on {gap.underlying}."  # noqa: PLR2004
    )
    frame = Frame(
        anchor("least", gap.underlying, number), f"Who is cheapest on {gap.underlying}", caption
    )
    return Picture(
        "Who is cheapest",
        "by notional",
        band(frame, _merged(stripes), styles),
        (),
        caption,
        ("Venue", "Alone the cheapest over"),
        tuple((one.venue, numbers.rate(one.share)) for one in gap.shares),
        numbers.span(gap.oldest, gap.newest),
    )


def _merged(stripes: Sequence[Stripe]) -> list[Stripe]:
    """Neighbours of the same venues as one."""
    found: list[Stripe] = []
    for one in stripes:
        if found and found[-1].names == one.names:
            found[-1] = Stripe(found[-1].lower, one.upper, one.names)
        else:
            found.append(one)
    return found


def _liquidation(rows: Sequence[LiquidationRow], number: int) -> Picture:
    equal = [one for one in rows if one.leverage_basis == "equal"]
    largest = {one.venue: one for one in rows if one.leverage_basis == "maximum"}
    asset, notional = rows[0].underlying, rows[0].notional
    known = [one for one in equal if one.included and one.adverse_move_long is not None]
    caption = (
        f"{numbers.usd(notional)} of {asset} in one isolated position at {equal[0].leverage:g}x:"
        f" {_extremes(known)} Inside, the same at each venue's largest leverage. Fee add-ons that"
        " depend on the account are left out; where there is one, liquidation comes sooner."
    )
    frame = Frame(anchor("far", asset, number), f"Liquidation distance on {asset}", caption)
    drawn = [
        Reach(
            one.venue,
            one.adverse_move_long,
            one.adverse_move_short,
            *_both(largest.get(one.venue)),
            one.reason,
        )
        for one in equal
        if one.adverse_move_long is not None
        or one.adverse_move_short is not None
        or _both(largest.get(one.venue))[0]
    ]
    return Picture(
        "How far to liquidation",
        "fall for a long, rise for a short",
        reaches(frame, drawn),
        (("equal", f"at {equal[0].leverage:g}x"), ("largest", "at the largest leverage")),
        caption,
        ("Venue", "Long", "Short", "Largest", "Long there", "Short there", "Note"),
        tuple(_liquidation_row(one, largest.get(one.venue)) for one in equal),
        numbers.span(min(one.observed_at for one in rows), max(one.observed_at for one in rows)),
        tall=True,
    )


def _extremes(known: Sequence[LiquidationRow]) -> str:
    falls = [
        (one.adverse_move_long, one.venue) for one in known if one.adverse_move_long is not None
    ]
    if not falls:
        return "no venue's distance is known."
    near, far = min(falls), max(falls)
    return (
        f"a long is liquidated after a fall of {numbers.rate(near[0])} at {near[1]} and of"
        f" {numbers.rate(far[0])} at {far[1]}."
    )


def _both(row: LiquidationRow | None) -> tuple[float | None, float | None]:
    return (row.adverse_move_long, row.adverse_move_short) if row else (None, None)


def _liquidation_row(one: LiquidationRow, largest: LiquidationRow | None) -> tuple[str, ...]:
    long, short = _both(largest)
    leverage = largest.leverage if largest else None
    reason = one.reason or (largest.reason if largest else "")
    notes = [reason] * bool(reason) + ["in no figure across venues"] * (not one.included)
    return (
        one.venue,
        numbers.rate(one.adverse_move_long),
        numbers.rate(one.adverse_move_short),
        f"{leverage:.4g}×" if leverage is not None else numbers.NOT_OBSERVABLE,
        numbers.rate(long),
        numbers.rate(short),
        "; ".join(notes),
    )


def _at(points: Sequence[ArbitragePoint], notional: float) -> ArbitragePoint:
    """The point at a notional, else the last below it, else the first."""
    return max(
        (one for one in points if one.notional <= notional),
        key=lambda one: one.notional,
        default=points[0],
    )
