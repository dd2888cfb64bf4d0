"""Margin of a book from prices, as text for a terminal."""

from collections.abc import Iterator

from harmonize.adequacy.book_risk import LARGEST_REDUCTION, BookRisk, Diversification
from harmonize.core.schedule import Unknown
from harmonize.text import numbers
from harmonize.text.messages import counted, percent


def book_risk_lines(risk: BookRisk | Unknown) -> Iterator[str]:
    """Yields the margins of a book, its worst days and what joint margin saves, or why there are none."""
    yield ""
    if isinstance(risk, Unknown):
        yield f"risk of the book: not observable: {risk.reason}"
        return
    yield (
        f"risk of the book: {risk.level * 100:g} % move over 1 day, {counted(risk.observations, 'common day')} "
        f"from {risk.first:%Y-%m-%d} to {risk.last:%Y-%m-%d}"
    )
    yield from _amounts(risk)
    for row in risk.diversification:
        yield f"  {_saving(row)}"
    yield "  worst days: " + ", ".join(
        f"{row.day:%Y-%m-%d} {numbers.amount(row.loss)}" for row in risk.worst
    )
    for single in risk.singles:
        disputed = ", ".join(f"{day:%Y-%m-%d}" for day in single.disputed)
        yield (
            f"  {single.underlying}: {percent(single.long)} long, {percent(single.short)} short, "
            f"{numbers.amount(single.margin)} alone, by {single.series}"
            f"{f'; disputed by another source: {disputed}' if disputed else ''}"
        )


def _amounts(risk: BookRisk) -> Iterator[str]:
    joint = risk.joint
    interval = ""
    if joint.lower is not None and joint.upper is not None:
        interval = f" ({numbers.amount(joint.lower)} to {numbers.amount(joint.upper)})"
    limit = f"reduced by at most {LARGEST_REDUCTION:.0%} of the difference".replace("%", " %")
    rows = (
        ("single margins, added up", risk.single, ""),
        ("joint VaR", joint.value, interval),
        ("joint ES", risk.shortfall.value, ""),
        ("joint margin", risk.limited, f" ({limit}, Art 27(4) of Regulation (EU) 153/2013)"),
        ("scan, each underlying alone", risk.scan_alone, ""),
        ("scan, all in one direction", risk.scan_together, ""),
    )
    for name, value, note in rows:
        yield f"  {name:<30} {numbers.amount(value):>16}{note}"


def _saving(row: Diversification) -> str:
    saved = "no margin" if row.saved is None else f"{percent(row.saved)} saved"
    return f"{row.name}: {numbers.amount(row.single)} single, {numbers.amount(row.joint)} joint, {saved}"
