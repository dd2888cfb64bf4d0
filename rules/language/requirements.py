"""YAML shapes of the requirement of each kind of rule set."""

from typing import Literal

from pydantic import ConfigDict, Field

from harmonize.policy.rule_set import Combine, Verified
from harmonize.policy.size_formula import SizeFormula
from rules.language.scalars import (
    Amount,
    ClassName,
    Code,
    Count,
    Day,
    Formula,
    Rate,
    Shape,
    Text,
    Ticker,
    Word,
)


class CapMaintenance(Shape):
    """The maintenance margin of a cap: one of the two fields."""

    rate: Rate | None = Field(None, description="A share of notional: 0.5 is 50 %.")
    fraction_of_initial: Rate | None = Field(
        None, description="A share of the initial margin: 0.5 is half of it."
    )
    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["rate"]}, {"required": ["fraction_of_initial"]}]}
    )


class CapRequirement(Shape):
    """A smallest margin rate that holds at every notional, or a prohibition."""

    initial_rate: Rate | None = Field(
        None, description="Initial margin, a share of notional: 0.5 is 2:1."
    )
    maintenance: CapMaintenance | None = Field(
        None, description="Maintenance margin; absent: the rule sets none."
    )
    prohibited: Literal[True] | None = Field(
        None, description="true: the contract may not be offered at any margin."
    )


class Input(Shape):
    """A measured figure that a formula names: by which name it is measured, and what is asked of it."""

    measured: Word = Field(description="Its name in market data, such as var_99_1d_365d.")
    means: Text = Field(description="What it is, in a sentence, with its unit.")
    least_observations: Count | None = Field(
        None, description="The fewest observations that it may rest on."
    )
    oldest_days: Count | None = Field(
        None, description="How many days before the audit it may have been measured."
    )


class FormulaParts(Shape):
    """The inputs of IM(N) = N * min(1, v1 * sqrt(initial_days + N / (3 * pi * ADV))).

    MM(N) likewise with maintenance_days.
    """

    pi: Rate = Field(description="Share of daily volume at which a position can be unwound.")
    initial_days: Amount = Field(description="Days of risk in initial margin at small size: 1.")
    maintenance_days: Amount = Field(description="The same for maintenance: 0.25 is six hours.")
    v1: Formula | None = Field(
        None,
        description="v1 from measured inputs; where they were measured, it replaces the tiers.",
    )
    adv: Formula | None = Field(None, description="ADV in USD from measured inputs, likewise.")

    def size(self) -> SizeFormula:
        """Returns the compiled formula."""
        return SizeFormula(self.pi, self.initial_days, self.maintenance_days)


class SizeTier(Shape):
    """Rates for the slice of a position in one range; as in income tax, not for the whole."""

    upper: Amount = Field(description="Upper bound of the slice, in USD of notional.")
    initial_rate: Rate = Field(description="Initial margin on the slice: 0.1 is 10 %.")
    maintenance_rate: Rate = Field(description="Maintenance margin on the slice: 0.05 is 5 %.")


class SizeClass(Shape):
    """Underlyings that share reference functions, and those functions."""

    rule: Text = Field(description="The rule that puts an asset in this class, in words.")
    assets: tuple[Ticker, ...] = Field(
        min_length=1, description="The assets in it, each in one class only."
    )
    v1: Rate | None = Field(None, description="One-day 99 % move of the class: 0.1 is 10 %.")
    adv_ref: Amount | None = Field(
        None, description="Reference average daily volume (ADV), in USD."
    )
    tiers: tuple[SizeTier, ...] = Field(
        min_length=1, description="Rates by slice, bounds rising, rates not falling."
    )


class ScheduleRequirement(Shape):
    """Reference functions by class of underlying."""

    above_last_tier: Literal["formula", "last rate", "nothing"] = Field(
        description="What holds above the last tier: the formula, up to 100 % of notional; the "
        "last tier's rate; or nothing, so that no larger position is compared."
    )
    tiers_are: Literal["marginal", "flat"] = Field(
        "marginal",
        description="marginal: a rate holds for the slice in its tier. flat: for the whole position.",
    )
    formula: FormulaParts | None = Field(
        None, description="The formula that all classes share; needed where a tier names it."
    )
    inputs: dict[Word, Input] = Field(
        default_factory=dict,
        description="Measured figures that the formula names.",
        json_schema_extra={"additionalProperties": False},
    )
    unlisted: Literal["not observable"] = Field(
        description="What is said of an asset on no list: it has no class, hence no reference."
    )
    classes: dict[ClassName, SizeClass] = Field(
        min_length=1,
        description="The classes by name.",
        json_schema_extra={"additionalProperties": False},
    )


class PublishedRates(Shape):
    """Rates that an authority published for a span of days."""

    since: Day = Field(description="The first day on which they hold.")
    until: Day = Field(description="The last day on which they hold.")
    rates: dict[Ticker, Rate] = Field(
        min_length=1,
        description="Rates by asset.",
        json_schema_extra={"additionalProperties": False},
    )
    via: Text = Field(description="Through which page they were read.")
    verified: Verified = Field(description="How far they were checked, as for citations.")


class ModelRequirement(Shape):
    """One rate an underlying, from measured inputs or published, the same at every notional."""

    inputs: dict[Word, Input] = Field(
        default_factory=dict,
        description="Measured figures that the rate names.",
        json_schema_extra={"additionalProperties": False},
    )
    rate: Formula | None = Field(
        None, description="The rate from its inputs, as in max(q, 0.75 * q + 0.25 * s)."
    )
    initial: Formula = Field("1", description="Initial margin as a multiple of the rate: 1.10.")
    maintenance: Literal["equal to rate", "none"] = Field(
        "equal to rate", description="Whether the rate is the maintenance margin too."
    )
    published: tuple[PublishedRates, ...] = Field(
        (), description="Rates that were published, by span of days."
    )
    combine: Combine = Field(
        Combine.PREFER, description="How published rates and the formula stand to one another."
    )
    grace_days: Count = Field(
        0, description="How many days beyond their span published rates are still used."
    )


class ExpectedItem(Shape):
    """One thing that a venue should publish."""

    what: Text = Field(description="What it should publish, in words.")
    check: Code = Field(description="The code of the check that looks for it, as MH201.")


class DisclosureRequirement(Shape):
    """What a venue should publish."""

    expects: tuple[ExpectedItem, ...] = Field(min_length=1, description="One entry a thing.")
