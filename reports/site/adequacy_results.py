"""Results of tests of margins against past prices, one sentence each with its numbers."""

from collections.abc import Sequence

from harmonize.document import AdequacyRow, ClearingRow, HoldingRow
from harmonize.text import numbers
from reports.site import adequacy_words as words
from reports.site.report_context import ReportContext

_HOUR = 3_600.0
_DAILY = " 1d"
"""End of the name of a series of daily candles."""

_HIGH_SHARE = 0.1
"""Share of liquidations that overran MM above which a position is counted."""


def shown_size(context: ReportContext) -> float:
    """Returns the size at which verdicts are compared: that of the heat map, otherwise the largest."""
    heat = context.document.heat_map_notional
    sizes = {row.notional for row in context.document.adequacy.rows}
    return heat if heat in sizes else max(sizes, default=heat)


def shown_rows(context: ReportContext, underlying: str = "", venue: str = "") -> list[AdequacyRow]:
    """Returns the verdicts at the size at which verdicts are compared, worst first.

    An empty name stands for all underlyings, or all venues.
    """
    size = shown_size(context)
    return [
        row
        for row in context.document.adequacy.rows
        if row.notional == size and underlying in {"", row.underlying} and venue in {"", row.venue}
    ]


def results(rows: Sequence[AdequacyRow], level: str) -> list[str]:
    """Returns one sentence per question on verdicts at one size; none on a question without answer."""
    sentences = (
        holding_sentence(rows, level),
        close_out_sentence(rows),
        clearing_sentence(rows),
        _daily_sentence(rows),
    )
    return [sentence for sentence in sentences if sentence]


def name_of(row: AdequacyRow) -> str:
    """Returns venue, underlying and side of a verdict: ``okx BTC long``."""
    return f"{row.venue} {row.underlying} {row.side}"


def holding_of(row: AdequacyRow, margin: str) -> HoldingRow | None:
    """Returns how long a margin holds, if it is known."""
    found = next((part for part in row.holding if part.margin == margin), None)
    return found if found is not None and found.seconds is not None else None


def holding_sentence(rows: Sequence[AdequacyRow], level: str) -> str:
    """Returns for how many positions each margin holds for at most an hour.

    A position of which only a longer bound is known, such as under a day, counts in neither number.
    """
    parts = []
    for margin, name in words.MARGIN_NAMES.items():
        known = [part for row in rows if (part := holding_of(row, margin)) and _is_told(part)]
        if known:
            brief = sum(part.bound != "longer" and _length(part) <= _HOUR for part in known)
            parts.append(f"{name} for {_of(brief, len(known))}")
    if not parts:
        return ""
    return (
        f"Margins hold against the {level} move for at most an hour: {', '.join(parts)} positions."
    )


def _is_told(holding: HoldingRow) -> bool:
    """Whether it is known if a margin holds for an hour."""
    return holding.bound != "shorter" or _length(holding) <= _HOUR


def _length(holding: HoldingRow) -> float:
    return holding.seconds or 0.0


def _of(part: int, whole: int) -> str:
    return f"{numbers.count(part)} of {numbers.count(whole)}"


def close_out_sentence(rows: Sequence[AdequacyRow]) -> str:
    """Returns the worst share of liquidations that overran MM, and how many positions have a high one.

    ``rows`` are worst first. Those from daily candles are not counted: they say nothing of a close-out.
    """
    known = [
        row
        for row in rows
        if row.after_liquidation.breach_rate is not None
        and not row.after_liquidation.series.endswith(_DAILY)
    ]
    if not known:
        return ""
    worst = known[0]
    high = sum((row.after_liquidation.breach_rate or 0.0) > _HIGH_SHARE for row in known)
    count = numbers.count_text(len(known), "position")
    return (
        f"After a liquidation at full leverage the price moved on beyond MM in"
        f" {words.share_after(worst)} of cases at worst ({name_of(worst)},"
        f" {words.window(worst)}); the share is above"
        f" {numbers.rate(_HIGH_SHARE)} for {numbers.count(high)} of {count} with enough liquidations."
    )


def clearing_sentence(rows: Sequence[AdequacyRow]) -> str:
    """Returns how many positions have an IM that would do as clearing margin, per horizon."""
    parts: list[str] = []
    for days in sorted({part.days for row in rows for part in row.clearing}):
        zones = [
            part.zone for row in rows for part in row.clearing if part.days == days and part.zone
        ]
        if zones:
            span = numbers.count_text(days, "day")
            count = f"{_of(zones.count('green'), len(zones))}"
            parts.append(f"{count}{' positions' if not parts else ''} over {span}")
    return f"As clearing margin, IM is in the green zone for {', '.join(parts)}." if parts else ""


def _daily_sentence(rows: Sequence[AdequacyRow]) -> str:
    """Returns why no figure of the page is a one-day backtest of MM."""
    tested = [part for row in rows if row.maintenance is not None for part in _daily(row)]
    if not tested:
        return ""
    red = sum(part.zone == "red" for part in tested)
    return (
        "A one-day backtest of a liquidation trigger is always red and says nothing: positions are"
        " liquidated within minutes, not after a day. Over 1 day even IM, the larger margin, is red"
        f" for {_of(red, len(tested))} positions. MM is therefore tested over the time that a close-out takes."
    )


def _daily(row: AdequacyRow) -> list[ClearingRow]:
    return [part for part in row.clearing if part.days == 1 and part.zone]
