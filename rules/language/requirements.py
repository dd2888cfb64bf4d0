"""YAML shapes of the requirement of each kind of rule set."""

from typing import Literal

from pydantic import ConfigDict, Field

from harmonize.policy.rule_set import Combine, Verified
from harmonize.policy.size_formula import SizeFormula
from rules.language.scalars import (
    Amount,
    AssetName,
    ClassName,
    Code,
    Count,
    Day,
    Formula,
    Rate,
    Shape,
    Text,
    Word,
)


class CapMaintenance(Shape):
    """Maintenance margin of a cap: exactly one of the two fields."""

    rate: Rate | None = Field(None, description="Share of notional: 0.5 is 50 %.")
    fraction_of_initial: Rate | None = Field(
        None, description="Share of the initial margin: 0.5 is half of it."
    )
    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["rate"]}, {"required": ["fraction_of_initial"]}]}
    )


class CapRequirement(Shape):
    """Minimum margin rate at every notional, or a prohibition."""

    initial_rate: Rate | None = Field(
        None, description="Initial margin as a share of notional: 0.5 is 2:1."
    )
    maintenance: CapMaintenance | None = Field(
        None, description="Maintenance margin; absent: no requirement."
    )
    prohibited: Literal[True] | None = Field(
        None, description="true: the contract may not be offered at any margin."
    )


class Input(Shape):
    """Measured input of a formula: its name in market data, and its requirements."""

    measured: Word = Field(description="Name in market data, such as var_99_1d_365d.")
    means: Text = Field(description="Definition in a sentence, with its unit.")
    least_observations: Count | None = Field(None, description="Minimum number of observations.")
    oldest_days: Count | None = Field(
        None, description="Largest age of the measurement, in days before the audit."
    )


class FormulaParts(Shape):
    """Parameters of IM(N) = N * min(1, v1 * sqrt(initial_days + N / (3 * pi * ADV))).

    MM(N) is the same with maintenance_days.
    """

    pi: Rate = Field(description="Share of daily volume at which a position can be closed out.")
    initial_days: Amount = Field(description="Days of risk in initial margin at small size: 1.")
    maintenance_days: Amount = Field(
        description="Days of risk in maintenance margin at small size: 0.25 is six hours."
    )
    v1: Formula | None = Field(
        None,
        description="v1 from measured inputs; if they are available, the formula replaces the tiers.",
    )
    adv: Formula | None = Field(None, description="ADV from measured inputs, in USD.")

    def size(self) -> SizeFormula:
        """Returns the compiled formula."""
        return SizeFormula(self.pi, self.initial_days, self.maintenance_days)


class SizeTier(Shape):
    """Rates of one tier; tiers_are states whether they apply to the slice or the whole position."""

    upper: Amount = Field(description="Upper bound of the tier, in USD of notional.")
    initial_rate: Rate = Field(description="Initial margin rate: 0.1 is 10 %.")
    maintenance_rate: Rate = Field(description="Maintenance margin rate: 0.05 is 5 %.")


class SizeClass(Shape):
    """Class of underlyings with shared reference functions."""

    rule: Text = Field(description="Criterion for an asset to be in this class, in words.")
    assets: tuple[AssetName, ...] = Field(
        min_length=1, description="Assets in the class; each asset is in one class only."
    )
    v1: Rate | None = Field(None, description="One-day 99 % move of the class: 0.1 is 10 %.")
    adv_ref: Amount | None = Field(
        None, description="Reference average daily volume (ADV), in USD."
    )
    tiers: tuple[SizeTier, ...] = Field(
        min_length=1, description="Tiers with rising bounds and non-decreasing rates."
    )


class ScheduleRequirement(Shape):
    """Reference functions by class of underlying."""

    above_last_tier: Literal["formula", "last rate", "nothing"] = Field(
        description="Requirement above the last tier: the formula, up to 100 % of notional; the "
        "last tier's rate; or nothing, so that larger positions are not compared."
    )
    tiers_are: Literal["marginal", "flat"] = Field(
        "marginal",
        description="marginal: a rate applies to the slice in its tier. flat: a rate applies to the "
        "whole position.",
    )
    formula: FormulaParts | None = Field(
        None,
        description="Formula shared by all classes; required with above_last_tier: formula.",
    )
    inputs: dict[Word, Input] = Field(
        default_factory=dict,
        description="Measured inputs of the formula, by their names in it.",
        json_schema_extra={"additionalProperties": False},
    )
    unlisted: Literal["not observable"] = Field(
        description="Verdict for an asset without a class, which has no reference."
    )
    classes: dict[ClassName, SizeClass] = Field(
        min_length=1,
        description="Classes by name.",
        json_schema_extra={"additionalProperties": False},
    )


class PublishedRates(Shape):
    """Rates that an authority published for a span of days."""

    since: Day = Field(description="First day in force.")
    until: Day = Field(description="Last day in force.")
    lapses: Day | None = Field(
        None,
        description="Last day on which the rates are used; absent: until, and grace_days beyond.",
    )
    rates: dict[AssetName, Rate] = Field(
        min_length=1,
        description="Rates by asset.",
        json_schema_extra={"additionalProperties": False},
    )
    via: Text = Field(description="Page from which they were read.")
    verified: Verified = Field(description="Verification, as for citations.")


class ModelRequirement(Shape):
    """One rate per underlying, measured or published, the same at every notional."""

    inputs: dict[Word, Input] = Field(
        default_factory=dict,
        description="Measured inputs of the rate, by their names in it.",
        json_schema_extra={"additionalProperties": False},
    )
    rate: Formula | None = Field(
        None, description="Rate from its inputs, such as max(q, 0.75 * q + 0.25 * s)."
    )
    initial: Formula = Field("1", description="Initial margin as a multiple of the rate: 1.10.")
    maintenance: Literal["equal to rate", "none"] = Field(
        "equal to rate",
        description="equal to rate: the rate is also the maintenance margin. none: no requirement.",
    )
    published: tuple[PublishedRates, ...] = Field(
        (), description="Published rates, by span of days."
    )
    combine: Combine = Field(
        Combine.PREFER, description="Rule that combines published rates with the formula."
    )
    grace_days: Count = Field(
        0, description="Days beyond their span during which published rates remain in use."
    )


class ExpectedItem(Shape):
    """Item that a venue should publish."""

    what: Text = Field(description="Item to publish, in words.")
    check: Code = Field(description="Code of the check that looks for it, such as MH201.")


class DisclosureRequirement(Shape):
    """Items that a venue should publish."""

    expects: tuple[ExpectedItem, ...] = Field(min_length=1, description="One entry per item.")
