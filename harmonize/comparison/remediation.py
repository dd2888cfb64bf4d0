"""The smallest change to a schedule that would make it comply, in the tiers that the venue publishes.

Tiers are raised from the smallest position up, each to the least rate that keeps the margin at or
above what is due on the whole of it, given the tiers below as already raised. Rates never fall from
one tier to the next, so the change brings no new defect. Where the margin is too low only from some
size on, the other way is named too: take no position above that size.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import lru_cache
from typing import NamedTuple

from harmonize.numerics.segments import HORIZON, LEAST

_GRAIN = 1e-12  # relative rounding below which nothing is missing
_CENT = 0.02  # USD by which published deductions may be rounded
_DIGITS = 4  # of a rate in words; rounded away from the defect

Line = tuple[float, float, float, float]
"""On (lower, upper] margin is fixed + rate·N."""

Lines = tuple[Line, ...]
"""A margin function whose pieces are straight."""


@dataclass(frozen=True, slots=True)
class Due:
    """The least margin that complies: ``factor`` times the reference less ``absolute`` times N.

    It is asked above ``floor`` and up to ``limit`` USD.
    """

    reference: Lines
    factor: float
    absolute: float
    floor: float
    limit: float


class Change(NamedTuple):
    """A tier, counted from 1, with its rate and the least one that complies."""

    tier: int
    rate: float
    due: float


def remedy(own: Lines | None, due: Due, under: Sequence[tuple[float, float]], lowest: float) -> str:
    """Say the smallest change, in words.

    ``own`` is None where pieces are no tiers; ``lowest`` is margin over reference − 1 where that is
    least, and below −1 + ``factor`` there. Where a tier would have to go above the whole of notional
    (what is due jumps just above it), all are raised together.
    """
    changes = () if own is None else raised(own, due)
    if own is None or any(one.due > 1.0 + _GRAIN for one in changes):
        if lowest <= -1.0:
            return "ask a margin above 0 at every size"
        return f"raise it by {_percent(due.factor / (1.0 + lowest) - 1.0, ROUND_CEILING)} at every size"
    if not changes:
        return ""
    bound = _bound(own, due, changes, under)
    return f"raise {_tiers(changes)}{f', or {bound}' if bound else ''}"


def raised(own: Lines, due: Due) -> tuple[Change, ...]:
    """The tiers to raise, and to what."""
    whole = _flat(own)
    level = _level(due)
    if whole and level is not None:
        return _levelled(own, due, level)
    changes: list[Change] = []
    reached, least = 0.0, 0.0
    for number, (lower, upper, _, rate) in enumerate(own, start=1):
        begin, end = max(lower, due.floor), min(upper, due.limit, HORIZON)
        ahead = 0.0 if whole or end >= due.limit else _just_above(due, end)
        if end < begin or (end == begin and not ahead):
            if lower >= due.limit:
                break
            reached += rate * (upper - lower)
            continue
        if level is not None and begin == lower and reached > level * lower * (1.0 + _GRAIN):
            wanted = (level * end - reached) / (end - lower)
        else:
            base, origin = (0.0, 0.0) if whole else (reached, lower)
            wanted = _steepest(due, begin, end, base, origin)
        if ahead and number < len(own):
            wanted = max(wanted, (ahead - reached) / (end - lower))
        short = wanted > rate * (1.0 + _GRAIN) + _GRAIN
        new = max(rate, wanted if short else rate, least)
        if new > rate * (1.0 + _GRAIN):
            changes.append(Change(number, rate, new))
            least = new
        reached += new * (upper - lower)
    return tuple(changes)


def _levelled(own: Lines, due: Due, level: float) -> tuple[Change, ...]:
    """As ``raised``, where each tier's rate holds for the whole position and one rate is due."""
    short = level * (1.0 - _GRAIN)
    return tuple(
        Change(number, rate, level)
        for number, (lower, upper, _, rate) in enumerate(own, start=1)
        if rate < short and lower < due.limit and upper > due.floor
    )


def _level(due: Due) -> float | None:
    """The one rate that is due at every size, where there is one."""
    if len(due.reference) == 1 and due.reference[0][2] == 0.0:
        return due.factor * due.reference[0][3] - due.absolute
    return None


def _steepest(due: Due, begin: float, end: float, base: float, origin: float) -> float:
    """The least slope of a line from ``base`` at ``origin`` that stays above what is due.

    What is due is linear between its bounds, and a slope seen from one point is monotone on a line,
    so the bounds, and the limit at the beginning, are where it is greatest.
    """
    steepest = 0.0
    for lower, upper, fixed, rate in due.reference:
        if upper <= begin or lower >= end:
            continue
        begins, slope = due.factor * fixed, due.factor * rate - due.absolute
        for at in (max(lower, begin), min(upper, end)):
            if at > origin:
                steepest = max(steepest, (begins + slope * at - base) / (at - origin))
            elif begins + slope * at >= base * (
                1.0 - _GRAIN
            ):  # it touches: the slope itself counts
                steepest = max(steepest, slope)
    return steepest


def _just_above(due: Due, at: float) -> float:
    """What is due just above a size: margin that is continuous must have it at that size."""
    if at < due.floor:
        return 0.0
    for lower, upper, fixed, rate in due.reference:
        if lower <= at < upper:
            return due.factor * (fixed + rate * at) - due.absolute * at
    return 0.0


def lines(
    pieces: Iterable[tuple[float, float, float, float, float, float]],
) -> Lines | None:
    """Take pieces as they are laid out; None where they are no tiers: curves, or jumps of both."""
    found: list[Line] = []
    for lower, upper, fixed, rate, coefficient, _ in pieces:
        if coefficient:
            return None
        found.append((lower, upper, fixed, rate))
    return tuple(found) if _flat(found) or _continuous(found) else None


def _flat(pieces: Sequence[Line]) -> bool:
    """Tell whether each rate holds for the whole position.

    Several tiers of one rate could be either sort; read as marginal, the change complies for both.
    """
    rates = {rate for _, _, _, rate in pieces}
    alike = len(pieces) > 1 and len(rates) == 1
    return not alike and all(fixed == 0.0 for _, _, fixed, _ in pieces)


def _continuous(pieces: Sequence[Line]) -> bool:
    """Tell whether each piece begins where the one before ends, as marginal tiers do."""
    reached = 0.0
    for lower, upper, fixed, rate in pieces:
        if abs(fixed + rate * lower - reached) > _CENT + _GRAIN * upper:
            return False
        reached = fixed + rate * upper
    return True


def _tiers(changes: Sequence[Change]) -> str:
    """Name the tiers: one by one where they are few, as a run where they go to one rate."""
    first, last = changes[0], changes[-1]
    together = len({_up(one.due) for one in changes}) == 1
    if together and last.tier - first.tier == len(changes) - 1 and len(changes) > 1:
        span = (
            _down(first.rate)
            if first.rate == last.rate
            else f"{_down(first.rate)} … {_down(last.rate)}"
        )
        return f"tiers {first.tier} to {last.tier} from {span} to {_up(first.due)}"
    shown = [f"tier {one.tier} from {_down(one.rate)} to {_up(one.due)}" for one in changes]
    if len(shown) <= 2:  # noqa: PLR2004 - two are read at a glance
        return " and ".join(shown)
    return f"{shown[0]}, {shown[1]} and {len(shown) - 2} more, up to {shown[-1]}"


def _bound(
    own: Lines, due: Due, changes: Sequence[Change], under: Sequence[tuple[float, float]]
) -> str:
    """The other way: a lower bound for the one tier that is short, or a smaller largest position."""
    if len(under) != 1 or under[0][0] <= LEAST:
        return ""
    begin = under[0][0]
    first = own[changes[0].tier - 1]
    alone = _flat(own) and len(changes) == 1 and changes[0].tier < len(own)
    end = min(first[1], due.limit)
    if (
        alone
        and first[0] < begin < end
        and _steepest(due, begin, end, 0.0, 0.0) <= own[changes[0].tier][3] * (1.0 + _GRAIN)
    ):
        return f"lower its bound to {_dollars(begin)}"
    return f"take no position above {_dollars(begin)}"


@lru_cache(maxsize=16384)
def _up(rate: float) -> str:
    return _percent(rate, ROUND_CEILING)


@lru_cache(maxsize=16384)
def _down(rate: float) -> str:
    return f"{rate * 100:.{_DIGITS}g} %"


def _percent(rate: float, rounding: str) -> str:
    """Write a rate with four digits, rounded so that what is written complies."""
    exact = Decimal(f"{rate * 100:.12g}")
    written = Context(prec=_DIGITS, rounding=rounding).plus(exact)
    return f"{written.normalize():f} %"


def _dollars(amount: float) -> str:
    """Write a bound with four digits, rounded down."""
    whole = Context(prec=_DIGITS, rounding=ROUND_FLOOR).plus(Decimal(f"{amount:.12g}"))
    return f"${whole:,.0f}" if whole >= 1 else f"${whole:f}"
