"""Changes as text: for a terminal, a spreadsheet, a page."""

from collections import Counter
from collections.abc import Iterator, Sequence
from csv import writer
from io import StringIO

from harmonize.cli.console import one_line
from harmonize.document.change import Change, MarginChange, Range, Step

_NONE = "–"
_WORDS = {"initial": "IM", "maintenance": "MM"}
_COLUMNS = (
    "venue",
    "symbol",
    "profile",
    "underlying",
    "kind",
    "before",
    "after",
    "figure",
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
)


def table(changes: Sequence[Change]) -> str:
    """One block a changed schedule: what kind, on which sizes, and margins before and after."""
    if not changes:
        return "nothing changed\n"
    tally = Counter(one.kind.value for one in changes)
    said = ", ".join(f"{number} {kind}" for kind, number in sorted(tally.items()))
    lines = [f"{len(changes)} {'change' if len(changes) == 1 else 'changes'}: {said}"]
    for one in changes:
        lines += ["", *_block(one)]
    return "".join(f"{one_line(line)}\n" for line in lines)


def _block(one: Change) -> Iterator[str]:
    span = " to ".join(time[:10] for time in (one.before, one.after) if time)
    yield f"{one.venue} {one.symbol} ({one.profile}): {one.kind.value}, {span}"
    for moved in one.moved:
        yield from _moved(moved)
    if one.rule_before != one.rule_after:
        yield f"  tiers: {one.rule_before or _NONE} to {one.rule_after or _NONE}"
    if one.capacity_before != one.capacity_after:
        yield f"  capacity: {_usd(one.capacity_before)} to {_usd(one.capacity_after)}"
    if one.price != 1.0:
        yield f"  prices taken out: the later one is {one.price:.4g} times the earlier one"
    for step in one.steps:
        said = _step(step)
        if said:
            yield said


def _moved(moved: MarginChange) -> Iterator[str]:
    word = _WORDS[moved.margin_type]
    for name, ranges, most, at in (
        ("tighter", moved.tighter, moved.largest_rise, moved.rise_notional),
        ("looser", moved.looser, moved.largest_fall, moved.fall_notional),
    ):
        if ranges:
            where = ", ".join(
                f"${low:,.0f} {'and above' if high is None else f'to ${high:,.0f}'}"
                for low, high in ranges
            )
            yield f"  {word} {name} on {where}; at most {most:+.2%}, at ${at:,.0f}"


def _step(step: Step) -> str:
    """Margins at a notional where one of them moved."""
    pairs = (
        ("IM", step.initial_before, step.initial_after),
        ("MM", step.maintenance_before, step.maintenance_after),
    )
    moved = [f"{word} {_usd(was)} to {_usd(now)}" for word, was, now in pairs if was != now]
    return f"  at ${step.notional:,.0f}: {', '.join(moved)}" if moved else ""


def csv(changes: Sequence[Change]) -> str:
    """A row a figure of every change; of one without figures, one row."""
    written = StringIO()
    lines = writer(written, lineterminator="\n")
    lines.writerow(_COLUMNS)
    for one in changes:
        for moved in one.moved or (None,):
            lines.writerow([_cell(value) for value in _row(one, moved)])
    return written.getvalue()


def _row(one: Change, moved: MarginChange | None) -> tuple[object, ...]:
    figures: tuple[object, ...] = ("", "", "", None, None, None, None)
    if moved is not None:
        figures = (
            moved.margin_type,
            _ranges(moved.tighter),
            _ranges(moved.looser),
            *(moved.largest_rise, moved.rise_notional, moved.largest_fall, moved.fall_notional),
        )
    return (
        *(one.venue, one.symbol, one.profile, one.underlying, one.kind.value),
        *(one.before, one.after, *figures, one.capacity_before, one.capacity_after),
        *(one.rule_before, one.rule_after, one.price),
    )


def _ranges(ranges: Sequence[Range]) -> str:
    return "; ".join(f"{low:.10g}-{'' if high is None else f'{high:.10g}'}" for low, high in ranges)


def _cell(value: object) -> str:
    """A number as it is, text without what a spreadsheet would take for a formula."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    text = one_line(str(value))
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text


def markdown(changes: Sequence[Change]) -> str:
    """A table with a line a change."""
    lines = [
        "| Venue | Symbol | Change | From | To | IM at most | MM at most |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in changes:
        most = {moved.margin_type: _most(moved) for moved in one.moved}
        cells = (
            *(one.venue, f"{one.symbol} ({one.profile})", one.kind.value),
            *(one.before[:10], one.after[:10]),
            *(most.get(figure, _NONE) for figure in _WORDS),
        )
        lines.append(f"| {' | '.join(_plain(cell) for cell in cells)} |")
    return "".join(f"{line}\n" for line in lines)


def _most(moved: MarginChange) -> str:
    rise, fall = moved.largest_rise, moved.largest_fall
    said = [f"{share:+.2%}" for share in (rise, fall) if share is not None]
    return " / ".join(said) or "0 %"


def _plain(text: str) -> str:
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in one_line(text))


def _usd(amount: float | None) -> str:
    return _NONE if amount is None else f"${amount:,.2f}"
