"""The smallest change that makes a schedule comply, in the tiers that the venue publishes.

Tiers are raised in order of size. Each gets the lowest rate with which the margin meets the
requirement on the whole tier; the tiers below count as already raised. Rates never fall from one
tier to the next, so the change adds no new defect. If the margin is too low only from some size on,
the alternative is also named: take no position above that size.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import lru_cache
from typing import NamedTuple

from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.segments import HORIZON, MIN_NOTIONAL

_NOISE = 1e-12  # relative rounding below which nothing is missing
_ROUNDED_DEDUCTION = 0.02  # USD by which published deductions may be rounded
_LARGEST_PERCENTAGE = 2.0  # increase up to which a percentage is read more easily than a multiple
_DIGITS = 4  # of a rate in text; rounded to the side that complies

Line = tuple[float, float, float, float]
"""On (lower, upper] margin is fixed + rate·N."""

Lines = tuple[Line, ...]
"""A margin function whose pieces are straight."""


@dataclass(frozen=True, slots=True)
class RequiredMargin:
    """The lowest margin that complies: ``factor`` times the reference less ``absolute`` times N.

    It is required above ``floor`` and up to ``limit`` USD.
    """

    reference: Lines
    factor: float
    absolute: float
    floor: float
    limit: float


class TierChange(NamedTuple):
    """A tier, numbered from 1, with its rate and the lowest rate that complies."""

    tier: int
    rate: float
    required: float


def remedy(
    own: Lines | None,
    required: RequiredMargin,
    under: Sequence[tuple[float, float]],
    lowest: float,
) -> str:
    """Returns the smallest change in words; empty if none is needed.

    ``own`` is None if the pieces are not tiers. ``under`` are the ranges on which the margin is too
    low. ``lowest`` is the smallest margin over reference − 1. If the
    required margin jumps above a tier, that tier can need more than 100 % of notional. All tiers are
    then raised by one factor.
    """
    changes = () if own is None else tier_changes(own, required)
    if own is None or any(change.required > 1.0 + _NOISE for change in changes):
        if lowest <= -1.0:
            return "require a margin above 0 at every size"
        return f"{_increase_text(required.factor / (1.0 + lowest))} at every size"
    if not changes:
        return ""
    alternative = _alternative(own, required, changes, under)
    return f"raise {_changes_text(changes)}{f', or {alternative}' if alternative else ''}"


def tier_changes(own: Lines, required: RequiredMargin) -> tuple[TierChange, ...]:
    """Returns the tiers to raise, with the lowest rates that comply."""
    is_flat = _is_flat(own)
    level = _constant_rate(required)
    if is_flat and level is not None:
        return _raised_to_level(own, required, level)
    changes: list[TierChange] = []
    margin, last_raised = 0.0, 0.0  # margin at the lower bound of the tier, as raised so far
    for number, (lower, upper, _, rate) in enumerate(own, start=1):
        begin, end = max(lower, required.floor), min(upper, required.limit, HORIZON)
        has_next = not is_flat and end < required.limit
        above_end = _just_above(required, end) if has_next else 0.0
        if end < begin or (end == begin and not above_end):
            if lower >= required.limit:
                break
            margin += rate * (upper - lower)
            continue
        if level is not None and begin == lower and margin > level * lower * (1.0 + _NOISE):
            lowest_rate = (level * end - margin) / (end - lower)
        else:
            base, origin = (0.0, 0.0) if is_flat else (margin, lower)
            lowest_rate = _steepest(required, begin, end, base, origin)
        if above_end and number < len(own):
            lowest_rate = max(lowest_rate, (above_end - margin) / (end - lower))
        is_short = lowest_rate > rate * (1.0 + _NOISE) + _NOISE
        new_rate = max(rate, lowest_rate if is_short else rate, last_raised)
        if new_rate > rate * (1.0 + _NOISE):
            changes.append(TierChange(number, rate, new_rate))
            last_raised = new_rate
        margin += new_rate * (upper - lower)
    return tuple(changes)


def _raised_to_level(own: Lines, required: RequiredMargin, level: float) -> tuple[TierChange, ...]:
    """As ``tier_changes``, for flat tiers and one required rate at every size."""
    threshold = level * (1.0 - _NOISE)
    return tuple(
        TierChange(number, rate, level)
        for number, (lower, upper, _, rate) in enumerate(own, start=1)
        if rate < threshold and lower < required.limit and upper > required.floor
    )


def _constant_rate(required: RequiredMargin) -> float | None:
    """Returns the rate that is required at every size; None if it varies with size."""
    if len(required.reference) == 1 and required.reference[0][2] == 0.0:
        return required.factor * required.reference[0][3] - required.absolute
    return None


def _steepest(
    required: RequiredMargin, begin: float, end: float, base: float, origin: float
) -> float:
    """Returns the least slope of a line from (origin, base) that stays above the required margin.

    The required margin is linear between its bounds, and the slope to a point on a line is monotone
    along that line. The slope is therefore largest at a bound, or at the limit from above at
    ``begin``.
    """
    steepest = 0.0
    for lower, upper, fixed, rate in required.reference:
        if upper <= begin or lower >= end:
            continue
        intercept = required.factor * fixed
        slope = required.factor * rate - required.absolute
        for at in (max(lower, begin), min(upper, end)):
            if at > origin * (1.0 + _NOISE):
                steepest = max(steepest, (intercept + slope * at - base) / (at - origin))
            elif intercept + slope * at >= base * (1.0 - _NOISE):
                steepest = max(steepest, slope)  # the lines touch, so the slope itself counts
    return steepest


def _just_above(required: RequiredMargin, notional: float) -> float:
    """Returns the margin required just above a size: a continuous margin must reach it there."""
    if notional < required.floor:
        return 0.0
    beyond = notional * (1.0 + _NOISE)  # a bound that differs by rounding is the same bound
    for lower, upper, fixed, rate in required.reference:
        if lower <= beyond < upper:
            return required.factor * (fixed + rate * notional) - required.absolute * notional
    return 0.0


def lines(pieces: Iterable[PieceNumbers]) -> Lines | None:
    """Returns pieces as tiers; None if they are not tiers: curves, or jumps of amount and rate."""
    straight: list[Line] = []
    for lower, upper, fixed, rate, coefficient, _ in pieces:
        if coefficient:
            return None
        straight.append((lower, upper, fixed, rate))
    return tuple(straight) if _is_flat(straight) or _is_continuous(straight) else None


def _is_flat(pieces: Sequence[Line]) -> bool:
    """True if each rate applies to the whole position.

    Several tiers of one rate could be flat or marginal. They are read as marginal: the change then
    complies in both readings.
    """
    rates = {rate for _, _, _, rate in pieces}
    is_uniform = len(pieces) > 1 and len(rates) == 1
    return not is_uniform and all(fixed == 0.0 for _, _, fixed, _ in pieces)


def _is_continuous(pieces: Sequence[Line]) -> bool:
    """True if each piece begins at the margin where the one before ends, as marginal tiers do."""
    margin = 0.0
    for lower, upper, fixed, rate in pieces:
        if abs(fixed + rate * lower - margin) > _ROUNDED_DEDUCTION + _NOISE * upper:
            return False
        margin = fixed + rate * upper
    return True


def _changes_text(changes: Sequence[TierChange]) -> str:
    """Names the tiers: a run of tiers raised to one rate together, otherwise one by one."""
    first, last = changes[0], changes[-1]
    has_one_rate = len({_rounded_up(change.required) for change in changes}) == 1
    is_run = last.tier - first.tier == len(changes) - 1 and len(changes) > 1
    if has_one_rate and is_run:
        rates = (
            _rate_text(first.rate)
            if first.rate == last.rate
            else f"{_rate_text(first.rate)} … {_rate_text(last.rate)}"
        )
        return f"tiers {first.tier} to {last.tier} from {rates} to {_rounded_up(first.required)}"
    texts = [
        f"tier {change.tier} from {_rate_text(change.rate)} to {_rounded_up(change.required)}"
        for change in changes
    ]
    if len(texts) <= 2:  # noqa: PLR2004 - two are read at a glance
        return " and ".join(texts)
    return f"{texts[0]}, {texts[1]} and {len(texts) - 2} more, up to {texts[-1]}"


def _alternative(
    own: Lines,
    required: RequiredMargin,
    changes: Sequence[TierChange],
    under: Sequence[tuple[float, float]],
) -> str:
    """Returns the alternative: a lower bound of the one short tier, or a smaller largest position.

    Empty if the margin is too low on several ranges, or from the smallest position on.
    """
    if len(under) != 1 or under[0][0] <= MIN_NOTIONAL:
        return ""
    begin = under[0][0]
    short_tier = own[changes[0].tier - 1]
    is_single = _is_flat(own) and len(changes) == 1 and changes[0].tier < len(own)
    end = min(short_tier[1], required.limit)
    if (
        is_single
        and short_tier[0] < begin < end
        and _steepest(required, begin, end, 0.0, 0.0) <= own[changes[0].tier][3] * (1.0 + _NOISE)
    ):
        return f"lower its bound to {_dollars(begin)}"
    return f"take no position above {_dollars(begin)}"


@lru_cache(maxsize=16384)
def _rounded_up(rate: float) -> str:
    return _percent(rate, ROUND_CEILING)


@lru_cache(maxsize=16384)
def _rate_text(rate: float) -> str:
    return _with_decimal(f"{rate * 100:.{_DIGITS}g}")


def _increase_text(multiple: float) -> str:
    """Returns an increase to a multiple of the margin, rounded so that the printed one complies."""
    if multiple - 1.0 <= _LARGEST_PERCENTAGE:
        return f"raise the margin by {_percent(multiple - 1.0, ROUND_CEILING)}"
    rounded = Context(prec=_DIGITS, rounding=ROUND_CEILING).plus(Decimal(f"{multiple:.12g}"))
    return f"raise the margin to {rounded.normalize():,f} times its amount"


def _percent(rate: float, rounding: str) -> str:
    """Formats a rate with four digits, rounded so that the printed rate complies."""
    exact = Decimal(f"{rate * 100:.12g}")
    rounded = Context(prec=_DIGITS, rounding=rounding).plus(exact)
    return _with_decimal(f"{rounded.normalize():f}")


def _with_decimal(digits: str) -> str:
    """Returns a percentage with at least one decimal place, as rates print everywhere."""
    return f"{digits} %" if "." in digits else f"{digits}.0 %"


def _dollars(amount: float) -> str:
    """Formats a bound with four digits, rounded down."""
    rounded = Context(prec=_DIGITS, rounding=ROUND_FLOOR).plus(Decimal(f"{amount:.12g}"))
    return f"${rounded:,.0f}" if rounded >= 1 else f"${rounded:f}"
