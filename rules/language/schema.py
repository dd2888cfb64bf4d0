"""YAML shape of a rule set, and its JSON Schema."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StrictBool, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from harmonize.core.instrument import Payoff
from harmonize.core.schedule import MaintenanceMeaning
from harmonize.policy.rule_set import Verified
from rules.language.consistency import CONTRADICTION, inconsistencies
from rules.language.requirements import (
    CapRequirement,
    DisclosureRequirement,
    ModelRequirement,
    ScheduleRequirement,
)
from rules.language.scalars import (
    Amount,
    Country,
    Day,
    Inner,
    Measure,
    Rate,
    Shape,
    Share,
    Slug,
    Text,
    Ticker,
    Underlyings,
    Venue,
    Version,
    Word,
)

ExpectedVerdict: TypeAlias = Literal[
    "compliant", "under", "over", "breach", "prohibited", "not applicable", "not observable"
]
SupportedNumber: TypeAlias = Literal["initial", "maintenance", "scope"]


class NotionalRange(Shape):
    """A range of position notional, in USD: above one amount, up to and with another."""

    above: Amount | None = Field(None, description="Positions larger than this; absent: any.")
    up_to: Amount | None = Field(None, description="Positions up to this; absent: any.")


class InForce(Shape):
    """The days on which a rule set holds, by the day on which a schedule was observed."""

    since: Day | None = Field(None, description="The first day; absent: always did.")
    until: Day | None = Field(None, description="The last day; absent: still does.")


class Scope(Shape):
    """Whom and what the rule set concerns. A selector that is absent or empty selects everything."""

    text: Text = Field(description="Who is bound, for which products, in a sentence.")
    account_classes: tuple[Slug, ...] = Field(
        description="Account classes concerned, such as retail. Empty: every account class."
    )
    underlyings: Underlyings = Field(
        "any",
        description="Contracts concerned: any; crypto, which leaves shares and metals out; or a "
        "list of assets.",
    )
    region: Text | None = Field(None, description="Where it holds; absent: everywhere.")
    venues: tuple[Venue, ...] = Field((), description="Venues concerned, by their ids.")
    jurisdictions: tuple[Country, ...] = Field(
        (), description="Venues established there, as the configuration says; two letters each."
    )
    payoffs: tuple[Payoff, ...] = Field((), description="linear, inverse or quanto contracts.")
    notional: NotionalRange | None = Field(None, description="Sizes of position concerned.")
    in_force: InForce | None = Field(None, description="Days on which it holds.")


class Tolerance(Shape):
    """How far a margin may be from the reference before it counts as divergent; all add up."""

    relative: Share = Field(description="A share of the reference: 0.15 is 15 %.")
    absolute: Share = Field(description="A share of notional: 0.0001 is 1 basis point.")
    statistical: Inner | None = Field(
        None,
        description="The confidence at which the interval of the inputs (order statistics of "
        "their sample) counts as tolerance: 0.95.",
    )


class Across(Shape):
    """How maintenance margin of another meaning is scored: against a multiple of the reference."""

    meaning: MaintenanceMeaning = Field(description="The meaning of the venue's margin.")
    factor: Measure = Field(description="The reference is multiplied by this: 1 is as it is.")
    reason: Text = Field(description="Why the two can be compared so.")


class Citation(Shape):
    """A source, and how far it was checked."""

    reference: Text = Field(description="What is cited: the instrument, its article, its date.")
    via: Text = Field(description="Through which copy or page it was read, or how computed.")
    verified: Verified = Field(
        description="primary: the legal text or the publisher's page was read; secondary: a law "
        "firm, the press or a broker reports it; unverified: from memory, or sources conflict; "
        "derived: computed by the authors of the rule set."
    )
    supports: tuple[SupportedNumber, ...] = Field(
        (), description="The numbers it is the source of; empty: every one."
    )


class Flag(Shape):
    """A caveat that a reader must see beside the numbers."""

    field: Text = Field(description="The field or number that the caveat is about.")
    status: Text = Field(description="Its state in one or two words, such as unverified.")
    note: Text = Field(description="What the reader must know, in a sentence.")


class ExampleTier(Shape):
    """One tier of a schedule that is tried."""

    upper: Amount | None = Field(None, description="Upper bound in USD; absent: open-ended.")
    initial_rate: Rate = Field(description="Initial margin: 0.1 is 10 %.")
    maintenance_rate: Rate | None = Field(None, description="Maintenance margin, if any.")


class Example(Shape):
    """A schedule and the verdict due; ``rules check`` compares it with the one it gets."""

    text: Text = Field(description="What the example shows, in a sentence.")
    underlying: Ticker = Field(description="The asset of the contract.")
    tiers: tuple[ExampleTier, ...] = Field(min_length=1, description="The schedule tried.")
    tiers_are: Literal["marginal", "flat"] = Field("flat", description="As for a requirement.")
    notional: Amount | None = Field(
        None, description="Judge this size alone, in USD; absent: every size."
    )
    initial: ExpectedVerdict | None = Field(None, description="The verdict due on initial margin.")
    maintenance: ExpectedVerdict | None = Field(None, description="The same on maintenance margin.")
    venue: Venue = Field("example", description="The venue's id, where the scope selects venues.")
    account_class: Slug = Field("any", description="The account class of the schedule.")
    payoff: Payoff = Field(Payoff.LINEAR, description="linear, inverse or quanto.")
    meaning: MaintenanceMeaning | None = Field(
        None, description="The meaning of its maintenance margin; absent: the rule set's."
    )
    observed_on: Day | None = Field(None, description="The day of the schedule and the audit.")
    inputs: dict[Word, Measure] = Field(
        default_factory=dict,
        description="Inputs by the names of the formula, as if they were measured.",
        json_schema_extra={"additionalProperties": False},
    )


class _Common(Shape):
    """What every rule set has."""

    id: Slug = Field(description="Its name; that of the file without .yaml.")
    version: Version = Field(description='Its version, in quotes: "2026.11".')
    title: Text = Field(description="Its title in reports.")
    about: Text | None = Field(None, description="What it says and how to read it, in plain words.")
    extends: Text | None = Field(
        None,
        description="A pack, or a file beside this one, whose fields hold where none are here.",
    )
    scope: Scope = Field(description="Whom and what it concerns.")
    maintenance_meaning: MaintenanceMeaning = Field(
        description="What happens at the maintenance margin; meanings are not scored as one."
    )
    maintenance_across: tuple[Across, ...] = Field(
        (), description="Other meanings that are scored all the same, and how."
    )
    statutory: StrictBool = Field(
        description="true: law, which can be breached. false: a benchmark, from which a margin "
        "can only diverge."
    )
    tolerance: Tolerance = Field(description="How far a margin may be from the reference.")
    citations: tuple[Citation, ...] = Field(
        min_length=1, description="Where its numbers come from; at least one."
    )
    flags: tuple[Flag, ...] = Field((), description="What a reader must know beside its numbers.")
    examples: tuple[Example, ...] = Field((), description="Schedules with the verdict due.")

    @model_validator(mode="after")
    def _agrees(self) -> "_Common":
        """Rejects fields that contradict one another."""
        for contradiction in inconsistencies(self.model_dump()):
            message = {"message": contradiction.message}
            raise PydanticCustomError(CONTRADICTION, "{message}", message)
        return self


class CapRules(_Common):
    """A rule set that asks for at least one rate at every notional, or prohibits."""

    kind: Literal["cap"] = Field(description="cap: one smallest rate at every notional.")
    requirement: CapRequirement = Field(description="The rates.")


class CrossVenue(Shape):
    """What differences between venues may amount to; each absent: no limit."""

    gap: Share | None = Field(
        None,
        description="The most that the cheapest split may ask less than the reference, as a share "
        "of it: 0.5 is half (MH701).",
    )
    one_cheapest: Share | None = Field(
        None,
        description="The most of all sizes from $10,000 to $10m, on a logarithmic scale, over which "
        "one venue alone may ask least (MH702).",
    )
    leverage: Amount | None = Field(
        None,
        description="The most that venues' mean leverage, weighted by capacity, may be of the "
        "reference's: 3 is three times (MH703).",
    )
    spread: Amount | None = Field(
        None, description="The most that the dearest venue may ask of the cheapest's (MH704)."
    )
    saving: Share | None = Field(
        None,
        description="The most that a split may save over the best single venue, as a share of "
        "what that asks (MH705).",
    )
    index: Amount | None = Field(
        None, description="The least harmonization index, out of 100 (MH706)."
    )


class ScheduleRules(_Common):
    """A rule set whose rates rise with the size of the position, by class of underlying."""

    kind: Literal["schedule"] = Field(description="schedule: rates that rise with size.")
    requirement: ScheduleRequirement = Field(description="The classes and their tiers.")
    cross_venue: CrossVenue | None = Field(
        None, description="Limits on differences between venues, held against what they allow."
    )


class ModelRules(_Common):
    """A rule set whose rate is computed from measured inputs, or published."""

    kind: Literal["model"] = Field(description="model: a rate from measured inputs.")
    requirement: ModelRequirement = Field(description="The inputs and the formula.")


class DisclosureRules(_Common):
    """A rule set that says what a venue should publish."""

    kind: Literal["disclosure"] = Field(description="disclosure: what a venue should publish.")
    requirement: DisclosureRequirement = Field(description="What it should publish.")


AnyRules: TypeAlias = CapRules | ScheduleRules | ModelRules | DisclosureRules
Rules: TypeAlias = Annotated[AnyRules, Field(discriminator="kind")]
RULES: TypeAdapter[AnyRules] = TypeAdapter(Rules)


_REQUIRED_FIELDS = ("id", "version", "title")
_INHERITABLE_MAPPINGS = ("scope", "requirement", "tolerance")


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema of a rule set, for editors.

    A rule set that extends another may omit inherited fields. The schema then accepts any mapping
    for scope, requirement and tolerance; ``rules check`` validates them in full.
    """
    whole = RULES.json_schema()
    definitions = whole.pop("$defs")
    properties: dict[str, Any] = {}
    for kind in ("CapRules", "ScheduleRules", "ModelRules", "DisclosureRules"):
        properties |= definitions[kind]["properties"]
    kinds = ["cap", "schedule", "model", "disclosure"]
    variant = {
        "type": "object",
        "required": [*_REQUIRED_FIELDS, "extends"],
        "additionalProperties": False,
        "properties": {
            **properties,
            "kind": {"enum": kinds},
            **{name: {"type": "object"} for name in _INHERITABLE_MAPPINGS},
            "cross_venue": {"type": ["object", "null"]},
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Margin rule set",
        "$defs": definitions,
        "if": {"required": ["extends"]},
        "then": variant,
        "else": whole,
    }
