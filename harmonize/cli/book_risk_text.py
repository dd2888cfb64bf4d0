"""Margin of a book from prices, as text for a terminal."""

from collections.abc import Iterator, Sequence

from harmonize.adequacy.book_risk import (
    EXTREME_SHOCK,
    LARGEST_REDUCTION,
    BookRisk,
    Diversification,
    Scan,
)
from harmonize.adequacy.tail import TailEstimate
from harmonize.api.book_risk import MarginCoverage
from harmonize.core.schedule import Unknown
from harmonize.document.input_age import MAX_AGE_DAYS
from harmonize.text import numbers
from harmonize.text.messages import counted, percent

_FLAT = (
    "flat in every underlying: the part of the single margins above the limit stays, because the whole difference may "
    "count only where no risk remains, which is not assumed"
)

_NO_TEST = "flat in every underlying: joint VaR and ES are 0, which every margin covers and which tests none; the joint margin does"

_RESIDUE = 5e-6
"""Largest share that is no saving, half of the last printed digit."""

_ARTICLE = "Art 27(4) of Regulation (EU) 153/2013, cited from memory, not verified"


def book_risk_lines(
    risk: BookRisk | Unknown, coverage: Sequence[MarginCoverage] = ()
) -> Iterator[str]:
    """Yields the margins of a book, its worst days and what joint margin saves, or why there are none.

    ``coverage`` states which initial margins cover what the book can lose.
    """
    yield ""
    if isinstance(risk, Unknown):
        yield f"risk of the book: not observable: {risk.reason}"
        return
    without = f" without {', '.join(name for name, _ in risk.missing)}" if risk.missing else ""
    yield (
        f"risk of the book{without}: {risk.level * 100:g} % move over 1 day, {counted(risk.observations, 'common day')} "
        f"from {risk.first:%Y-%m-%d} to {risk.last:%Y-%m-%d}"
    )
    for name, reason in risk.missing:
        yield f"  not included: {name}: {reason}"
    if risk.age_days is not None and risk.age_days > MAX_AGE_DAYS:
        yield f"  the last common day is {risk.age_days} days old; import newer candles"
    yield from _amounts(risk)
    yield from _coverage_lines(coverage, without)
    if risk.is_flat:
        yield f"  {_NO_TEST}"
        yield f"  {_FLAT}"
    for row in risk.diversification:
        yield f"  {_saving(row)}"
    if risk.worst:
        yield "  worst days: " + ", ".join(
            f"{row.day:%Y-%m-%d} {numbers.amount(row.loss)}" for row in risk.worst
        )
    for single in risk.singles:
        disputed = ", ".join(f"{day:%Y-%m-%d}" for day in single.disputed)
        yield (
            f"  {single.underlying}: {percent(single.long)} long, {percent(single.short)} short, "
            f"{numbers.amount(single.margin)} alone, by {', then '.join(single.series)}"
            f"{f'; disputed by another source: {disputed}' if disputed else ''}"
        )


def _amounts(risk: BookRisk) -> Iterator[str]:
    limit = f"reduced by at most {LARGEST_REDUCTION:.0%} of the difference".replace("%", " %")
    rows = (
        ("single margins, added up", risk.single, ""),
        ("joint VaR", risk.joint.value, _interval(risk.joint)),
        ("joint ES", risk.shortfall.value, _interval(risk.shortfall)),
        ("joint margin", risk.limited, f" ({limit}; {_ARTICLE})"),
        *((f"scan, {name}", value, "") for name, value in scan_rows(risk.scan)),
    )
    for name, value, note in rows:
        yield f"  {name:<30} {numbers.amount(value):>16}{note}"


def _coverage_lines(coverage: Sequence[MarginCoverage], without: str) -> Iterator[str]:
    """Yields whether each initial margin covers the joint VaR and ES, below a sentence on all of them."""
    if not coverage:
        yield f"  no initial margin of the book{without} is known, so that none covers it"
        return
    covering = [row for row in coverage if row.covers_var]
    yield (
        f"  {len(covering)} of {counted(len(coverage), 'initial margin')} of the book{without} "
        f"{'covers' if len(covering) == 1 else 'cover'} the joint VaR, "
        f"{sum(row.covers_shortfall for row in coverage)} the joint ES, "
        f"{sum(row.covers_joint_margin for row in coverage)} the joint margin"
    )
    yield (
        f"  {'margin':<22} {'':<17} {'initial margin':>16} {'covers VaR':>10} {'covers ES':>9} "
        f"{'covers joint margin':>19}"
    )
    for row in coverage:
        yield (
            f"  {row.name:<22} {row.kind:<17} {numbers.amount(row.amount):>16} "
            f"{_YES[row.covers_var]:>10} {_YES[row.covers_shortfall]:>9} "
            f"{_YES[row.covers_joint_margin]:>19}"
        )


_YES = {True: "yes", False: "no"}


def _interval(estimate: TailEstimate) -> str:
    if estimate.lower is None or estimate.upper is None:
        return ""
    return f" ({numbers.amount(estimate.lower)} to {numbers.amount(estimate.upper)})"


def scan_rows(scan: Scan) -> tuple[tuple[str, float], ...]:
    """Returns the name and the loss of each scan."""
    return (
        ("all in one direction", scan.together),
        ("one against the rest", scan.one_apart),
        ("each against the book", scan.all_apart),
        (f"one at {EXTREME_SHOCK:g} times its move", scan.extreme),
    )


def _saving(row: Diversification) -> str:
    saved = "no margin" if row.saved is None else f"{percent(_without_residue(row.saved))} saved"
    return f"{row.name}: {numbers.amount(row.single)} single, {numbers.amount(row.joint)} joint, {saved}"


def _without_residue(share: float) -> float:
    """Returns a share, or 0 for a rounding error of floating-point numbers."""
    return 0.0 if abs(share) < _RESIDUE else share
