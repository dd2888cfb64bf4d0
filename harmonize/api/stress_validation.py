"""How the model states days with recorded liquidations: numbers and sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmonize.api.stress_inputs import TermsByVenue
from harmonize.core.schedule import Unknown
from harmonize.liquidation.price import Side
from harmonize.stress.book import synthetic_book
from harmonize.stress.counterfactuals import unchanged
from harmonize.stress.defaults import DEFAULTS, StressDefaults
from harmonize.stress.recorded import HEAT_MAP_LEVERAGES, bundled_recordings, compare_with_recorded
from harmonize.stress.thresholds import thresholds

UNIDENTIFIED = (
    "Amplification is not identified: by liquidity, which is assumed, forced sales explain from about "
    "1 % to all of a 10 % fall. Differences between rules on the same positions are steadier."
)


@dataclass(frozen=True, slots=True)
class ValidationRow:
    """Recorded against modelled liquidations of longs on one underlying, in USD.

    ``ratio`` is modelled over recorded, ``overstatement`` that of heat maps. ``reason`` states why
    numbers are None.
    """

    underlying: str
    venue: str
    days: int
    recorded: float | None
    modelled: float | None
    ratio: float | None
    rank_correlation: float | None
    overstatement: float | None
    reason: str = ""


def validate(
    underlyings: Sequence[str],
    terms: Mapping[str, TermsByVenue],
    defaults: StressDefaults = DEFAULTS,
) -> tuple[ValidationRow, ...]:
    """Returns a row per underlying with recorded liquidations; ``terms`` are those by underlying."""
    recordings = bundled_recordings()
    rows = []
    for underlying in underlyings:
        days = recordings.of(underlying)
        if not days:
            continue
        own = terms[underlying].get(recordings.venue)
        if own is None or isinstance(own.margins, Unknown):
            reason = f"margins of {recordings.venue} are not part of the selection"
            rows.append(_unknown(underlying, recordings.venue, len(days), reason))
            continue
        margins = own.margins
        book = synthetic_book(
            underlying,
            {recordings.venue: 1e9},
            {recordings.venue: margins},
            defaults=defaults,
            sides=(Side.LONG,),
        )
        outcome = unchanged(book)
        found = compare_with_recorded(days, thresholds(outcome.positions, outcome.falls), margins)
        rows.append(
            ValidationRow(
                underlying,
                recordings.venue,
                found.days,
                found.recorded,
                found.modelled,
                _ratio(found.modelled, found.recorded),
                found.rank_correlation,
                _ratio(found.heat_map, found.recorded),
            )
        )
    return tuple(rows)


def _unknown(underlying: str, venue: str, days: int, reason: str) -> ValidationRow:
    return ValidationRow(underlying, venue, days, None, None, None, None, None, reason)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def validation_sentences(rows: Sequence[ValidationRow]) -> tuple[str, ...]:
    """Returns the validation in words, with what it cannot tell."""
    leverages = ", ".join(f"{leverage:g}" for leverage in HEAT_MAP_LEVERAGES)
    return (
        *(_sentence(row, leverages) for row in rows),
        "Venues other than hyperliquid, and other underlyings: unvalidated.",
        UNIDENTIFIED,
    )


def _sentence(row: ValidationRow, leverages: str) -> str:
    if row.ratio is None or row.overstatement is None:
        return f"{row.underlying}: not validated on this selection: {row.reason}."
    rank = "unknown" if row.rank_correlation is None else f"{row.rank_correlation:.2f}"
    return (
        f"{row.underlying}: on {row.days} days recorded on {row.venue}, the model liquidates "
        f"{row.ratio:.2f} times the recorded longs; rank correlation of days {rank}; "
        f"leverages of heat maps ({leverages}×) {row.overstatement:.1f} times."
    )
