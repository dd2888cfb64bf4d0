"""What every adapter must hold on every snapshot it can read; a new venue is tested by being listed."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from harmonize.core.payload import Evidence, Snapshot, decode, resolve
from harmonize.core.schedule import INFINITY, MarginFunction, MarginSchedule, Tier, value_of

_TO_RATE: dict[str, Callable[[Any], Fraction]] = {
    "rate": Fraction,
    "leverage": lambda published: 1 / Fraction(published),
    "percent": lambda published: Fraction(published) / 100,
    "1/10000": lambda published: Fraction(published) / 10**4,
    "1/100000000": lambda published: Fraction(published) / 10**8,
}


ROOTS = Fraction(1, 10**24)
"""How far a root of many digits, at which two pieces meet, may lie beside the true one."""


def bounds_tile(schedule: MarginSchedule) -> None:
    """Pieces rise from 0 without a gap, up to the end of the schedule."""
    for figure in (schedule.initial, schedule.maintenance):
        function = value_of(figure)
        if function is not None:
            uppers = [piece.upper for piece in function.pieces]
            assert uppers[0] > 0
            assert all(below < above for below, above in pairwise(uppers))


def initial_covers_maintenance(schedule: MarginSchedule) -> None:
    """IM ≥ MM at every bound that both share, where both are known."""
    initial, maintenance = value_of(schedule.initial), value_of(schedule.maintenance)
    if initial is None or maintenance is None:
        return
    for function in (initial, maintenance):
        for piece in function.pieces:
            notional = piece.upper if piece.upper != INFINITY else Decimal(10) ** 9
            above, below = margin(initial, notional), margin(maintenance, notional)
            assert above >= below * (1 - ROOTS), schedule.key


def margin(function: MarginFunction, notional: Decimal) -> Fraction:
    """Exact margin by the definition of a piece."""
    pieces = function.pieces
    piece = next(one for one in pieces if notional <= one.upper)
    size = Fraction(notional)
    curved = Fraction(piece.coefficient) * Fraction(notional**piece.power)
    return Fraction(piece.fixed) + Fraction(piece.rate) * size + curved


def evidence_resolves(snapshot: Snapshot, schedule: MarginSchedule) -> int:
    """Every pointer leads to a number, and rates and bounds there are the tier's; gives a count."""
    documents = {one.sha256: decode(one) for one in snapshot.payloads}
    seen = 0
    for evidence in schedule.evidence:
        document = documents[evidence.sha256]
        for row in evidence.rows:
            for column in evidence.columns:
                published = resolve(document, row + column.key)
                assert published is not None or column.figure == "upper", (row, column)
                seen += 1
    main = schedule.evidence[0]
    if len(main.rows) == len(schedule.tiers):
        for tier, row in zip(schedule.tiers, main.rows, strict=True):
            _tier_is_published(documents[main.sha256], main, tier, row)
    return seen


def _tier_is_published(document: object, evidence: Evidence, tier: Tier, row: str) -> None:
    multiplier = Fraction(1)
    conversion = evidence.conversion
    if conversion is not None and not conversion.formula.startswith("open interest"):
        for factor in conversion.factors:
            multiplier *= Fraction(factor.value)
    for column in evidence.columns:
        published: Any = resolve(document, row + column.key)
        if published in {None, ""} or published == 2**63 - 1:
            continue
        if column.figure in {"upper", "lower", "deduction"}:
            held = getattr(tier, column.figure)
            if held is None:
                continue
            assert Fraction(held) == Fraction(published) * multiplier, (row, column)
        elif column.figure in {"initial", "maintenance"}:
            held = Fraction(getattr(tier, f"{column.figure}_rate"))
            due = _TO_RATE[column.unit](published)
            assert abs(held - due) <= due / 10**26, (row, column)


def all_laws(snapshot: Snapshot, schedules: Iterator[MarginSchedule]) -> int:
    """Hold every law on every schedule of a snapshot; gives how many pointers were followed."""
    followed = 0
    for schedule in schedules:
        bounds_tile(schedule)
        initial_covers_maintenance(schedule)
        followed += evidence_resolves(snapshot, schedule)
    return followed
