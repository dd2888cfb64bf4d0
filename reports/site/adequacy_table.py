"""Table of verdicts on margins, worst first, and the same as CSV with every number unrounded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harmonize.document import AdequacyRow, ClearingRow, HoldingRow, ScheduleRow
from harmonize.text import numbers
from reports.charts.dates import day_number
from reports.site import adequacy_words as words
from reports.site import marks
from reports.site.addresses import venue_path
from reports.site.adequacy_addresses import (
    adequacy_path,
    tier_address,
    verdict_address,
    verdict_anchor,
)
from reports.site.markup import NOTHING, Html, link, link_to, text
from reports.site.rankings import SHORT
from reports.site.report_context import ReportContext, ScheduleKey
from reports.site.tables import Cell, Row, Table, csv_bytes, number

DAYS = (1, 2, 5)
"""Horizons in days over which IM is tested as clearing margin."""

_MOST_DAYS = 3
_DAY = 86_400.0
_KEY_DIGITS = 6  # sort a table of some hundred rows
_BESIDE = 1e-5  # a bound sorts beside a time of the same length


@dataclass(frozen=True)
class VerdictColumns:
    """What all rows of a table of verdicts share.

    ``up`` leads from the page to the folder, and ``shown`` is the size on the pages of underlyings. A table
    on one underlying has no column of it. ``has_age`` adds the age of each margin table on the day of the
    document, ``has_breach`` the two candles of the worst breach, where no detail states them.
    """

    context: ReportContext
    schedules: dict[ScheduleKey, ScheduleRow]
    up: str
    shown: float
    has_underlying: bool
    has_age: bool = False
    has_breach: bool = False


def schedules_by_key(context: ReportContext) -> dict[ScheduleKey, ScheduleRow]:
    """Returns the schedules of the document by venue, symbol and profile."""
    return {(row.venue, row.symbol, row.profile): row for row in context.document.schedules}


def venue_link(context: ReportContext, venue: str, up: str) -> Html:
    """Returns a link to the page of a venue; its name alone if it has none."""
    return link_to(f"{up}{venue_path(venue)}" if venue in context.venues else "", venue)


def verdict_table(
    columns: VerdictColumns, rows: Sequence[AdequacyRow], label: str, caption: Html
) -> Table:
    """Returns the verdicts as a table; each row is a target of links, and leads to its detail."""
    heads = (
        *("Venue", *(["Underlying"] if columns.has_underlying else []), "Side"),
        "#Size",
        *(f"#{name} holds" for name in words.MARGIN_NAMES.values()),
        *("#Over MM after a liquidation", "#Over MM in all windows"),
        *(f"#IM over {numbers.count_text(days, 'day')}" for days in DAYS),
        "Worst days",
        "Table, and its age" if columns.has_age else "Table observed",
        "Prices, and what is not observable",
    )
    return Table(
        label,
        caption,
        heads,
        [_row(columns, row) for row in rows],
        tools=len(rows) > SHORT,
        numeric=True,
        css="verdicts",
    )


def _row(columns: VerdictColumns, row: AdequacyRow) -> Row:
    cells = [_venue_cell(columns, row)]
    if columns.has_underlying:
        address = f"{columns.up}{adequacy_path(row.underlying)}"
        cells.append(Cell(row.underlying, link_to(address, row.underlying), "t"))
    cells.append(Cell(row.side, css="t"))
    cells.append(number(numbers.usd(row.notional), key=row.notional))
    holding = {part.margin: part for part in row.holding}
    cells += [_holding_cell(holding.get(margin)) for margin in words.MARGIN_NAMES]
    liquidation, windows = row.after_liquidation, row.every_window
    cells.append(_noted(words.share_after(row), liquidation.breach_rate, words.window(row)))
    cells.append(_noted(words.share(windows), windows.breach_rate, words.counts(windows)))
    clearing = {part.days: part for part in row.clearing}
    cells += [_clearing_cell(clearing.get(days)) for days in DAYS]
    cells += [_days_cell(columns, row), _date_cell(columns, row), _series_cell(row)]
    return Row(tuple(cells), verdict_anchor(row))


def _venue_cell(columns: VerdictColumns, row: AdequacyRow) -> Cell:
    """Returns the venue with its contract; the contract leads to the detail of the verdict."""
    name = row.symbol if row.profile == "any" else f"{row.symbol} · {row.profile}"
    venue = venue_link(columns.context, row.venue, columns.up)
    if columns.has_breach:
        return Cell(row.venue, _with_notes(venue, text(name)))
    address = verdict_address(row, columns.shown)
    address = (
        f"{columns.up}{address}" if columns.has_underlying else f"#{address.partition('#')[2]}"
    )
    return Cell(row.venue, _with_notes(venue, link(address, text(name))))


def _with_notes(main: Html, *notes: Html) -> Html:
    return Html(f"{main}{''.join(f'<small>{note}</small>' for note in notes if note)}")


def _noted(value: str, key: float | None, *notes: str) -> Cell:
    """Returns a number with notes below it; without a number, the sign of the unknown."""
    shown = value or marks.NOT_OBSERVABLE.sign
    order = None if key is None else float(f"{key:.{_KEY_DIGITS}g}")
    return number(shown, _with_notes(text(shown), *map(text, notes)), key=order)


def _holding_cell(holding: HoldingRow | None) -> Cell:
    if holding is None or holding.seconds is None:
        return number(marks.NOT_OBSERVABLE.sign)
    beside = {"shorter": -_BESIDE, "longer": _BESIDE}.get(holding.bound, 0.0)
    key = holding.seconds * (1.0 + beside)
    return _noted(words.holding_time(holding), key, words.holding_range(holding))


def _clearing_cell(row: ClearingRow | None) -> Cell:
    if row is None or row.test.breach_rate is None:
        return number(marks.NOT_OBSERVABLE.sign)
    coverage = 1.0 - row.test.breach_rate
    return _noted(words.covered(row), coverage, words.zone_counts(row), words.p_values(row))


def _days_cell(columns: VerdictColumns, row: AdequacyRow) -> Cell:
    days = words.worst_days(row)[:_MOST_DAYS]
    is_known = row.every_window.breaches is not None or row.after_liquidation.breaches is not None
    absent = numbers.NOT_OBSERVABLE if is_known else marks.NOT_OBSERVABLE.sign
    shown = ", ".join(days) or absent
    breaches = words.worst_breaches(row)[: columns.has_breach]
    notes = [text(words.candles(breach)) for breach in breaches]
    return Cell(shown, _with_notes(text(shown), *notes) if notes else NOTHING, "dates days")


def _date_cell(columns: VerdictColumns, row: AdequacyRow) -> Cell:
    """Returns the date of the table with the signs of its schedule, which leads to its tiers."""
    shown = numbers.observation_date(row.observed_at, row.observed_from, row.date_kind)
    schedule = columns.schedules.get((row.venue, row.symbol, row.profile))
    signs = signs_of(schedule) if schedule else ""
    name = f"{shown} {signs}".rstrip()
    address = f"{columns.up}{tier_address(row)}" if schedule else ""
    key = f"{day_number(row.observed_at):.9g}"
    age = text(_age_text(columns, row)) if columns.has_age else NOTHING
    return Cell(name, _with_notes(link_to(address, name), age), "dates", key=key)


def _series_cell(row: AdequacyRow) -> Cell:
    """Returns the series of prices, and the reasons for what is unknown below them."""
    series, unknown = words.series_text(row), "; ".join(words.reasons(row))
    note = f"{marks.NOT_OBSERVABLE.sign}: {unknown}" if unknown else ""
    return Cell(series, _with_notes(text(series), text(note)), "why")


def signs_of(schedule: ScheduleRow) -> str:
    """Returns the signs of a schedule and of its margins; its date itself states whether it is exact."""
    signs = "".join(m.sign for m in marks.schedule_marks(schedule) if m is not marks.DATE_BOUND)
    own = {marks.margin_marks(schedule, margin_type) for margin_type in ("initial", "maintenance")}
    return f"{signs}{''.join(sorted(own))}"


def age_days(row: AdequacyRow, as_of: str) -> tuple[float, bool]:
    """Returns the age of a table in days, from the older end of its date, and whether it is a bound."""
    has_end = row.date_kind == "exact" or bool(row.observed_from)
    oldest = row.observed_from if row.date_kind != "exact" and has_end else row.observed_at
    span = numbers.parse_utc(as_of) - numbers.parse_utc(oldest)
    return span.total_seconds() / _DAY, not has_end


def _age_text(columns: VerdictColumns, row: AdequacyRow) -> str:
    days, is_bound = age_days(row, columns.context.document.as_of)
    if not is_bound:
        return numbers.age(days)
    return f"{marks.LOWER_BOUND.sign}{numbers.NBSP}{numbers.age(days) if days >= 1 else '0 days'}"


def verdict_csv(rows: Sequence[AdequacyRow], as_of: str) -> bytes:
    """Returns the verdicts of all sizes: rates and shares as fractions, times in seconds.

    An unknown number is empty; the last column states the reasons. The document has all other items.
    """
    heads = (
        *("underlying", "venue", "contract", "profile", "side", "size_usd", "im", "mm"),
        *(f"{name}_{part}" for name in ("mm", "buffer", "im") for part in _HOLDING_PARTS),
        *("close_out_seconds", "window_seconds"),
        *(f"{name}_{part}" for name in ("liquidation", "windows") for part in _TEST_PARTS),
        *(f"im_{days}d_{part}" for days in DAYS for part in _CLEARING_PARTS),
        *("worst_days", "observed_at", "observed_from", "date_kind", "age_days"),
        *("age_is_bound", "series", "unknown"),
    )
    return csv_bytes(heads, (list(map(_plain, _values(row, as_of))) for row in rows))


_HOLDING_PARTS = ("bound", "seconds", "shortest", "longest", "by_square_root")
_TEST_PARTS = ("breaches", "observations", "share", "share_at_most")
_CLEARING_PARTS = (
    *("breaches", "observations", "coverage", "zone"),
    *("kupiec_p", "christoffersen_p", "conditional_p", "shortfall_p"),
)

_Value = str | float | int | None


def _plain(value: _Value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.9g}"


def _values(row: AdequacyRow, as_of: str) -> Iterator[_Value]:
    yield from (row.underlying, row.venue, row.symbol, row.profile, row.side, row.notional)
    yield from (row.initial, row.maintenance)
    holding = {part.margin: part for part in row.holding}
    for margin in words.MARGIN_NAMES:
        yield from _holding_values(holding.get(margin))
    yield from (row.close_out_seconds, row.after_liquidation.seconds or None)
    for test in (row.after_liquidation, row.every_window):
        yield from (test.breaches, test.observations, test.breach_rate, test.rate_at_most)
    clearing = {part.days: part for part in row.clearing}
    for days in DAYS:
        yield from _clearing_values(clearing.get(days))
    yield " ".join(words.worst_days(row))
    yield from (row.observed_at, row.observed_from, row.date_kind)
    age, is_bound = age_days(row, as_of)
    yield from (age, "yes" if is_bound else "no", words.series_text(row))
    yield "; ".join(words.reasons(row)).replace(numbers.NBSP, " ")


def _holding_values(holding: HoldingRow | None) -> Iterator[_Value]:
    if holding is None:
        yield from [None] * len(_HOLDING_PARTS)
        return
    yield from (holding.bound, holding.seconds, holding.shortest, holding.longest)
    yield holding.by_square_root


def _clearing_values(row: ClearingRow | None) -> Iterator[_Value]:
    if row is None:
        yield from [None] * len(_CLEARING_PARTS)
        return
    rate = row.test.breach_rate
    yield from (row.test.breaches, row.test.observations, None if rate is None else 1.0 - rate)
    yield row.zone
    yield from (
        None if value is None else float(f"{value:.4g}")
        for value in (row.kupiec, row.christoffersen, row.conditional, row.shortfall)
    )


def legend(rows: Sequence[AdequacyRow], columns: VerdictColumns) -> Html:
    """Returns the marks of the schedules of some verdicts, with a link to their meaning."""
    keys = dict.fromkeys((row.venue, row.symbol, row.profile) for row in rows)
    known = [columns.schedules[key] for key in keys if key in columns.schedules]
    return marks.legend_line(known, columns.up)
