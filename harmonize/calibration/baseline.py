"""A new version of a schedule by size and liquidity: classes of assets, their rates and their tiers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from harmonize.adequacy.measured_inputs import VOLUME
from harmonize.calibration.class_rate import (
    ClassRate,
    Member,
    SideCoverage,
    class_rate,
    coverage_of,
)
from harmonize.calibration.classes import NEW, RULES, AssetFacts, ClassDecision, Interval, decide
from harmonize.calibration.evidence import AssetEvidence
from harmonize.calibration.needs import AssetRate, asset_rate
from harmonize.calibration.tiers import FormulaTier, formula_tiers
from harmonize.market.returns import simple_returns
from harmonize.policy.rule_set import MeasuredFormula
from harmonize.text.messages import percent


@dataclass(frozen=True, slots=True)
class ClassTerms:
    """Class of the last version. ``bounds`` are those of its tiers, amounts in USD."""

    name: str
    assets: tuple[str, ...]
    v1: Decimal
    adv: Decimal
    bounds: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class CalibratedClass:
    """Class of the new version.

    ``tested`` is the coverage by v1 of the last moves on which a rate is tested.
    ``rate`` is the search for v1; None without one. ``kept`` states why the class keeps v1 against it. ``median_adv`` is
    the median of the members' measured volumes; None without one. ``whole_history`` is the coverage by v1
    of all known one-day moves.
    """

    before: ClassTerms
    assets: tuple[str, ...]
    v1: Decimal
    tiers: tuple[FormulaTier, ...]
    rate: ClassRate | None
    kept: str
    median_adv: Decimal | None
    tested: tuple[SideCoverage, ...]
    whole_history: tuple[SideCoverage, ...]

    @property
    def joined(self) -> tuple[str, ...]:
        """Assets that the last version did not have in this class."""
        return tuple(asset for asset in self.assets if asset not in self.before.assets)

    @property
    def left(self) -> tuple[str, ...]:
        """Assets that the last version had in this class."""
        return tuple(asset for asset in self.before.assets if asset not in self.assets)


@dataclass(frozen=True, slots=True)
class BaselineCalibration:
    """Decision on each asset, its v1, and every class that has assets."""

    decisions: tuple[ClassDecision, ...]
    rates: Mapping[str, AssetRate]
    classes: tuple[CalibratedClass, ...]


def calibrate_classes(
    formula: MeasuredFormula, classes: Sequence[ClassTerms], evidence: Sequence[AssetEvidence]
) -> BaselineCalibration:
    """Returns the new version of classes A to F, from the evidence on each of their assets.

    Reference volumes stay: no rule states how they follow from measured ones. Raises ValueError: a class
    of the rules is missing, or there is another one.
    """
    if {terms.name for terms in classes} != set(RULES):
        names = ", ".join(sorted(terms.name for terms in classes))
        message = f"classes: expected {', '.join(sorted(RULES))}, found {names}; calibrate a rule set with these classes"
        raise ValueError(message)
    current = {asset: terms.name for terms in classes for asset in terms.assets}
    rates = {
        item.asset: rate
        for item in evidence
        if (rate := asset_rate(formula.v1, formula.needs, item)) is not None
    }
    decisions = tuple(
        decide(asset_facts(item, rates.get(item.asset)), current.get(item.asset, ""))
        for item in evidence
    )
    by_asset = {item.asset: item for item in evidence}
    calibrated = tuple(
        _calibrated(formula, terms, assets, by_asset, rates)
        for terms in classes
        if (assets := _assets(terms, decisions))
    )
    return BaselineCalibration(decisions, rates, calibrated)


def asset_facts(item: AssetEvidence, rate: AssetRate | None) -> AssetFacts:
    """Returns what the rules of classes ask about an asset; ``rate`` is None if it could not be measured."""
    volume = item.inputs.get(VOLUME)
    return AssetFacts(
        item.asset,
        item.returns if item.daily is not None else None,
        rate.value if rate else None,
        volume.input.value if volume else None,
        _interval(rate.lower, rate.upper) if rate else None,
        _interval(volume.input.lower, volume.input.upper) if volume else None,
        has_older_history=bool(item.earlier),
    )


def _interval(lower: Decimal | None, upper: Decimal | None) -> Interval | None:
    return None if lower is None or upper is None else (lower, upper)


def _assets(terms: ClassTerms, decisions: Sequence[ClassDecision]) -> tuple[str, ...]:
    """Returns the members of a class: those that stay in their order, then those that join, by name."""
    assigned = {decision.asset: decision.assigned for decision in decisions}
    staying = [asset for asset in terms.assets if assigned.get(asset, terms.name) == terms.name]
    joining = sorted(
        asset
        for asset, name in assigned.items()
        if name == terms.name and asset not in terms.assets
    )
    return (*staying, *joining)


def _calibrated(
    formula: MeasuredFormula,
    terms: ClassTerms,
    assets: tuple[str, ...],
    evidence: Mapping[str, AssetEvidence],
    rates: Mapping[str, AssetRate],
) -> CalibratedClass:
    members = [
        Member(asset, rates[asset].value, simple_returns(daily).values)
        for asset in assets
        if asset in rates and (daily := evidence[asset].daily) is not None
    ]
    unmeasured = [asset for asset in assets if asset not in rates]
    rate, v1, kept = _rate(terms, members, unmeasured)
    volumes = [
        evidence[asset].inputs[VOLUME].input.value
        for asset in assets
        if asset in evidence and VOLUME in evidence[asset].inputs
    ]
    return CalibratedClass(
        terms,
        assets,
        v1,
        formula_tiers(formula.formula, v1, terms.adv, terms.bounds),
        rate,
        kept,
        median(volumes) if volumes else None,
        coverage_of(members, v1),
        coverage_of(members, v1, None),
    )


def _rate(
    terms: ClassTerms, members: Sequence[Member], unmeasured: Sequence[str]
) -> tuple[ClassRate | None, Decimal, str]:
    """Returns the search for v1, v1 itself, and why the class keeps its own; empty if it does not.

    v1 does not fall unless every member was measured, because the rate has to cover every member.
    """
    if terms.name == NEW:
        return None, terms.v1, "a class of short histories; its rate is not calibrated"
    if not members:
        return None, terms.v1, "no member was measured"
    rate = class_rate(members)
    if rate.rate is None:
        return rate, terms.v1, "no leverage covers every member; a person decides"
    if unmeasured and rate.rate < terms.v1:
        names = ", ".join(unmeasured)
        lower = percent(float(rate.rate))
        return rate, terms.v1, f"not lowered to {lower}: {names} not measured"
    return rate, rate.rate, ""
