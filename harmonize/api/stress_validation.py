"""How the model states days with recorded liquidations: numbers and sentences."""

from collections.abc import Mapping, Sequence

from harmonize.api.stress_inputs import TermsByVenue
from harmonize.core.schedule import Unknown
from harmonize.document.stress import StressPointRow, StressValidationRow
from harmonize.liquidation.price import Side
from harmonize.stress.book import synthetic_book
from harmonize.stress.counterfactuals import unchanged
from harmonize.stress.defaults import DEFAULTS, JOINT_FALL, StressDefaults
from harmonize.stress.recorded import (
    HEAT_MAP_LEVERAGES,
    RecordedLiquidations,
    bundled_recordings,
    compare_with_recorded,
)
from harmonize.stress.thresholds import thresholds
from harmonize.text.messages import percent

_UNIDENTIFIED = "Amplification is not identified"
_STEADIER = "Differences between rules on the same positions are steadier."


POSITIONS_ALONE = "Positions without an account are simulated alone"

FALLS_ALONE = (
    "Falls alone are simulated: outside shared accounts, they liquidate longs, and no short."
)


def validate(
    underlyings: Sequence[str],
    terms: Mapping[str, TermsByVenue],
    defaults: StressDefaults = DEFAULTS,
) -> tuple[StressValidationRow, ...]:
    """Returns a row per underlying with recorded liquidations; ``terms`` are those by underlying."""
    recordings = bundled_recordings()
    rows = []
    for underlying in underlyings:
        days = recordings.of(underlying)
        if not days:
            continue
        venue_terms = terms[underlying].get(recordings.venue)
        if venue_terms is None or isinstance(venue_terms.margins, Unknown):
            rows.append(_unknown(underlying, recordings, len(days)))
            continue
        margins = venue_terms.margins
        book = synthetic_book(
            underlying,
            {recordings.venue: 1e9},
            {recordings.venue: margins},
            defaults=defaults,
            sides=(Side.LONG,),
        )
        outcome = unchanged(book)
        comparison = compare_with_recorded(
            days, thresholds(outcome.positions, outcome.falls), margins
        )
        rows.append(
            StressValidationRow(
                underlying,
                recordings.venue,
                comparison.days,
                comparison.recorded,
                comparison.modelled,
                _ratio(comparison.modelled, comparison.recorded),
                comparison.rank_correlation,
                _ratio(comparison.heat_map, comparison.recorded),
                heat_map_leverages=HEAT_MAP_LEVERAGES,
                caveat=recordings.caveat,
            )
        )
    return tuple(rows)


def _unknown(underlying: str, recordings: RecordedLiquidations, days: int) -> StressValidationRow:
    return StressValidationRow(
        underlying,
        recordings.venue,
        days,
        recorded=None,
        modelled=None,
        ratio=None,
        rank_correlation=None,
        overstatement=None,
        reason=f"margins of {recordings.venue} are not part of the selection",
        caveat=recordings.caveat,
    )


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def validation_sentences(
    rows: Sequence[StressValidationRow], amplified: Sequence[tuple[str, Sequence[StressPointRow]]]
) -> tuple[str, ...]:
    """Returns the validation in words, with what it cannot tell.

    ``amplified`` are the points of each underlying at its shock.
    """
    leverages = ", ".join(f"{leverage:g}" for leverage in HEAT_MAP_LEVERAGES)
    venue = bundled_recordings().venue
    return (
        *(_sentence(row, leverages) for row in rows),
        *dict.fromkeys(f"Recorded liquidations: {row.caveat}." for row in rows if row.caveat),
        f"Venues other than {venue}, and other underlyings: unvalidated.",
        unidentified_sentence(amplified),
    )


def unidentified_sentence(amplified: Sequence[tuple[str, Sequence[StressPointRow]]]) -> str:
    """Returns the part of forced sales in the move: a range of the assumed liquidity, or by one impact.

    An underlying on which nothing is liquidated has no forced sales, and is not named.
    """
    sold = [(name, own) for name, own in amplified if any(point.liquidated for point in own)]
    if not sold:
        return f"{_UNIDENTIFIED}. {_STEADIER}"
    is_given = all(len(own) == 1 for _, own in sold)
    basis = "under the given impact" if is_given else "by liquidity, which is assumed"
    parts = [_forced(name, own) for name, own in sold]
    return f"{_UNIDENTIFIED}: {basis}, {'; '.join(parts)}. {_STEADIER}"


def _forced(underlying: str, points: Sequence[StressPointRow]) -> str:
    parts = sorted(1.0 - point.shock / point.move if point.move else 0.0 for point in points)
    span = " to ".join(dict.fromkeys((percent(parts[0]), percent(parts[-1]))))
    return (
        f"forced sales on {underlying} are {span} of the move that a fall of "
        f"{percent(points[0].shock)} ends at"
    )


def _sentence(row: StressValidationRow, leverages: str) -> str:
    if row.ratio is None or row.overstatement is None:
        return f"{row.underlying}: not validated on this selection: {row.reason}."
    rank = "unknown" if row.rank_correlation is None else f"{row.rank_correlation:.2f}"
    return (
        f"{row.underlying}: on {row.days} recorded days attributed to {row.venue}, the model liquidates "
        f"{row.ratio:.2g} times the recorded longs; rank correlation of days {rank}; "
        f"leverages of heat maps ({leverages}×) {row.overstatement:.1f} times."
    )


def limit_sentences(
    underlying: str,
    validation: Sequence[StressValidationRow],
    points: Sequence[StressPointRow],
    *,
    has_accounts: bool = False,
) -> tuple[str, ...]:
    """Returns what cannot be known of one underlying, in sentences; ``points`` are those at its shock.

    ``has_accounts`` is whether some positions share their margin.
    """
    alone = POSITIONS_ALONE if has_accounts else "The underlying is simulated alone"
    joint = f"On a Hyperliquid sample, the joint fall of 2025-10-10 makes {JOINT_FALL.text}"
    volume = (
        "The volume is that of archived perpetuals. The market's is larger, so that impact is "
        "overstated at the first liquidity multiplier."
    )
    return (
        *validation_sentences(validation, [(underlying, points)]),
        f"{alone}. {joint} ({JOINT_FALL.mark}).",
        FALLS_ALONE,
        volume,
        "No insurance fund is archived: without a stated one, reverse stress counts none.",
    )
