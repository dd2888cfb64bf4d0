"""CSV files of thresholds, with numbers unrounded; rates and shares are fractions."""

from collections.abc import Iterator, Sequence

from harmonize.document import ThresholdSection, ThresholdVenueRow
from harmonize.document.threshold_sentences import asset_sentence, gate_state
from reports.site.tables import csv_bytes, csv_number

File = tuple[str, bytes]


def threshold_files(section: ThresholdSection) -> tuple[File, ...]:
    """Returns the files of margins, venues, models now, sizes, gate, signals and episodes."""
    return (
        ("thresholds.csv", csv_bytes(_MARGINS, _margins(section))),
        ("thresholds-venues.csv", csv_bytes(_VENUES, _venues(section))),
        ("thresholds-models.csv", csv_bytes(_VALUES, _values(section))),
        ("thresholds-sizes.csv", csv_bytes(_SIZES, _sizes(section))),
        ("thresholds-gate.csv", csv_bytes(_GATE, _gate(section))),
        ("thresholds-signals.csv", csv_bytes(_SIGNALS, _signals(section))),
        ("thresholds-evidence.csv", csv_bytes(_EVIDENCE, _evidence(section))),
        ("thresholds-episodes.csv", csv_bytes(_EPISODES, _episodes(section))),
    )


_MARGINS = (
    *("underlying", "day", "threshold", "reference", "lowest", "lowest_venue", "median"),
    *("highest", "highest_venue", "venues", "venues_unknown", "age_days", "tested_days"),
    *(
        "subject",
        "required",
        "threshold_at_size",
        "lower",
        "upper",
        "sample",
        "move",
        "certainty",
        "certainty_text",
        "agreeing",
        "models",
        "falling",
        "staying",
        "rising",
        "sentence",
        "sentence_of_underlying",
    ),
)


def _margins(section: ThresholdSection) -> Iterator[Sequence[str]]:
    for row in section.rows:
        own = (
            row.underlying,
            row.day,
            *map(csv_number, (row.threshold, row.reference, row.lowest)),
        )
        venues = (
            row.lowest_venue,
            csv_number(row.median),
            csv_number(row.highest),
            row.highest_venue,
        )
        days = map(str, (row.venues, row.venues_unknown, row.age_days, row.tested_days))
        first = (*own, *venues, *days)
        whole = asset_sentence(row.underlying, row.advice, row.age_days)
        for advice in row.advice:
            rates = (advice.required, advice.threshold, advice.lower, advice.upper)
            counts = (advice.agreeing, advice.models, advice.falling, advice.staying, advice.rising)
            sure = (advice.move, advice.certainty, advice.certainty_text)
            figures = (*map(csv_number, rates), advice.sample, *sure, *map(csv_number, counts))
            yield (*first, advice.subject, *figures, advice.sentence, whole)


_VENUES = (
    *("underlying", "venue", "contract", "initial", "observed_at", "observed_from", "date_kind"),
    *("state", "reason"),
)


def _venues(section: ThresholdSection) -> Iterator[Sequence[str]]:
    for row in section.rows:
        for own in row.venue_rates:
            dates = (own.observed_at, own.observed_from, own.date_kind)
            yield (
                row.underlying,
                own.venue,
                own.symbol,
                csv_number(own.initial),
                *dates,
                _state(own),
                own.reason,
            )


def _state(own: ThresholdVenueRow) -> str:
    """Returns whether a venue counts: known, unknown, or left out because it cannot be compared."""
    if own.is_excluded:
        return "left out"
    return "unknown" if own.initial is None else "known"


_VALUES = ("underlying", "day", "model", "tool", "margin", "long", "short", "reason", "fallback")


def _values(section: ThresholdSection) -> Iterator[Sequence[str]]:
    for row in section.rows:
        for value in row.values:
            figures = map(csv_number, (value.margin, value.long, value.short))
            words = (value.reason, value.fallback)
            yield (row.underlying, row.day, value.model, value.tool, *figures, *words)


_SIZES = (
    *("underlying", "day", "notional", "by_volume", "at_once", "tested_days", "smallest_factor"),
    *("largest_factor", "largest_day", "largest_volume", "largest_series", "peak_to_trough"),
    *("unsized_peak_to_trough", "rise_30d", "unsized_rise_30d", "by_volume_reason"),
    *("at_once_reason", "reason"),
)


def _sizes(section: ThresholdSection) -> Iterator[Sequence[str]]:
    for row in section.rows:
        for own in row.sizes:
            now = (own.notional, own.by_volume, own.at_once)
            factors = (own.days, own.smallest_factor, own.largest_factor)
            calm = (
                *(own.peak_to_trough, own.unsized_peak_to_trough),
                *(own.rise_30d, own.unsized_rise_30d),
            )
            yield (
                row.underlying,
                row.day,
                *map(csv_number, (*now, *factors)),
                own.largest_day,
                csv_number(own.largest_volume),
                own.largest_series,
                *map(csv_number, calm),
                *(own.by_volume_reason, own.at_once_reason, own.reason),
            )


_GATE = ("level", "model", "gate", "condition", "met", "figure", "text", "requirement")


def _gate(section: ThresholdSection) -> Iterator[Sequence[str]]:
    for row in section.gate:
        state = gate_state(row)
        for own in row.conditions:
            met = "yes" if own.is_met else "no"
            figures = (csv_number(own.figure), own.text, own.requirement)
            yield (csv_number(row.level), row.model, state, own.name, met, *figures)


_SIGNALS = (
    *("signal", "days", "days_on", "runs_per_underlying", "separate_runs", "followed", "any_day"),
    *("confirming_p", "first_breaches", "foretold", "by_chance", "p_value", "foresight", "reason"),
)


def _signals(section: ThresholdSection) -> Iterator[Sequence[str]]:
    for row in section.signals:
        figures = (
            *(row.days, row.days_on, row.runs, row.separate_runs, row.followed, row.any_day),
            *(row.confirming_p, row.first_breaches, row.foretold, row.by_chance, row.p_value),
        )
        yield (row.signal, *map(csv_number, figures), row.foresight, row.reason)


_EVIDENCE = (
    *("signal", "underlying", "day", "observed", "required", "proposal", "evidence"),
    "fallback",
)


def _evidence(section: ThresholdSection) -> Iterator[Sequence[str]]:
    for row in section.signals:
        for own in row.evidence:
            figures = map(csv_number, (own.observed, own.required, own.proposal))
            yield (row.signal, own.underlying, own.day, *figures, own.text, own.fallback)


_EPISODES = (
    *("episode", "underlying", "first_day", "last_day", "series", "worst_day", "worst_return"),
    *("model", "eve", "largest", "rose_on", "first_mover", "venue", "contract", "venue_eve"),
    *("venue_eve_at", "rose_after", "rose_by", "venue_largest", "venue_reason", "fallback"),
    "venue_next_at",
)


def _episodes(section: ThresholdSection) -> Iterator[Sequence[str]]:
    for row in section.episodes:
        days = (
            row.first_day,
            row.last_day,
            row.series,
            row.worst_day,
            csv_number(row.worst_return),
        )
        venue = (row.venue, row.symbol, csv_number(row.venue_eve), row.venue_eve_at)
        rise = (row.rose_after, row.rose_by, csv_number(row.venue_largest), row.venue_reason)
        for own in row.models:
            model = (own.model, csv_number(own.eve), csv_number(own.largest), own.rose_on)
            words = (own.first_mover, *venue, *rise, own.fallback, row.venue_next_at)
            yield (row.episode, row.underlying, *days, *model, *words)
