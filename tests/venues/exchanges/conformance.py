"""Laws that every adapter satisfies on every snapshot it reads; new venues are tested once listed."""

from collections.abc import Callable, Iterator, Mapping
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
"""Tolerance for a rounded root at which two pieces meet."""


def bounds_tile(schedule: MarginSchedule) -> None:
    """Checks that pieces rise from 0 without a gap up to the end of the schedule."""
    for observed in (schedule.initial, schedule.maintenance):
        function = value_of(observed)
        if function is not None:
            uppers = [piece.upper for piece in function.pieces]
            assert uppers[0] > 0
            assert all(below < above for below, above in pairwise(uppers))


def initial_covers_maintenance(schedule: MarginSchedule) -> None:
    """Checks IM ≥ MM at every bound where both are known."""
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
    piece = next(piece for piece in pieces if notional <= piece.upper)
    size = Fraction(notional)
    curved = Fraction(piece.coefficient) * Fraction(notional**piece.power)
    return Fraction(piece.fixed) + Fraction(piece.rate) * size + curved


def evidence_resolves(documents: Mapping[str, object], schedule: MarginSchedule) -> int:
    """Checks that pointers lead to numbers and match the tiers; returns the number of pointers.

    ``documents`` are the decoded payloads of the schedule's snapshot by hash.
    """
    pointer_count = 0
    for evidence in schedule.evidence:
        document = documents[evidence.sha256]
        for row in evidence.rows:
            for column in evidence.columns:
                published = resolve(document, row + column.key)
                assert published is not None or column.quantity == "upper", (row, column)
                pointer_count += 1
    main = schedule.evidence[0]
    if len(main.rows) == len(schedule.tiers):
        for tier, row in zip(schedule.tiers, main.rows, strict=True):
            _tier_is_published(documents[main.sha256], main, tier, row)
    return pointer_count


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
        if column.quantity in {"upper", "lower", "deduction"}:
            actual = getattr(tier, column.quantity)
            if actual is None:
                continue
            assert Fraction(actual) == Fraction(published) * multiplier, (row, column)
        elif column.quantity in {"initial", "maintenance"}:
            actual = Fraction(getattr(tier, f"{column.quantity}_rate"))
            expected = [_TO_RATE[column.unit](published)]
            if column.quantity == "initial":  # the printed rate may be a rounding of 1 / leverage
                leverages = [c for c in evidence.columns if c.quantity == "leverage"]
                expected += [_TO_RATE[c.unit](resolve(document, row + c.key)) for c in leverages]
            assert any(abs(actual - rate) <= rate / 10**26 for rate in expected), (row, column)


def all_laws(snapshot: Snapshot, schedules: Iterator[MarginSchedule]) -> int:
    """Checks all laws on every schedule of a snapshot; returns the number of pointers followed."""
    documents = {payload.sha256: decode(payload) for payload in snapshot.payloads}
    pointer_count = 0
    for schedule in schedules:
        bounds_tile(schedule)
        initial_covers_maintenance(schedule)
        pointer_count += evidence_resolves(documents, schedule)
    return pointer_count
