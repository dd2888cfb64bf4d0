"""Tables on daily thresholds: whether margins should move, models, the gate and signals."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from harmonize.document import (
    GateConditionRow,
    GateRow,
    ThresholdAdviceRow,
    ThresholdRow,
    ThresholdSection,
    ThresholdValueRow,
)
from harmonize.document.threshold_sentences import (
    FALL,
    NOT_TESTABLE,
    RISE,
    STAY,
    gate_state,
    interval_move,
    model_text,
)
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site import marks
from reports.site.addresses import underlying_path
from reports.site.adequacy_words import level_text
from reports.site.markup import Html, link_to, text
from reports.site.rankings import SHORT
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, number
from reports.site.thresholds_addresses import thresholds_path

_REASONS = 3
"""Reasons for which venues are left out that are named, the most frequent ones."""

_REPLACED = "*"
"""Mark of a figure of another model, which stands in place of the own one."""

_SHORT_MOVES = {FALL: "fall", STAY: "stay", RISE: "rise"}

_HEADS = {
    "historical simulation, 365 days": "Hist. 365",
    "historical simulation, 1,095 days": "Hist. 1,095",
    "EWMA 0.94, normal": "EWMA 0.94",
    "EWMA 0.97, normal": "EWMA 0.97",
    "EWMA 0.94, filtered": "EWMA 0.94 filtered",
    "EWMA 0.97, filtered": "EWMA 0.97 filtered",
    "GARCH(1,1)-t, filtered": "GARCH filtered",
    "peaks over threshold": "Peaks over threshold",
    "implied volatility": "Implied volatility",
    "quantile regression": "Quantile regression",
    "quantile regression and GARCH, average": "Average with GARCH",
    "gradient-boosted quantiles": "Boosted quantiles",
}
"""Heads of the columns of models."""


def move_table(context: ReportContext, section: ThresholdSection) -> Table:
    """Returns a row per underlying, which leads to its page: the threshold beside reference and venues."""
    size = numbers.usd(section.notional)
    caption = text(
        f"Margins at {size} beside the {level_text(section.level)} threshold (the default path) with its 95 %"
        " interval and day. Reference: harmonized-baseline. Venues: the median of their IM, with the lowest,"
        " the highest and the days of observation. Below a statement: what the models that cover longs and"
        f" shorts say. Disputed: fewer than half of them agree with the interval of the default"
        f"{_left_out(section)}{_shared_certainty(section)}"
    )
    return Table(
        "Thresholds and margins",
        caption,
        (
            *("Underlying", "#Threshold", "#IM of reference", "Should reference move?"),
            *("#Median IM of venues", "Should venues move?", "#Last price"),
        ),
        [_move_row(context, row, is_shared=_is_shared(section)) for row in section.rows],
        tools=len(section.rows) > SHORT,
        numeric=True,
        css="verdicts",
    )


def _left_out(section: ThresholdSection) -> str:
    """Returns on which underlying most venues are left out, and for which reasons."""
    counts = {
        row.underlying: Counter(own.reason for own in row.venue_rates if own.is_excluded)
        for row in section.rows
    }
    most = max(counts, key=lambda name: counts[name].total(), default="")
    if not most or not counts[most]:
        return ""
    total = next(len(row.venue_rates) for row in section.rows if row.underlying == most)
    named = [f"{count} ({reason})" for reason, count in counts[most].most_common(_REASONS)]
    rest = counts[most].total() - sum(count for _, count in counts[most].most_common(_REASONS))
    reasons = join_words([*named, *([f"{rest} for other reasons"] if rest else [])])
    return (
        f". Venues that cannot be compared are left out, each with its reason in"
        f" thresholds-venues.csv; on {most} {counts[most].total()} of {total}: {reasons}"
    )


def _is_shared(section: ThresholdSection) -> bool:
    """Returns whether several statements are all of the same certainty, which the caption states once."""
    advice = [own.certainty for row in section.rows for own in row.advice]
    return len(advice) > 1 and len(set(advice)) == 1


def _shared_certainty(section: ThresholdSection) -> str:
    if not _is_shared(section):
        return ""
    level = next(own.certainty for row in section.rows for own in row.advice)
    why = "; the page of each underlying states why" if level != "high" else ""
    return f". The certainty of every statement is {level}{why}"


def _move_row(context: ReportContext, row: ThresholdRow, *, is_shared: bool) -> Row:
    venues, reference = _advice(row, "median"), _advice(row, "harmonized")
    return Row(
        (
            Cell(row.underlying, link_to(thresholds_path(row.underlying), row.underlying)),
            _threshold_cell(row, reference, venues),
            _noted(row.reference, "", row.reference_reason),
            _statement(reference, is_shared=is_shared),
            _venues_cell(context, row),
            _statement(venues, is_shared=is_shared),
            number(f"{numbers.count_text(row.age_days, 'day')} ago", key=row.age_days),
        )
    )


def _threshold_cell(row: ThresholdRow, *advice: ThresholdAdviceRow | None) -> Cell:
    """Returns the threshold of the statements, which is at their size, with interval and day."""
    judged = next((own for own in advice if own and own.lower is not None), None)
    if judged is None:
        return _noted(
            row.threshold, _day(row.day) if row.threshold is not None else "", row.threshold_reason
        )
    upper = "unbounded" if judged.upper is None else marks.rate_or_sign(judged.upper)
    value = row.threshold if judged.threshold is None else judged.threshold
    words = marks.rate_or_sign(value)
    is_sized = row.threshold is not None and words != marks.rate_or_sign(row.threshold)
    unsized = [f"{marks.rate_or_sign(row.threshold)} without size"] if is_sized else []
    lines = (f"{marks.rate_or_sign(judged.lower)} to {upper}", "; ".join([_day(row.day), *unsized]))
    return number(words, with_lines(words, map(text, lines)), key=value)


def _day(day: str) -> str:
    return numbers.date(day) if day else ""


def _venues_cell(context: ReportContext, row: ThresholdRow) -> Cell:
    """Returns the median of the venues, with the page of the underlying for names and sources."""
    words = marks.rate_or_sign(row.median)
    spread = (
        f"{marks.rate_or_sign(row.lowest)} to {marks.rate_or_sign(row.highest)}, "
        if row.venues
        else ""
    )
    address = underlying_path(row.underlying) if row.underlying in context.underlyings else ""
    venues = link_to(address if row.venues else "", _venues(row))
    lines = [Html(f"{text(spread)}{venues}"), *(text(line) for line in _observed(row))]
    return number(words, with_lines(words, lines), key=row.median)


def with_lines(words: str, lines: Iterable[Html]) -> Html:
    """Returns words with small lines below them, which keeps a column narrow."""
    return Html(f"{text(words)}{''.join(f'<small>{line}</small>' for line in lines)}")


def _observed(row: ThresholdRow) -> list[str]:
    """Returns lines on the days between which the known margins of the venues were observed.

    Dates without an earliest possible time count by the latest one, and their number is stated.
    """
    known = [own for own in row.venue_rates if own.initial is not None]
    if not known:
        return []
    oldest = min(own.observed_from or own.observed_at for own in known)
    newest = max(own.observed_at for own in known)
    undated = sum(not own.observed_from for own in known)
    lines = [f"observed {numbers.date_range(oldest, newest)}"]
    return [*lines, f"{undated} of them on this day or earlier"] if undated else lines


def _advice(row: ThresholdRow, subject: str) -> ThresholdAdviceRow | None:
    return next((own for own in row.advice if subject in own.subject), None)


def _venues(row: ThresholdRow) -> str:
    unknown = f", {row.venues_unknown} unknown" if row.venues_unknown else ""
    left_out = sum(own.is_excluded for own in row.venue_rates)
    apart = f", {left_out} left out" if left_out else ""
    return f"{numbers.count_text(row.venues, 'venue')}{unknown}{apart}"


def _statement(advice: ThresholdAdviceRow | None, *, is_shared: bool) -> Cell:
    if advice is None:
        return Cell(marks.NOT_OBSERVABLE.sign)
    lines = [_said(advice), *([] if is_shared else [f"certainty {advice.certainty}"])]
    return Cell(advice.move, with_lines(advice.move, map(text, lines)), "t")


def _said(advice: ThresholdAdviceRow) -> str:
    """Returns how many models say what, and what the interval says if they dispute it."""
    if advice.rising is None:
        return f"{advice.agreeing} of {advice.models} agree"
    votes = (advice.falling, advice.staying, advice.rising)
    counts = zip(votes, _SHORT_MOVES.values(), strict=True)
    said = ", ".join(f"{count} {word}" for count, word in counts if count)
    own = _SHORT_MOVES.get(interval_move(advice), "")
    interval = f"interval: {own}; " if said and own and advice.move not in _SHORT_MOVES else ""
    return f"{interval}models: {said or 'none covers both sides'}"


def _noted(value: float | None, note: str, reason: str) -> Cell:
    words = marks.rate_or_sign(value)
    return number(words, _with_note(words, note or reason), key=value)


def _with_note(words: str, note: str) -> Html:
    return Html(f"{text(words)}<small>{text(note)}</small>") if note else text(words)


def underlying_cell(context: ReportContext, underlying: str, css: str = "") -> Cell:
    """Returns the name of an underlying, with a link to its page if it has one."""
    has_page = underlying in context.underlyings
    address = underlying_path(underlying) if has_page else ""
    return Cell(underlying, link_to(address, underlying), css)


def model_heads(section: ThresholdSection) -> tuple[str, ...]:
    """Returns the models without a tool that have a threshold of some underlying, in order."""
    found = dict.fromkeys(
        value.model
        for row in section.rows
        for value in row.values
        if value.tool == "none" and value.margin is not None
    )
    known = [model for model in _HEADS if model in found]
    return (*known, *(model for model in found if model not in _HEADS))


def value_table(context: ReportContext, section: ThresholdSection) -> Table:
    """Returns a row per underlying: what each model asks on the day after the last return."""
    models = model_heads(section)
    default = f"{section.default_model}, tool: {section.default_tool}"
    name = "the default" if section.has_default else "the benchmark, as there is no default"
    return Table(
        "Models now",
        text(
            f"Threshold of each model without a tool on the day after the last return; first {name}:"
            f" {default}. {marks.NOT_OBSERVABLE.sign}: no threshold, for the reason in the CSV file"
            f"{_without_column(section)}"
        ),
        (
            "Underlying",
            "Day",
            f"#{'Default' if section.has_default else 'Benchmark'}",
            *(f"#{_HEADS.get(model, model)}" for model in models),
        ),
        [_value_row(context, row, models) for row in section.rows],
        tools=len(section.rows) > SHORT,
        numeric=True,
    )


def _without_column(section: ThresholdSection) -> str:
    """Returns which models have no threshold of any underlying, with the most frequent reason."""
    shown = model_heads(section)
    reasons: dict[str, Counter[str]] = {}
    for row in section.rows:
        for value in row.values:
            if value.tool == "none" and value.model not in shown:
                reasons.setdefault(value.model, Counter())[value.reason] += 1
    named = [f"{model} ({own.most_common(1)[0][0]})" for model, own in reasons.items()]
    return (
        f". Without a column, as no underlying has a threshold: {join_words(named)}"
        if named
        else ""
    )


def _value_row(context: ReportContext, row: ThresholdRow, models: Sequence[str]) -> Row:
    own = {value.model: value for value in row.values if value.tool == "none"}
    values = [own.get(model) for model in models]
    return Row(
        (
            underlying_cell(context, row.underlying),
            Cell(row.day, css="dates"),
            number(marks.rate_or_sign(row.threshold), key=row.threshold),
            *(_value_cell(value) for value in values),
        )
    )


def _value_cell(value: ThresholdValueRow | None) -> Cell:
    mark = _REPLACED if value and value.fallback else ""
    margin = value.margin if value else None
    return number(f"{marks.rate_or_sign(margin)}{mark}", key=margin)


def replaced_text(section: ThresholdSection) -> str:
    """Returns what the marked figures are: which model stands in place of which, and where."""
    places: dict[str, list[str]] = {}
    for row in section.rows:
        for value in row.values:
            if value.fallback and value.tool == "none":
                name = model_text(value.model, value.fallback)
                places.setdefault(name, []).append(row.underlying)
    named = [f"{name}: {', '.join(own)}" for name, own in places.items()]
    return f"{_REPLACED} {'; '.join(named)}." if named else ""


def gate_tables(section: ThresholdSection) -> list[Table]:
    """Returns a table per level: whether each model is offered, and its figure of each condition."""
    return [
        _gate_table(section, level, list(rows))
        for level, rows in groupby(section.gate, key=lambda row: row.level)
    ]


def _gate_table(section: ThresholdSection, level: float | None, rows: Sequence[GateRow]) -> Table:
    words = level_text(section.level if level is None else level)
    every = len(section.rows) - len(section.not_judged)
    count = every if rows[0].underlyings is None else rows[0].underlyings
    judged = numbers.count_text(count, "underlying")
    conditions = rows[0].conditions
    required = join_words([unbroken(f"{own.name} ({own.requirement})") for own in conditions])
    return Table(
        f"Report card at {words}",
        text(
            f"Models without a tool at {words} over {judged}. A model is offered if it meets every"
            f" condition: {required}"
        ),
        ("Model", "Gate", "Against the benchmark", "Breaches", "Sides rejected by Kupiec"),
        [_gate_row(row) for row in rows],
    )


def _gate_row(row: GateRow) -> Row:
    conditions = (_condition_text(row, own) for own in row.conditions)
    return Row(
        (
            Cell(row.model),
            Cell(gate_state(row)),
            *(Cell(words, css="why") for words in conditions),
        )
    )


def _condition_text(row: GateRow, condition: GateConditionRow) -> str:
    """Returns the figure of a condition; the benchmark is not compared with itself."""
    words = unbroken(condition.text)
    if condition.is_met or words.startswith(NOT_TESTABLE):
        return words
    if row.is_benchmark and row.model in words:
        return words
    return f"{words} (not met)"


def unbroken(words: str) -> str:
    """Returns words of the document in which no line begins with a per cent sign."""
    return words.replace(" %", f"{numbers.NBSP}%")
