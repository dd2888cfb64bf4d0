"""Tables on daily thresholds: whether margins should move, models, the gate and signals."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from harmonize.document import (
    GateConditionRow,
    GateRow,
    SignalRow,
    ThresholdAdviceRow,
    ThresholdRow,
    ThresholdSection,
    ThresholdValueRow,
)
from harmonize.document.threshold_sentences import SIGNAL_TERMS, model_text
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

OPEN = "cannot be told"
"""Statement on a margin if fewer than half of the models agree with the interval."""

_REPLACED = "*"
"""Mark of a figure of another model, which stands in place of the own one."""

MEANINGS = {
    "MH511": "fast margin above 1.25 × the margin in force",
    "MH512": "two breaches of the margin in force within ten days",
    "MH513": "margin in force above the need for 60 days",
    "MH514": "history too short",
    "MH515": "failing asset: its own history cannot tell",
}
"""What each signal compares."""

_HEADS = {
    "historical simulation, 365 days": "Hist. 365",
    "historical simulation, 1,095 days": "Hist. 1,095",
    "EWMA 0.94, normal": "EWMA 0.94",
    "EWMA 0.97, normal": "EWMA 0.97",
    "EWMA 0.94, filtered": "0.94 filt.",
    "EWMA 0.97, filtered": "0.97 filt.",
    "GARCH(1,1)-t, filtered": "GARCH filt.",
    "peaks over threshold": "Peaks",
    "implied volatility": "Implied",
    "quantile regression": "Quantile",
    "quantile regression and GARCH, average": "Average",
    "gradient-boosted quantiles": "Boosted",
}
"""Heads of the columns of models."""


def move_table(context: ReportContext, section: ThresholdSection) -> Table:
    """Returns a row per underlying, which leads to its page: the threshold beside reference and venues."""
    size = numbers.usd(section.notional)
    caption = text(
        f"Margins at {size} beside the {level_text(section.level)} threshold (the default path) with its 95 %"
        " interval and day. Reference: harmonized-baseline. Venues: the median of their IM, with the lowest,"
        " the highest and the days of observation. Below a statement: what the models that cover longs and"
        f" shorts say{_shared_certainty(section)}"
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
    return [*lines, f"{undated} of these with a latest date only"] if undated else lines


def _advice(row: ThresholdRow, subject: str) -> ThresholdAdviceRow | None:
    return next((own for own in row.advice if subject in own.subject), None)


def _venues(row: ThresholdRow) -> str:
    unknown = f", {row.venues_unknown} unknown" if row.venues_unknown else ""
    return f"{numbers.count_text(row.venues, 'venue')}{unknown}"


def _statement(advice: ThresholdAdviceRow | None, *, is_shared: bool) -> Cell:
    if advice is None:
        return Cell(marks.NOT_OBSERVABLE.sign)
    lines = [_said(advice), *([] if is_shared else [f"certainty {advice.certainty}"])]
    return Cell(advice.move, with_lines(advice.move, map(text, lines)), "t")


def _said(advice: ThresholdAdviceRow) -> str:
    """Returns how many models say what, and what the interval says if no direction can be told."""
    if advice.rising is None:
        return f"{advice.agreeing} of {advice.models} agree"
    counts = ((advice.falling, "fall"), (advice.staying, "stay"), (advice.rising, "rise"))
    said = ", ".join(f"{count} {word}" for count, word in counts if count)
    interval = f"interval: {_by_interval(advice)}; " if said and advice.move == OPEN else ""
    return f"{interval}models: {said or 'none covers both sides'}"


def _by_interval(advice: ThresholdAdviceRow) -> str:
    """Returns what the interval of the threshold alone says of the margin."""
    if advice.required is None or advice.lower is None:
        return marks.NOT_OBSERVABLE.sign
    if advice.required < advice.lower:
        return "rise"
    return "fall" if advice.upper is not None and advice.required > advice.upper else "stay"


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
        value.model for row in section.rows for value in row.values if value.tool == "none"
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
    required = join_words([_unbroken(f"{own.name} ({own.requirement})") for own in conditions])
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
    state = "offered" if row.is_offered else "fails"
    conditions = (_condition_text(row, own) for own in row.conditions)
    return Row(
        (
            Cell(row.model),
            Cell("benchmark" if row.is_benchmark else state),
            *(Cell(words, css="why") for words in conditions),
        )
    )


def _condition_text(row: GateRow, condition: GateConditionRow) -> str:
    """Returns the figure of a condition; the benchmark is not compared with itself."""
    words = _unbroken(condition.text)
    if condition.is_met or (row.is_benchmark and row.model in words):
        return words
    return f"{words} (not met)"


def _unbroken(words: str) -> str:
    """Returns words of the document in which no line begins with a per cent sign."""
    return words.replace(" %", f"{numbers.NBSP}%")


def record_table(section: ThresholdSection) -> Table:
    """Returns a row per signal: how often it was on, what followed, and whether it foresees."""
    return Table(
        "Records of signals",
        text(
            "Days of underlyings with the signal. Followed: share of them with a breach within five days,"
            " beside the share of any day; p: that the difference is chance, tested over separate runs"
            " (of all underlyings, at most five days apart). Foretold: first breaches after the signal,"
            " beside the share that chance would give"
        ),
        (
            *("Signal", "What", "#Days on", "#Runs per underlying", "#Separate runs", "#Followed"),
            *("#Any day", "#p", "#Foretold", "#By chance", "Tells"),
        ),
        [_record_row(row, MEANINGS.get(row.signal, "")) for row in section.signals],
        numeric=True,
    )


def _record_row(row: SignalRow, name: str) -> Row:
    days = count_of(row.days_on, row.days)
    firsts = count_of(row.foretold, row.first_breaches)
    return Row(
        (
            Cell(row.signal),
            Cell(name, css="why"),
            number(days, key=row.days_on),
            number(_count(row.runs), key=row.runs),
            number(_count(row.separate_runs), key=row.separate_runs),
            number(marks.rate_or_sign(row.followed), key=row.followed),
            number(marks.rate_or_sign(row.any_day), key=row.any_day),
            number(_p(row), key=row.confirming_p),
            number(firsts, key=row.foretold),
            number(marks.rate_or_sign(row.by_chance), key=row.by_chance),
            Cell(row.foresight or row.reason, css="why"),
        )
    )


def _count(value: int | None) -> str:
    return marks.NOT_OBSERVABLE.sign if value is None else numbers.count(value)


def _p(row: SignalRow) -> str:
    if row.confirming_p is None:
        return marks.NOT_OBSERVABLE.sign if row.runs is None else "not tested"
    return f"{row.confirming_p:.2g}"


def count_of(part: int | None, whole: int | None) -> str:
    """Returns a count with what it is part of: ``7 of 113``."""
    if part is None or whole is None:
        return marks.NOT_OBSERVABLE.sign
    return f"{numbers.count(part)} of {numbers.count(whole)}"


def evidence_table(context: ReportContext, section: ThresholdSection) -> Table:
    """Returns a row per signal and underlying on which it is on."""
    rows = [
        Row(
            (
                Cell(row.signal),
                underlying_cell(context, found.underlying, "t"),
                Cell(found.day, css="dates"),
                Cell(found.text, css="why"),
                number(marks.rate_or_sign(found.proposal), key=found.proposal),
            )
        )
        for row in section.signals
        for found in row.evidence
    ]
    return Table(
        "Signals that are on",
        text(
            f"Signals before the day of the threshold, with evidence and a proposal. {SIGNAL_TERMS}"
        ),
        ("Signal", "Underlying", "Day", "Evidence", "#Proposal for the margin in force"),
        rows,
        tools=len(rows) > SHORT,
        numeric=True,
    )
