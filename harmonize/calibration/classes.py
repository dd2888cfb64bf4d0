"""Classes of the harmonized baseline: the rule of each, their order, and the hysteresis between them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from harmonize.calibration.evidence import LEAST_RETURNS
from harmonize.text.messages import dollars, percent

LEAST_VOLUME = Decimal(5_000_000)
SMALL_VOLUME = Decimal(40_000_000)
LARGE_VOLUME = Decimal(100_000_000)
"""Boundaries of daily volume, in USD."""

HIGH_MOVE = Decimal("0.22")
"""Boundary of v1, as a share of the price."""

HYSTERESIS = Decimal("0.2")
"""Share of a boundary by which volume or v1 must have passed it before an asset changes class."""


_SHARE = f"{HYSTERESIS * 100:.0f} %"

Interval = tuple[Decimal, Decimal]
"""Lower and upper bound of a measured value."""


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """What the rules of classes ask about an asset.

    ``returns`` is the number of one-day moves of its history; None if prices are not known. ``v1`` is a
    share of the price, ``adv`` the daily volume in USD; None if not measured. The intervals are theirs;
    None without one. ``has_older_history`` is whether another series has a year of moves before these.
    """

    asset: str
    returns: int | None
    v1: Decimal | None
    adv: Decimal | None
    v1_interval: Interval | None = None
    adv_interval: Interval | None = None
    has_older_history: bool = False

    @property
    def is_short(self) -> bool:
        """Whether the whole history is known to be shorter than a year of moves."""
        is_few = self.returns is not None and self.returns < LEAST_RETURNS
        return is_few and not self.has_older_history


@dataclass(frozen=True, slots=True)
class ClassDecision:
    """Class of an asset in a new version.

    ``by_rule`` is the class by the rules alone, without hysteresis; empty if it is not observable.
    ``assigned`` is empty for an asset that neither has nor gets a class. ``reason`` states why.
    """

    asset: str
    current: str
    by_rule: str
    assigned: str
    reason: str

    @property
    def is_moved(self) -> bool:
        """Whether the asset changes class."""
        return self.assigned != self.current


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Boundaries as one class sees them: ``lower`` ones must be reached, ``upper`` ones not passed."""

    lower: Decimal
    upper: Decimal


_STRICT = _Bounds(Decimal(1), Decimal(1))
_FOR_MEMBERS = _Bounds(1 - HYSTERESIS, 1 + HYSTERESIS)

_Measured = tuple[str, Decimal, Decimal]
_Rule = Callable[[_Measured, _Bounds], bool]


ONE_ASSET: Mapping[str, str] = MappingProxyType({"A": "BTC", "B": "ETH"})
"""The only member of a class that is made for one asset."""


def _bitcoin(measured: _Measured, _: _Bounds) -> bool:
    return measured[0] == ONE_ASSET["A"]


def _ether(measured: _Measured, _: _Bounds) -> bool:
    return measured[0] == ONE_ASSET["B"]


def _illiquid(measured: _Measured, bounds: _Bounds) -> bool:
    return measured[2] < LEAST_VOLUME * bounds.upper


def _small(measured: _Measured, bounds: _Bounds) -> bool:
    _, v1, adv = measured
    return adv < SMALL_VOLUME * bounds.upper or v1 > HIGH_MOVE * bounds.lower


def _large(measured: _Measured, bounds: _Bounds) -> bool:
    _, v1, adv = measured
    return adv >= LARGE_VOLUME * bounds.lower and v1 <= HIGH_MOVE * bounds.upper


def _mid(measured: _Measured, bounds: _Bounds) -> bool:
    _, v1, adv = measured
    is_mid = SMALL_VOLUME * bounds.lower <= adv < LARGE_VOLUME * bounds.upper
    return is_mid and v1 <= HIGH_MOVE * bounds.upper


NEW = "F"
"""Class of assets that are new, or whose volume is unknown or minute."""

RULES: Mapping[str, _Rule] = MappingProxyType(
    {NEW: _illiquid, "A": _bitcoin, "B": _ether, "E": _small, "C": _large, "D": _mid}
)
"""Rule of each class, in the order in which they apply. A short history belongs to the first."""


def decide(facts: AssetFacts, current: str = "") -> ClassDecision:
    """Returns the class of an asset, which has the class ``current``; empty: none.

    An asset that had 365 days of history once cannot have fewer. Fewer returns of an asset in another
    class than that of new assets are therefore a gap of the prices, and it keeps its class. An asset
    without a class gets none while its prices or its volume are not observable.
    """
    if facts.is_short and current in {"", NEW}:
        reason = f"{facts.returns} returns, fewer than {LEAST_RETURNS}"
        return ClassDecision(facts.asset, current, NEW, NEW, reason)
    if problem := _unmeasured(facts):
        reason = f"{'kept' if current else 'no class'}: {problem}"
        return ClassDecision(facts.asset, current, "", current, reason)
    if facts.v1 is None or facts.adv is None:
        raise AssertionError(facts)
    measured = (facts.asset, facts.v1, facts.adv)
    by_rule = next(name for name, rule in RULES.items() if rule(measured, _STRICT))
    if current == by_rule:
        return ClassDecision(facts.asset, current, by_rule, current, "meets the rule of its class")
    if current and _is_kept(measured, current):
        reason = f"kept: within {_SHARE} of the boundary to {by_rule}"
        return ClassDecision(facts.asset, current, by_rule, current, reason)
    reason = "; ".join(_passed(facts, current)) if current else "not in a class before"
    return ClassDecision(facts.asset, current, by_rule, by_rule, reason)


_FLOORS: Mapping[str, Decimal] = MappingProxyType({"C": LARGE_VOLUME, "D": SMALL_VOLUME})
_CEILINGS: Mapping[str, Decimal] = MappingProxyType(
    {"D": LARGE_VOLUME, "E": SMALL_VOLUME, NEW: LEAST_VOLUME}
)
"""Boundaries of daily volume below or above which a member leaves its class, in USD."""


def _passed(facts: AssetFacts, current: str) -> Iterator[str]:
    """Yields the boundaries of its class that a member passed, and whether its whole interval did."""
    if facts.v1 is None or facts.adv is None:
        raise AssertionError(facts)
    below, above = 1 - HYSTERESIS, 1 + HYSTERESIS
    volume = f"ADV of {dollars(float(facts.adv))}"
    floors = {_FLOORS.get(current, LEAST_VOLUME), LEAST_VOLUME} if current != NEW else set()
    for bound in sorted(floors, reverse=True):
        if facts.adv < bound * below:
            yield _passed_text(f"{volume} is below", dollars, bound, facts.adv_interval)
    ceiling = _CEILINGS.get(current)
    if ceiling is not None and facts.adv >= ceiling * above:
        yield _passed_text(f"{volume} is above", dollars, ceiling, facts.adv_interval)
    move = f"v1 of {percent(float(facts.v1))}"
    if current in {"C", "D"} and facts.v1 > HIGH_MOVE * above:
        yield _passed_text(f"{move} is above", percent, HIGH_MOVE, facts.v1_interval)
    if current == "E" and facts.v1 <= HIGH_MOVE * below:
        yield _passed_text(f"{move} is below", percent, HIGH_MOVE, facts.v1_interval)


def _passed_text(
    what: str, text: Callable[[float], str], bound: Decimal, interval: Interval | None
) -> str:
    passed = f"{what} {text(float(bound))} by more than {_SHARE}"
    if interval is None:
        return f"{passed}, without an interval"
    lower, upper = interval
    own = f"{text(float(lower))} to {text(float(upper))}"
    if lower <= bound <= upper:
        return f"{passed}, which its interval {own} includes: chance may explain it"
    return f"{passed}, with its whole interval {own}"


def admits(name: str, asset: str, v1: Decimal, adv: Decimal) -> bool:
    """Returns whether a class would keep an asset: by its rule, with bounds that are 20 % wider.

    ``v1`` is a share of the price, ``adv`` the daily volume in USD.
    """
    return _is_kept((asset, v1, adv), name)


def _unmeasured(facts: AssetFacts) -> str:
    if facts.returns is None:
        return "prices not observable"
    if facts.returns < LEAST_RETURNS:
        return f"{facts.returns} returns are known, {LEAST_RETURNS} are required"
    missing = [name for name, value in (("v1", facts.v1), ("ADV", facts.adv)) if value is None]
    return f"{' and '.join(missing)} not measured" if missing else ""


def _is_kept(measured: _Measured, current: str) -> bool:
    """Returns whether a member still meets the rule of its class, with bounds widened for it."""
    narrow = _Bounds(1 + HYSTERESIS, 1 - HYSTERESIS)
    if current != NEW and _illiquid(measured, narrow):
        return False
    return RULES[current](measured, _FOR_MEMBERS)
