"""Changes as text: for a terminal, as CSV and as Markdown."""

from collections import Counter
from collections.abc import Iterator, Sequence

from harmonize.api.assets import names_asset
from harmonize.document.change import Change, ChangeKind, MarginChange, NotionalRange, Step
from harmonize.text import numbers
from harmonize.text.messages import counted, dollars
from harmonize.text.sanitize import one_line
from reports.formats.sheets import Cell, Sheet, sheet_csv

_LABELS = {"initial": "IM", "maintenance": "MM"}
_COLUMNS = (
    "venue",
    "symbol",
    "profile",
    "underlying",
    "kind",
    "before",
    "after",
    "margin_type",
    "tighter_usd",
    "looser_usd",
    "largest_rise",
    "rise_notional_usd",
    "largest_fall",
    "fall_notional_usd",
    "capacity_before_usd",
    "capacity_after_usd",
    "rule_before",
    "rule_after",
    "price_ratio",
    "before_kind",
    "before_from",
    "after_kind",
    "after_from",
    "underlying_before",
)


def table(changes: Sequence[Change]) -> str:
    """Returns a block per changed schedule: kind, notional ranges, and margins before and after."""
    if not changes:
        return "no changes\n"
    tally = Counter(change.kind.value for change in changes)
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(tally.items()))
    lines = [f"{counted(len(changes), 'change')}: {kinds}"]
    for change in changes:
        lines += ["", *_block(change)]
    return "".join(f"{terminal_line(line)}\n" for line in lines)


def terminal_line(text: str) -> str:
    """Returns a line for a terminal: no-break spaces of numbers become spaces, others are escaped."""
    return one_line(text)


def _block(change: Change) -> Iterator[str]:
    days = " to ".join(
        _range_in_brackets(day) for day in (change.before_day, change.after_day) if day
    )
    yield f"{change.venue} {change.symbol} ({change.profile}): {change.kind.value}, {days}"
    for margin in change.moved:
        yield from _margin_lines(margin)
    if change.rule_before != change.rule_after:
        yield f"  tier rule: {change.rule_before or numbers.NOT_OBSERVABLE} to {change.rule_after or numbers.NOT_OBSERVABLE}"
    if change.capacity_before != change.capacity_after:
        yield f"  capacity: {_usd(change.capacity_before)} to {_usd(change.capacity_after)}"
    if change.kind is ChangeKind.ANOTHER_ASSET:
        yield f"  the code means {change.underlying} now and meant {change.underlying_before} before; the margins of two assets are not compared"
    if change.replaced and not names_asset(change):
        yield "  no tier is as before: the code may mean another asset"
    if change.price != 1.0:
        yield f"  adjusted for a price change of {numbers.change(change.price - 1.0)}"
    for step in change.steps:
        line = _step_line(step)
        if line:
            yield line


def _range_in_brackets(day: str) -> str:
    """Returns a day, or in brackets the two days between which it lies."""
    return f"({day})" if " to " in day else day


def _margin_lines(margin: MarginChange) -> Iterator[str]:
    label = _LABELS[margin.margin_type]
    for name, ranges, extreme, notional in (
        ("tighter", margin.tighter, margin.largest_rise, margin.rise_notional),
        ("looser", margin.looser, margin.largest_fall, margin.fall_notional),
    ):
        if ranges:
            text = ", ".join(numbers.notional_range(low, high) for low, high in ranges)
            largest = f"{numbers.change(extreme)} at {_notional(notional)}"
            yield f"  {label} {name}: {text}; largest change {largest}"


def _step_line(step: Step) -> str:
    """Returns the margins at a notional that changed; empty if none did."""
    pairs = (
        ("IM", step.initial_before, step.initial_after),
        ("MM", step.maintenance_before, step.maintenance_after),
    )
    changed = [
        f"{label} {_usd(before)} to {_usd(after)}"
        for label, before, after in pairs
        if before != after
    ]
    return f"  at {_notional(step.notional)}: {', '.join(changed)}" if changed else ""


def csv(changes: Sequence[Change]) -> str:
    """Returns a row per margin type of every change; one row for a change without margins."""
    return sheet_csv(sheet(changes))


def sheet(changes: Sequence[Change]) -> Sheet:
    """Returns the rows of ``csv`` as a table."""
    rows = (_csv_row(change, margin) for change in changes for margin in change.moved or (None,))
    return Sheet("Changes", _COLUMNS, tuple(rows))


def _csv_row(change: Change, margin: MarginChange | None) -> tuple[Cell, ...]:
    columns: tuple[Cell, ...] = ("", "", "", None, None, None, None)
    if margin is not None:
        columns = (
            margin.margin_type,
            _ranges(margin.tighter),
            _ranges(margin.looser),
            margin.largest_rise,
            margin.rise_notional,
            margin.largest_fall,
            margin.fall_notional,
        )
    return (
        *(change.venue, change.symbol, change.profile, change.underlying, change.kind.value),
        *(change.before, change.after, *columns, change.capacity_before, change.capacity_after),
        *(change.rule_before, change.rule_after, change.price),
        *(change.before_kind, change.before_from, change.after_kind, change.after_from),
        change.underlying_before,
    )


def _ranges(ranges: Sequence[NotionalRange]) -> str:
    return "; ".join(f"{low:.10g}-{'' if high is None else f'{high:.10g}'}" for low, high in ranges)


def spreadsheet_text(text: str) -> str:
    """Returns text on one line that a spreadsheet does not evaluate as a formula."""
    line = one_line(text)
    return f"'{line}" if line[:1] in {"=", "+", "-", "@"} else line


def markdown(changes: Sequence[Change]) -> str:
    """Returns a Markdown table with a line per change."""
    lines = [
        "| Venue | Symbol | Change | From | To | Largest change of IM | Largest change of MM |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for change in changes:
        extremes = {margin.margin_type: _extremes(margin) for margin in change.moved}
        cells = (
            *(change.venue, f"{change.symbol} ({change.profile})", change.kind.value),
            *(change.before_day, change.after_day),
            *(extremes.get(margin_type, numbers.NOT_OBSERVABLE) for margin_type in _LABELS),
        )
        lines.append(f"| {' | '.join(_escaped(cell) for cell in cells)} |")
    return "".join(f"{line}\n" for line in lines)


def _extremes(margin: MarginChange) -> str:
    shares = (margin.largest_rise, margin.largest_fall)
    texts = [numbers.change(share) for share in shares if share is not None]
    return " / ".join(texts) or numbers.change(0.0)


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_[]<>|#" else char for char in terminal_line(text))


def _usd(amount: float | None) -> str:
    return numbers.NOT_OBSERVABLE if amount is None else f"${numbers.amount(amount)}"


def _notional(amount: float | None) -> str:
    return numbers.NOT_OBSERVABLE if amount is None else dollars(amount)
