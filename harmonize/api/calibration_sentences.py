"""What a calibration changes for each asset, in a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from harmonize.api.calibrate import Calibration, RateChange
from harmonize.api.calibration_margin_text import required_text
from harmonize.api.calibration_margins import MarginsInForce
from harmonize.calibration.needs import AssetRate
from harmonize.policy.rule_set import ReferenceSchedule, RuleSet
from harmonize.text.messages import percent

SENTENCE_TERMS = (
    "v1: initial margin of the first tier of a class; in brackets, why the asset is in the class. Need: the"
    " margin by the formula on the prices of the asset itself, with its 95 % interval."
)
"""What the sentences on assets in classes call v1 and need."""


def asset_sentences(calibration: Calibration, margins: Sequence[MarginsInForce]) -> Iterator[str]:
    """Yields a sentence per asset: its class, its own need, how both moved, and the margin in force."""
    changes = {change.after.asset: change for change in calibration.rate_changes}
    required = {row.asset: required_text(row) for row in margins}
    if calibration.classes is None:
        yield from (
            f"{asset}: {_move_text(change)}{required[asset]}." for asset, change in changes.items()
        )
        return
    in_force = {
        asset: (class_.before.name, class_.v1)
        for class_ in calibration.classes.classes
        for asset in class_.assets
    }
    old_rates = _rates_before(calibration.last)
    for decision in calibration.classes.decisions:
        change = changes.get(decision.asset)
        class_of = in_force.get(decision.asset)
        if class_of is None:
            need = f"; its own need is {_rate_text(change)}" if change else ""
            yield f"{decision.asset}: {decision.reason}{need}{required[decision.asset]}."
            continue
        name, v1 = class_of
        move = (
            f"from class {decision.current} to {name}"
            if decision.current and decision.is_moved
            else f"class {name}"
        )
        need = f"; {_need_text(change, v1)}" if change else ""
        rate = _class_rate_text(old_rates.get(decision.asset), v1)
        yield f"{decision.asset}: {move}, {rate} ({decision.reason}){need}{required[decision.asset]}."


def _rates_before(last: RuleSet) -> Mapping[str, Decimal]:
    """Returns v1 of the class of each asset in the last version."""
    requirement = last.requirement
    if not isinstance(requirement, ReferenceSchedule):
        return {}
    return {
        asset: class_.v1
        for class_ in requirement.classes
        if class_.v1 is not None
        for asset in class_.assets
    }


def _class_rate_text(before: Decimal | None, v1: Decimal) -> str:
    """Returns v1 of the class of an asset, with the one that it had before if that differs."""
    if before is None or before == v1:
        return f"v1 {percent(float(v1))}"
    verb = "rises" if v1 > before else "falls"
    return f"v1 {verb} from {percent(float(before))} to {percent(float(v1))}"


def _need_text(change: RateChange, v1: Decimal) -> str:
    """Returns how the need of one asset stands to the v1 of its class, and how it moved."""
    rate = change.after
    need = f"its own need is {_rate_text(change)}, {_position(rate, v1)}"
    if change.before is None or change.before.value == rate.value:
        return need
    return f"{need}; {_direction_text(change.before, change)}"


def _position(rate: AssetRate, v1: Decimal) -> str:
    """Returns whether a need is above or below the rate of the class, and how sure that is."""
    if rate.value == v1:
        return "equal to the rate of the class"
    side = "above" if rate.value > v1 else "below"
    if rate.lower is None or rate.upper is None:
        return f"{side} the rate of the class"
    if v1 < rate.lower:
        return f"{side} the rate of the class even at its lower bound"
    if v1 > rate.upper:
        return f"{side} the rate of the class even at its upper bound"
    return f"{side} the rate of the class, which lies within the interval"


def _move_text(change: RateChange) -> str:
    before, after = change.before, change.after
    need = _rate_text(change)
    if before is None:
        return f"{need}; the last version has no rate to compare"
    if after.value == before.value:
        return f"{need}, unchanged"
    return f"{need}; {_direction_text(before, change)}"


def _direction_text(before: AssetRate, change: RateChange) -> str:
    old = percent(float(before.value))
    if reason := _why_no_move(change, old):
        return reason
    direction = "rises" if change.after.value > before.value else "falls"
    text = f"it {direction} from {old}"
    if change.is_beyond is None:
        return f"{text}, which has no interval"
    if change.is_beyond:
        return f"{text}, beyond the old interval"
    return f"{text}, within the old interval, so that chance may explain it"


def _why_no_move(change: RateChange, old: str) -> str:
    """Returns why a difference is no move of the market; empty if it may be one."""
    if change.is_series_changed:
        return f"{old} before, by another series: not comparable"
    if change.is_rounded:
        return f"unchanged from {old} (the old value is rounded)"
    if change.is_same_day:
        return f"{old} before, from other prices to the same last day: no move of the market"
    if old == percent(float(change.after.value)):
        return "unchanged to the printed digits"
    return ""


def _rate_text(change: RateChange) -> str:
    rate = change.after
    return f"{percent(float(rate.value))} ({interval_text(rate.lower, rate.upper)})"


def interval_text(lower: Decimal | None, upper: Decimal | None) -> str:
    """Returns the bounds of a rate, or that there are none."""
    if lower is None or upper is None:
        return "no interval"
    return f"{percent(float(lower))} to {percent(float(upper))}"
