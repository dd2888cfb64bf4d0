"""Tables of signals on thresholds: their records, and where they are on."""

from harmonize.document import SignalRow, ThresholdSection
from harmonize.document.threshold_sentences import SIGNAL_TERMS, share_text
from harmonize.text import numbers
from reports.site import marks
from reports.site.markup import text
from reports.site.rankings import SHORT
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, number
from reports.site.thresholds_tables import unbroken, underlying_cell

MEANINGS = {
    "MH511": "fast margin above 1.25 × the formula margin",
    "MH512": "two breaches of the formula margin within ten days",
    "MH513": "formula margin above the need for 60 days",
    "MH514": "history too short",
    "MH515": "failing asset: its own history cannot tell",
}
"""What each signal compares."""


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
            *(
                "Signal",
                "What",
                "#Days on",
                "#Runs, each underlying counted alone",
                "#Separate runs",
                "#Followed",
            ),
            *("#Any day", "#p", "#Foretold", "#By chance", "Tells"),
        ),
        [_record_row(row, MEANINGS.get(row.signal, "")) for row in section.signals],
        numeric=True,
    )


def _record_row(row: SignalRow, name: str) -> Row:
    days = count_of(row.days_on, row.days)
    firsts = foretold_text(row)
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


def foretold_text(row: SignalRow) -> str:
    """Returns the share of first breaches that a signal foretold, with both counts."""
    if row.foretold is None or row.first_breaches is None:
        return marks.NOT_OBSERVABLE.sign
    return unbroken(share_text(row.foretold, row.first_breaches))


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
            f"Signals that were on when the prices ended, with evidence and a proposal. {SIGNAL_TERMS}"
        ),
        ("Signal", "Underlying", "Day", "Evidence", "#Proposal for the formula margin"),
        rows,
        tools=len(rows) > SHORT,
        numeric=True,
    )
