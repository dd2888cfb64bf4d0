"""Chart of how the threshold of one underlying moved, with today's margins and the losses above it."""

from collections.abc import Iterator
from datetime import timedelta

from harmonize.document import ThresholdPathRow, ThresholdRow, ThresholdSection
from harmonize.document.threshold_sentences import model_text
from harmonize.text import numbers
from reports.charts.dates import date_of, day_number
from reports.charts.day_lines import DayLine, DayMark, MarkKind, day_lines
from reports.charts.horizon_lines import LevelLine
from reports.charts.svg import Frame
from reports.html.page import Chart
from reports.site.addresses import underlying_slug
from reports.site.adequacy_words import level_text
from reports.site.figures import Figure, figure, with_data
from reports.site.tables import csv_bytes, csv_number

_KINDS = (MarkKind("loss of a long", is_upward=False), MarkKind("loss of a short", is_upward=True))

VISIBLE = 0.01
"""Least difference of two lines that a chart shows, as a share of the lower one. A design choice."""


def path_figure(section: ThresholdSection, row: ThresholdRow) -> Figure | None:
    """Returns the chart of the path of one underlying; None without a path."""
    path = row.path
    if not path.first_day:
        return None
    level = level_text(section.level)
    title = f"{level} threshold of {row.underlying} by day"
    slug = underlying_slug(row.underlying)
    chart = Chart(
        title=title,
        unit="margin as a share of notional",
        svg=day_lines(
            Frame(f"thresholds-path-{slug}", title, ""),
            _lines(section, path),
            _levels(row),
            list(_marks(path)),
            _KINDS,
        ),
        legend=(),
        caption=_caption(section, row),
        columns=_columns(section, path),
        rows=tuple(_cells(path)),
        dates=numbers.date_range(path.first_day, _last_day(path)),
    )
    data = csv_bytes(_PATH, _numbers(path))
    return with_data(figure("Thresholds", chart, f"thresholds/{slug}-path"), data)


_PATH = (
    *("day", "default_rate", "default_at_size_rate", "volume_before_usd", "fast_margin_rate"),
    *("loss_rate", "side"),
)


def _numbers(path: ThresholdPathRow) -> Iterator[tuple[str, ...]]:
    """Yields the days for the CSV file, the newest first, with numbers unrounded; rates are fractions."""
    losses = {loss.day: loss for loss in path.losses}
    unknown = (None,) * len(path.fast)
    columns = (path.sized or unknown, path.volume or unknown, path.fast)
    for (day, rate), *others in reversed(list(zip(_days(path), *columns, strict=True))):
        loss = losses.get(day)
        own = (rate, *others, loss.loss if loss else None)
        yield (day, *map(csv_number, own), loss.side if loss else "")


def _columns(section: ThresholdSection, path: ThresholdPathRow) -> tuple[str, ...]:
    name = default_name(section)
    sized = (_sized_name(section), "Volume before") if path.sized else ()
    return ("Day", name, *sized, "Fast margin", "Loss above it", "Side")


def _sized_name(section: ThresholdSection) -> str:
    return f"{default_name(section)} at {numbers.usd(section.notional)}"


def default_name(section: ThresholdSection) -> str:
    """Returns what the path that stands for the default is: the benchmark if there is no default."""
    return "Default" if section.has_default else "Benchmark"


def _lines(section: ThresholdSection, path: ThresholdPathRow) -> list[DayLine]:
    first = day_number(path.first_day)
    lines = [DayLine(default_name(section).lower(), "c0 d0", first, path.default)]
    if path.fast != path.default:
        lines.append(DayLine("fast margin", "c1 d2", first, path.fast))
    if _is_sized_visible(path):
        lines.append(DayLine(_sized_name(section).lower(), "c5 d4", first, path.sized))
    return lines


def _is_sized_visible(path: ThresholdPathRow) -> bool:
    """Returns whether size moves the default by at least 1 % of it on some day."""
    return any(
        rate and sized is not None and abs(sized / rate - 1) >= VISIBLE
        for rate, sized in zip(path.default, path.sized, strict=False)
    )


def _levels(row: ThresholdRow) -> list[LevelLine]:
    levels = (
        ("harmonized-baseline", "c2 d1", row.reference),
        ("venues, median", "c3 d3", row.median),
    )
    return [LevelLine(name, css, rate) for name, css, rate in levels if rate is not None]


def _marks(path: ThresholdPathRow) -> Iterator[DayMark]:
    thresholds = dict(_days(path))
    for loss in path.losses:
        threshold = thresholds.get(loss.day)
        yield DayMark(
            day_number(loss.day),
            loss.loss,
            f"{loss.day}: loss of a {loss.side} of {numbers.rate(loss.loss)}, threshold"
            f" {numbers.rate(threshold)}",
            is_upward=loss.side == "short",
        )


def _days(path: ThresholdPathRow) -> Iterator[tuple[str, float | None]]:
    first = date_of(day_number(path.first_day))
    for place, rate in enumerate(path.default):
        yield (first + timedelta(days=place)).isoformat(), rate


def _last_day(path: ThresholdPathRow) -> str:
    return [day for day, _ in _days(path)][-1]


def _cells(path: ThresholdPathRow) -> Iterator[tuple[str, ...]]:
    """Yields the days, the newest first: their rates, and the loss above the default."""
    losses = {loss.day: loss for loss in path.losses}
    rows = list(zip(_days(path), path.fast, strict=True))
    for place, ((day, rate), fast) in reversed(list(enumerate(rows))):
        loss = losses.get(day)
        yield (
            day,
            numbers.rate(rate),
            *(
                (numbers.rate(path.sized[place]), numbers.usd(path.volume[place]))
                if path.sized
                else ()
            ),
            numbers.rate(fast),
            numbers.rate(loss.loss) if loss else "",
            loss.side if loss else "",
        )


def _caption(section: ThresholdSection, row: ThresholdRow) -> str:
    path, level = row.path, level_text(section.level)
    known = sum(rate is not None for rate in path.default)
    expected = known * (1.0 - (section.level or 0.0)) * 2
    name = default_name(section)
    default = model_text(section.default_model, path.default_fallback)
    quick = model_text(section.fast_model, path.fast_fallback)
    fast = f" Fast margin: {quick}." if path.fast != path.default else ""
    breaches = (
        f"{numbers.count_text(len(path.losses), 'loss', 'losses')} of a long or a short above the"
        f" {name.lower()} on {numbers.count_text(known, 'day')}; at {level} on each side,"
        f" {expected:.1f} are expected."
    )
    return (
        f"{breaches}{_levels_text(section, row)} {name}: {default}, tool: {section.default_tool}.{fast}"
        f" Each was known on the day before.{_sized_text(section, path)}"
    )


def _sized_text(section: ThresholdSection, path: ThresholdPathRow) -> str:
    """Returns what the line at the size of the section is, or why there is none."""
    if not any(sized is not None for sized in path.sized):
        return ""
    name, size = default_name(section).lower(), numbers.usd(section.notional)
    if _is_sized_visible(path):
        return f" At {size}: the {name} times √(1 + T/3), T by the volume before the day."
    least = numbers.rate(VISIBLE)
    return (
        f" At {size} the {name} is less than {least} higher on every day, so that it has no line."
    )


def _levels_text(section: ThresholdSection, row: ThresholdRow) -> str:
    """Returns that the level lines are today's values, and which margins have none."""
    size = numbers.usd(section.notional)
    venues = numbers.count_text(row.venues, "venue")
    values = (
        ("IM of harmonized-baseline", row.reference, row.reference_reason),
        (f"median IM of {venues}", row.median, "no venue has a known IM"),
    )
    known = [f"{name} {numbers.rate(rate)}" for name, rate, _ in values if rate is not None]
    absent = [f"{name}: {reason}" for name, rate, reason in values if rate is None]
    lines = (
        f" Level lines are today's margins, those of the audit at {size}, not those of the past: {', '.join(known)}."
        if known
        else ""
    )
    return f"{lines} No line: {'; '.join(absent)}." if absent else lines
