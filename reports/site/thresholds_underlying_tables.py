"""Tables on the daily threshold of one underlying: models, signals, episodes and prices."""

from collections.abc import Iterator, Sequence

from harmonize.document import (
    EpisodeModelRow,
    EpisodeRow,
    SignalRow,
    ThresholdRow,
    ThresholdSection,
    ThresholdSizeRow,
)
from harmonize.document.threshold_sentences import (
    confirming_text,
    factor_text,
    model_text,
    runs_text,
)
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site import marks
from reports.site.markup import text
from reports.site.tables import Cell, Row, Table, number
from reports.site.thresholds_episodes import mover_text
from reports.site.thresholds_signals import MEANINGS, count_of, foretold_text


def advice_table(row: ThresholdRow) -> Table:
    """Returns a row per margin that the threshold is compared with: whether it should move."""
    return Table(
        "Should the margin move?",
        text(f"Margins beside the threshold of {row.underlying} and its 95 % interval"),
        ("Margin", "#Now", "#Threshold", "Interval", "Move", "Models that agree", "Certainty"),
        [
            Row(
                (
                    Cell(own.subject),
                    _number(own.required),
                    _number(row.threshold if own.threshold is None else own.threshold),
                    Cell(f"{_bound(own.lower)} to {_bound(own.upper)}", css="dates"),
                    Cell(own.move),
                    Cell(f"{own.agreeing} of {own.models}"),
                    Cell(own.certainty),
                )
            )
            for own in row.advice
        ],
    )


def _bound(value: float | None) -> str:
    return "unbounded" if value is None else numbers.rate(value)


def size_table(row: ThresholdRow) -> Table:
    """Returns a row per size: the threshold now, and how volume moved it over the tested days."""
    return Table(
        "Thresholds by size",
        text(
            f"Threshold of {row.underlying} by size: now, closed over days of volume and at once into the"
            f" last order book; and over the tested days, by the volume known before each. {marks.NOT_OBSERVABLE.sign}:"
            " not known, for the reason in the CSV file"
        ),
        (
            *("#Size", "#By volume", "#At once", "#Least factor", "#Largest factor", "Largest on"),
            *("#Peak ÷ trough", "#Without size", "#Rise in 30 days", "#Without size"),
        ),
        [_size_row(own) for own in row.sizes],
        numeric=True,
    )


def _size_row(own: ThresholdSizeRow) -> Row:
    return Row(
        (
            number(numbers.usd(own.notional), key=own.notional),
            _number(own.by_volume),
            _number(own.at_once),
            _factor(own.smallest_factor, is_known=not own.reason),
            _factor(own.largest_factor, is_known=not own.reason),
            Cell(own.largest_day, css="dates"),
            _ratio(own.peak_to_trough),
            _ratio(own.unsized_peak_to_trough),
            _number(own.rise_30d),
            _number(own.unsized_rise_30d),
        )
    )


def _factor(value: float | None, *, is_known: bool) -> Cell:
    words = factor_text(value) if is_known else marks.NOT_OBSERVABLE.sign
    return number(words, key=value)


def _ratio(value: float | None) -> Cell:
    return number(marks.NOT_OBSERVABLE.sign if value is None else f"{value:.3g}", key=value)


def value_table(row: ThresholdRow) -> Table:
    """Returns a row per model, and the default path: what it asks on the day of the threshold."""
    has_reasons = any(value.reason for value in row.values)
    return Table(
        "Models",
        text(
            f"Threshold of {row.underlying} on {numbers.date(row.day)}, the day after the last return, by"
            " model and tool against procyclicality; the margin is the larger of long and short"
        ),
        (
            *("Model", "Tool", "#Margin", "#Long", "#Short"),
            *(["Not known because"] if has_reasons else []),
        ),
        [
            Row(
                (
                    Cell(model_text(value.model, value.fallback)),
                    Cell(value.tool),
                    *map(_number, (value.margin, value.long, value.short)),
                    *([Cell(value.reason, css="why")] if has_reasons else []),
                )
            )
            for value in row.values
        ],
    )


def signal_table(section: ThresholdSection, underlying: str) -> Table:
    """Returns a row per signal that is on for an underlying: evidence, proposal and record."""
    return Table(
        "Signals that are on",
        text(
            "Signals that were on when the prices ended; beside each, how often a breach followed within"
            " five days against any day, over all underlyings"
        ),
        ("Signal", "What", "Day", "Evidence", "#Proposal", "Record"),
        [
            Row(
                (
                    Cell(signal.signal),
                    Cell(MEANINGS.get(signal.signal, ""), css="why"),
                    Cell(found.day, css="dates"),
                    Cell(found.text, css="why"),
                    _number(found.proposal),
                    Cell(_record(signal), css="why"),
                )
            )
            for signal in section.signals
            for found in signal.evidence
            if found.underlying == underlying
        ],
    )


def _record(signal: SignalRow) -> str:
    if signal.days is None or signal.runs is None:
        return signal.reason
    return (
        f"on for {count_of(signal.days_on, signal.days)} days, in"
        f" {runs_text(signal.runs, signal.separate_runs)}; followed {marks.rate_or_sign(signal.followed)}, any day"
        f" {marks.rate_or_sign(signal.any_day)}{confirming_text(signal.confirming_p)}; first breaches foretold:"
        f" {foretold_text(signal)}, {marks.rate_or_sign(signal.by_chance)} by chance: {signal.foresight}"
    )


def episode_tables(section: ThresholdSection, underlying: str) -> Iterator[Table]:
    """Yields a table per episode of an underlying, with every model."""
    for row in section.episodes:
        if row.underlying == underlying:
            yield _episode_table(row, numbers.usd(section.notional))


def _episode_table(row: EpisodeRow, size: str) -> Table:
    """Returns the models in an episode; who moved first is in the caption if it is the same for all."""
    merged = _merged(row.models)
    movers = {mover_text(own) for own in row.models}
    is_shared = row.venue and len(movers) == 1 and any(movers)
    shared = f". Moved first: {next(iter(movers))}" if is_shared else ""
    has_movers = len(movers) > 1
    return Table(
        row.episode,
        text(f"{_episode_text(row, size)}{shared}"),
        (
            *("Model", "#On the eve", "#At most in 30 days", "First day 10 % above the eve"),
            *(["Moved first"] if has_movers else []),
        ),
        [
            Row(
                (
                    Cell(name),
                    _number(own.eve),
                    _number(own.largest),
                    Cell(own.rose_on or "not within 30 days", css="dates"),
                    *([Cell(mover_text(own), css="why")] if has_movers else []),
                )
            )
            for name, own in merged
        ],
    )


def _merged(models: Sequence[EpisodeModelRow]) -> list[tuple[str, EpisodeModelRow]]:
    """Returns each model with its name; one that stands in place of others on all days, once.

    A row of a model whose figures are all those of another one would only repeat that row.
    """
    by_name = {own.model: own for own in models}
    repeated: dict[str, list[str]] = {}
    for own in models:
        name = own.fallback.removesuffix(f", in place of {own.model}")
        other = by_name.get(name) if name != own.fallback else None
        if other and _figures(other) == _figures(own):
            repeated.setdefault(name, []).append(own.model)
    hidden = {model for names in repeated.values() for model in names}
    return [
        (_with_others(own, repeated.get(own.model, [])), own)
        for own in models
        if own.model not in hidden
    ]


def _with_others(own: EpisodeModelRow, others: Sequence[str]) -> str:
    name = model_text(own.model, own.fallback)
    return f"{name}; also in place of {join_words(others)}" if others else name


def _figures(own: EpisodeModelRow) -> tuple[float, float, str, str]:
    return own.eve, own.largest, own.rose_on, own.first_mover


def _episode_text(row: EpisodeRow, size: str) -> str:
    days = numbers.date_range(row.first_day, row.last_day)
    day = numbers.date(row.worst_day) if row.worst_day else ""
    fall = (
        f"worst day {day}, {marks.rate_or_sign(row.worst_return)}, by {row.series}"
        if day
        else "no return"
    )
    return f"{row.episode}, {days}: {fall}. {_venue_text(row, size)}"


def _venue_text(row: EpisodeRow, size: str) -> str:
    if not row.venue:
        return f"Venue: {row.venue_reason}"
    eve = (
        f"IM at {size} {marks.rate_or_sign(row.venue_eve)}, last observed before on {numbers.date(row.venue_eve_at)}"
        if row.venue_eve is not None
        else f"IM at {size} not known: {row.venue_reason}"
    )
    rise = (
        f"first rise between {numbers.date(row.rose_after)} and {numbers.date(row.rose_by)}, at most"
        f" {marks.rate_or_sign(row.venue_largest)} within 90 days"
        if row.rose_after
        else _without_rise(row)
    )
    return f"{row.venue} {row.symbol}: {eve}; {rise}"


def _without_rise(row: EpisodeRow) -> str:
    """Returns that no rise was observed, with the observation after the episode began if there is one."""
    if not row.venue_next_at:
        return "no rise observed within 90 days"
    return f"no rise seen within 90 days, next observed on {numbers.date(row.venue_next_at)}"


def series_table(row: ThresholdRow) -> Table:
    """Returns a row per series of prices that speaks for an underlying."""
    return Table(
        "Series of prices",
        text(f"Series that speak for {row.underlying}, in order of time, with their daily returns"),
        ("Series", "From", "To", "#Returns"),
        [
            Row(
                (
                    Cell(part.series),
                    Cell(part.first_day, css="dates"),
                    Cell(part.last_day, css="dates"),
                    number(numbers.count(part.returns), key=part.returns),
                )
            )
            for part in row.series
        ],
    )


def _number(value: float | None) -> Cell:
    return number(marks.rate_or_sign(value), key=value)
