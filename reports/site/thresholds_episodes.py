"""Table of the times of stress: what the benchmark asked, what a venue required, who moved first."""

from harmonize.document import EpisodeModelRow, EpisodeRow, ThresholdSection
from harmonize.text import numbers
from reports.site import marks
from reports.site.markup import Html, text
from reports.site.rankings import SHORT
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, number
from reports.site.thresholds_tables import underlying_cell, with_lines

MOST_EPISODES = 8
"""Largest number of underlyings per episode on the page, the largest falls first."""


def shown_episodes(section: ThresholdSection) -> list[EpisodeRow]:
    """Returns the episodes on the page: of each, the underlyings that fell most."""
    by_name: dict[str, list[EpisodeRow]] = {}
    for row in section.episodes:
        by_name.setdefault(row.episode, []).append(row)
    shown = []
    for rows in sorted(by_name.values(), key=lambda rows: rows[0].first_day):
        deepest = sorted(rows, key=lambda row: (row.worst_return or 0.0, row.underlying))
        shown += deepest[:MOST_EPISODES]
    return shown


def episode_table(context: ReportContext, section: ThresholdSection) -> Table:
    """Returns a row per episode and underlying: the benchmark, the venue, and who raised first."""
    benchmark = next((row.model for row in section.gate if row.is_benchmark), "")
    rows = shown_episodes(section)
    return Table(
        "Episodes",
        text(
            "Return of the worst day; margin of the benchmark"
            f" ({benchmark}) on the eve, and its largest within 30 days; IM of the venue at"
            f" {numbers.usd(section.notional)}, last observed before. A rise of the venue is known only as"
            " between two observations, within 90 days"
        ),
        (
            *("Episode", "Underlying", "#Worst day", "#Benchmark", "#Venue before", "Venue rose"),
            "Moved first",
        ),
        [_episode_row(context, row, benchmark) for row in rows],
        tools=len(rows) > SHORT,
        numeric=True,
        css="episodes",
    )


def episode_note(section: ThresholdSection) -> str:
    """Returns how many episodes are shown, and why a venue was not observed before some of them."""
    rows = shown_episodes(section)
    shown = (
        f"{len(rows)} of {len(section.episodes)} shown, the largest falls of each episode; the CSV file has"
        " all models."
    )
    reasons = dict.fromkeys(row.venue_reason for row in rows if row.venue_reason)
    return f"{shown} Not observed: {'; '.join(reasons)}." if reasons else shown


def _episode_row(context: ReportContext, row: EpisodeRow, benchmark: str) -> Row:
    model = next((own for own in row.models if own.model == benchmark), None)
    before = [numbers.date(row.venue_eve_at)] if row.venue_eve is not None else []
    return Row(
        (
            Cell(row.episode),
            underlying_cell(context, row.underlying, "t"),
            _lined(row.worst_return, [numbers.date(row.worst_day)] if row.worst_day else []),
            _lined(model.eve if model else None, _risen(model)),
            _lined(row.venue_eve, before),
            _rise_cell(row),
            Cell(mover_text(model) if model else "", css="why"),
        )
    )


def mover_text(model: EpisodeModelRow) -> str:
    """Returns who raised first, without the observations of the venue if it was not seen to rise.

    These stand beside it on the page: the last one before the episode, and the next one.
    """
    first, _, rest = model.first_mover.partition("; ")
    return first if rest and first.startswith(("only the model", "neither")) else model.first_mover


def _risen(model: EpisodeModelRow | None) -> list[str]:
    """Returns lines on the largest margin, and on what stands in place of the model."""
    if model is None:
        return ["no threshold"]
    since = f", from {numbers.date(model.rose_on)}" if model.rose_on else ""
    return [f"to {_rate(model.largest)}{since}", *([model.fallback] if model.fallback else [])]


def _rise_cell(row: EpisodeRow) -> Cell:
    if row.venue_eve is None:
        return Cell("not observed" if row.venue_reason else marks.NOT_OBSERVABLE.sign, css="why")
    if not row.rose_after:
        seen = f"no rise seen, next observed {numbers.date(row.venue_next_at)}"
        unseen = row.venue_reason or "no rise observed"
        return Cell(seen if row.venue_next_at else unseen, css="why")
    days = f"{numbers.date(row.rose_after)} and {numbers.date(row.rose_by)}"
    return Cell(f"between {days}, to {_rate(row.venue_largest)}", css="why")


def _lined(value: float | None, lines: list[str]) -> Cell:
    words = _rate(value)
    shown: list[Html] = [text(line) for line in lines]
    return number(words, with_lines(words, shown), key=value)


def _rate(value: float | None) -> str:
    return marks.NOT_OBSERVABLE.sign if value is None else numbers.rate(value)
