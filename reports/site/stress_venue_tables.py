"""Tables of a stress by venue: contributions to what is liquidated, and reverse stress."""

from harmonize.document import ReverseStressRow, StressRow, StressVenueRow
from harmonize.text import numbers
from reports.site import marks
from reports.site.markup import text
from reports.site.report_context import ReportContext
from reports.site.stress_tables import amount, least_text, rate, ratio, venue_cell
from reports.site.stress_words import at_shock, fall_text, interest_mark, multiplier
from reports.site.tables import Cell, Row, Table, number


def contribution_table(context: ReportContext, row: StressRow, up: str) -> Table:
    """Returns what each venue contributes to the liquidated notional, largest Shapley value first."""
    ordered = sorted(row.venues, key=lambda venue: (-(venue.shapley or 0.0), venue.venue))
    is_exact = all(venue.is_shapley_exact for venue in row.venues)
    basis = "exact" if is_exact else "over 2,000 seeded permutations"
    interest = (
        f"#Open interest ({interest_mark([row])})" if row.is_synthetic else "#Notional (given)"
    )
    return Table(
        f"Contributions to {row.underlying}",
        text(
            f"Longs liquidated by venue at a fall of {numbers.axis_rate(row.shock)}, {least_text(row)}"
            " (modelled). Leave-one-out: what less would be liquidated without the venue."
            f" Shapley values, which add up to the total: {basis}. Overlap: share of a venue's"
            f" liquidations by price that those of other venues cover.{_assumed_alike(row)} In brackets: 5–95 % interval over"
            f" {numbers.count_text(row.seeds, 'sample')} of positions, not of the market"
        ),
        (
            *("Venue", interest, "#Liquidated", "#Leave-one-out", "#Shapley"),
            *("#Share ÷ share of open interest", "#Overlap", "Effective leverage"),
            *(["Open interest observed"] if row.is_synthetic else []),
            "Margins observed",
        ),
        [_contribution_row(context, row, venue, up) for venue in ordered],
        numeric=True,
    )


def _assumed_alike(row: StressRow) -> str:
    """Returns what follows from assumed leverage, which is that of one sample; empty without any."""
    if not any(own.leverage_mark == "assumed" for own in row.venues):
        return ""
    return (
        " Venues have the leverage of one sample, so that overlaps near 100 % and ratios near 1 follow"
        " from this assumption: only differences of IM and MM show."
    )


def _contribution_row(context: ReportContext, row: StressRow, own: StressVenueRow, up: str) -> Row:
    margins = numbers.observation_date(own.observed_at, own.observed_from, own.date_kind)
    interest = [Cell(numbers.date(own.open_interest_at), css="dates")] if row.is_synthetic else []
    return Row(
        (
            venue_cell(context, own.venue, up),
            number(numbers.usd(own.open_interest), key=own.open_interest),
            *(amount(v) for v in (own.liquidated, own.leave_one_out, own.shapley)),
            _shapley_ratio(own),
            rate(own.overlap),
            Cell(own.leverage_mark, css="t"),
            *interest,
            Cell(margins, css="dates"),
        )
    )


def _shapley_ratio(venue: StressVenueRow) -> Cell:
    low, high = venue.shapley_ratio_low, venue.shapley_ratio_high
    if venue.shapley_ratio is None or low is None or high is None:
        return ratio(venue.shapley_ratio)
    return number(f"{venue.shapley_ratio:.3g} ({low:.3g} – {high:.3g})", key=venue.shapley_ratio)


def resilience_table(context: ReportContext, row: StressRow, up: str) -> Table:
    """Returns the losses of each venue, and the least fall that exceeds its resources."""
    liquidities = sorted({own.liquidity for venue in row.venues for own in venue.reverse})
    return Table(
        f"Reverse stress of {row.underlying}",
        text(
            "Least sudden fall at which losses beyond margin exceed what other liquidations of the venue"
            " leave, by liquidity multiplier; – if none does. In brackets: 5–95 % interval over"
            f" {numbers.count_text(row.seeds, 'sample')} of positions, open if some sample has no such"
            f" fall. {_undecided(row)}{_small_falls(row)}Immediate: margin below MM before any fall."
            " Insurance funds, which may pay such losses, are not archived and not counted"
        ),
        (
            *("Venue", _loss_head(row), "#Immediate"),
            *(f"#Reverse, {multiplier(liquidity)}" for liquidity in liquidities),
        ),
        [
            Row(
                (
                    venue_cell(context, own.venue, up),
                    amount(own.loss),
                    amount(own.immediate),
                    *(
                        _reverse(next((r for r in own.reverse if r.liquidity == liquidity), None))
                        for liquidity in liquidities
                    ),
                )
            )
            for own in row.venues
        ],
        numeric=True,
    )


def _undecided(row: StressRow) -> str:
    """Returns what a fall that is not observable means; empty if all are."""
    if not any(own.reason for venue in row.venues for own in venue.reverse):
        return ""
    sign = marks.NOT_OBSERVABLE.sign
    return (
        f"{sign}: fewer than one sampled position of the venue is so leveraged that it decides the"
        " result. "
    )


def _loss_head(row: StressRow) -> str:
    liquidities = [own.liquidity for own in row.points]
    at = f", {multiplier(min(liquidities))}" if liquidities else ""
    return f"#Loss at {numbers.axis_rate(row.shock)}{at}"


def _small_falls(row: StressRow) -> str:
    """Returns what all venues lose at a fall near the least one, if that is below the row's own shock."""
    points = at_shock(row)
    least = min(
        (own.shock for venue in row.venues for own in venue.reverse if own.shock is not None),
        default=None,
    )
    if least is None or not points or least >= row.shock:
        return ""
    near = [
        own
        for own in row.points
        if own.liquidity == points[0].liquidity and least <= own.shock < row.shock
    ]
    if not near:
        return ""
    first = min(near, key=lambda own: own.shock)
    return (
        "Such falls can be small, because at first only the most leveraged positions are hit: at"
        f" {numbers.axis_rate(first.shock)} and liquidity {multiplier(first.liquidity)}, all venues"
        f" together lose {numbers.usd(first.loss)} beyond margin, on open interest of"
        f" {numbers.usd(row.open_interest)}. "
    )


def _reverse(limit: ReverseStressRow | None) -> Cell:
    if limit is None or limit.reason:
        return number(marks.NOT_OBSERVABLE.sign)
    if limit.low is None:
        return number(fall_text(limit.shock), key=limit.shock)
    high = "" if limit.high is None else fall_text(limit.high)
    interval = f" ({fall_text(limit.low)} – {high})"
    return number(f"{fall_text(limit.shock)}{interval}", key=limit.shock)
