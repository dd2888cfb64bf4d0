"""YAML shape of a rule set, and its JSON Schema."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StrictBool, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from harmonize.core.instrument import Payoff
from harmonize.core.schedule import MaintenanceMeaning
from harmonize.policy.rule_set import AccountClass, ContractKind, FlagStatus, Verified
from rules.language.consistency import CONTRADICTION, inconsistencies
from rules.language.requirements import (
    CapRequirement,
    DisclosureRequirement,
    ModelRequirement,
    ScheduleRequirement,
)
from rules.language.scalars import (
    Amount,
    AssetName,
    Country,
    Day,
    Inner,
    Measure,
    Rate,
    Shape,
    Share,
    Slug,
    Text,
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
    """Range of position notional, in USD: (above, up_to]."""

    above: Amount | None = Field(None, description="Positions above this; absent: no lower bound.")
    up_to: Amount | None = Field(None, description="Positions up to this; absent: no upper bound.")


class InForce(Shape):
    """Days on which a rule set is in force, by the observation date of a schedule."""

    since: Day | None = Field(None, description="First day; absent: no first day.")
    until: Day | None = Field(None, description="Last day; absent: still in force.")


class Undetermined(Shape):
    """Contracts of which no source states whether the rule set applies: not observable."""

    reason: Text = Field(description="What is not known, in a sentence without a full stop.")
    contracts: tuple[ContractKind, ...] = Field(
        (), description="perpetual or dated contracts; empty: both."
    )
    underlyings: tuple[AssetName, ...] = Field((), description="Assets; empty: all.")


class Scope(Shape):
    """Schedules to which the rule set applies. An absent or empty selector selects everything."""

    text: Text = Field(description="Persons bound and products covered, in a sentence.")
    account_classes: tuple[AccountClass, ...] = Field(
        description="Account classes covered, such as retail. Empty: every account class."
    )
    underlyings: Underlyings = Field(
        "any",
        description="Contracts covered: any; crypto, which excludes shares and metals; or a list "
        "of assets.",
    )
    region: Text | None = Field(None, description="Region; absent: everywhere.")
    venues: tuple[Venue, ...] = Field((), description="Venues covered, by their ids.")
    jurisdictions: tuple[Country, ...] = Field(
        (),
        description="Jurisdictions of the venues covered, in two letters; the configuration states "
        "where a venue is established.",
    )
    payoffs: tuple[Payoff, ...] = Field((), description="linear, inverse or quanto contracts.")
    contracts: tuple[ContractKind, ...] = Field(
        (), description="perpetual or dated contracts; empty: both."
    )
    except_underlyings: tuple[AssetName, ...] = Field((), description="Assets not covered.")
    undetermined: tuple[Undetermined, ...] = Field(
        (), description="Contracts that the rule set may or may not cover."
    )
    notional: NotionalRange | None = Field(None, description="Position sizes covered.")
    in_force: InForce | None = Field(None, description="Days on which it is in force.")


class Tolerance(Shape):
    """Permitted distance between margin and reference; the three parts add up."""

    relative: Share = Field(description="Share of the reference: 0.15 is 15 %.")
    absolute: Share = Field(description="Share of notional: 0.0001 is 1 basis point.")
    statistical: Inner | None = Field(
        None,
        description="Confidence at which the interval of the inputs (order statistics of their "
        "sample) counts as tolerance: 0.95.",
    )


class Across(Shape):
    """Another meaning of maintenance margin, scored against a multiple of the reference."""

    meaning: MaintenanceMeaning = Field(description="Meaning of the venue's margin.")
    factor: Measure = Field(description="Factor on the reference: 1 leaves it unchanged.")
    reason: Text = Field(description="Reason why the comparison is valid.")


class Citation(Shape):
    """Source, with its verification."""

    reference: Text = Field(description="Cited text: the instrument, its article, its date.")
    via: Text = Field(description="Copy or page that was read, or the computation.")
    verified: Verified = Field(
        description="primary: the legal text or the publisher's page was read; secondary: a law "
        "firm, the press or a broker reports it; unverified: from memory, or sources conflict; "
        "derived: computed by the authors of the rule set."
    )
    supports: tuple[SupportedNumber, ...] = Field(
        (), description="Numbers that come from this source; empty: all numbers."
    )


class Flag(Shape):
    """Caveat, shown beside the numbers."""

    field: Text = Field(description="Field or number to which the caveat applies.")
    status: FlagStatus = Field(description="Reason for the caveat, such as unverified.")
    note: Text = Field(description="Caveat in a sentence.")


class ExampleTier(Shape):
    """One tier of an example."""

    upper: Amount | None = Field(None, description="Upper bound in USD; absent: open-ended.")
    initial_rate: Rate = Field(description="Initial margin: 0.1 is 10 %.")
    maintenance_rate: Rate | None = Field(None, description="Maintenance margin, if any.")


class Example(Shape):
    """Schedule with its expected verdict, which ``rules check`` compares with the actual one."""

    text: Text = Field(description="Purpose of the example, in a sentence.")
    underlying: AssetName = Field(description="Asset of the contract.")
    tiers: tuple[ExampleTier, ...] = Field(min_length=1, description="Tiers of the schedule.")
    tiers_are: Literal["marginal", "flat"] = Field(
        "flat", description="Tier rule, as for a requirement."
    )
    notional: Amount | None = Field(
        None, description="Only size to evaluate, in USD; absent: every size."
    )
    initial: ExpectedVerdict | None = Field(None, description="Expected verdict on initial margin.")
    maintenance: ExpectedVerdict | None = Field(
        None, description="Expected verdict on maintenance margin."
    )
    venue: Venue = Field("example", description="Venue id, for a scope that selects venues.")
    account_class: AccountClass = Field(
        AccountClass.ANY, description="Account class of the schedule."
    )
    payoff: Payoff = Field(Payoff.LINEAR, description="linear, inverse or quanto.")
    contract: ContractKind = Field(ContractKind.PERPETUAL, description="perpetual or dated.")
    meaning: MaintenanceMeaning | None = Field(
        None, description="Meaning of its maintenance margin; absent: the rule set's."
    )
    observed_on: Day | None = Field(None, description="Date of the schedule and the audit.")
    inputs: dict[Word, Measure] = Field(
        default_factory=dict,
        description="Values that stand for measured inputs, by their names in the formula.",
        json_schema_extra={"additionalProperties": False},
    )


class _Common(Shape):
    """Fields of every rule set."""

    id: Slug = Field(description="Id, equal to the file name without .yaml.")
    version: Version = Field(description='Version, in quotes: "2026.11".')
    title: Text = Field(description="Title in reports.")
    about: Text | None = Field(None, description="Description and reading guide, in plain words.")
    extends: Text | None = Field(
        None,
        description="Pack, or file in the same folder, from which absent fields are inherited.",
    )
    scope: Scope = Field(description="Schedules to which the rule set applies.")
    maintenance_meaning: MaintenanceMeaning = Field(
        description="Meaning of its maintenance margin; other meanings are scored separately."
    )
    maintenance_across: tuple[Across, ...] = Field(
        (), description="Other meanings that are scored as well, with their factors."
    )
    statutory: StrictBool = Field(
        description="true: law, which can be breached. false: benchmark, from which a margin can "
        "only diverge."
    )
    tolerance: Tolerance = Field(
        description="Permitted distance between a margin and the reference."
    )
    citations: tuple[Citation, ...] = Field(
        min_length=1, description="Sources of its numbers; at least one."
    )
    flags: tuple[Flag, ...] = Field((), description="Caveats shown beside its numbers.")
    examples: tuple[Example, ...] = Field((), description="Schedules with expected verdicts.")

    @model_validator(mode="after")
    def _agrees(self) -> "_Common":
        """Rejects fields that contradict one another."""
        for contradiction in inconsistencies(self.model_dump()):
            message = {"message": contradiction.message}
            raise PydanticCustomError(CONTRADICTION, "{message}", message)
        return self


class CapRules(_Common):
    """Rule set with one minimum rate at every notional, or a prohibition."""

    kind: Literal["cap"] = Field(description="cap: one minimum rate at every notional.")
    requirement: CapRequirement = Field(description="Minimum rates, or the prohibition.")


class CrossVenue(Shape):
    """Limits on differences between venues; an absent field sets no limit."""

    gap: Share | None = Field(
        None,
        description="Largest arbitrage gap, reference minus optimal split, as a share of the "
        "reference: 0.5 is half (MH701).",
    )
    one_cheapest: Share | None = Field(
        None,
        description="Largest share of sizes at which one venue alone has the lowest margin, from "
        "$10,000 to $10m on a logarithmic scale (MH702).",
    )
    leverage: Amount | None = Field(
        None,
        description="Largest mean leverage, weighted by capacity, as a multiple of the reference's: "
        "3 is three times (MH703).",
    )
    spread: Amount | None = Field(
        None, description="Highest margin over venues, as a multiple of the lowest (MH704)."
    )
    saving: Share | None = Field(
        None,
        description="Largest saving of a split over the best single venue, as a share of that "
        "venue's margin (MH705).",
    )
    index: Amount | None = Field(
        None, description="Lowest harmonization index, out of 100 (MH706)."
    )


class Adequacy(Shape):
    """Limits on tests of margins against past prices; an absent field sets no limit."""

    buffer_minutes: Amount | None = Field(
        None,
        description="Shortest time over which IM minus MM covers the 99 % move, in minutes, from 15 to "
        "7,200 (MH501).",
    )
    maintenance_minutes: Amount | None = Field(
        None, description="The same for MM, in minutes (MH501)."
    )
    initial_minutes: Amount | None = Field(None, description="The same for IM, in minutes (MH501).")
    close_out_share: Share | None = Field(
        None,
        description="Largest share of all close-out windows in which the price moves beyond MM: "
        "0.01 is 1 % (MH502).",
    )
    liquidation_share: Share | None = Field(
        None,
        description="Largest share of liquidations at full leverage after which the price moves "
        "beyond MM within the close-out: 0.1 is 10 % (MH503).",
    )
    coverage_1d: Inner | None = Field(
        None, description="Smallest share of one-day moves that IM covers: 0.99 is 99 % (MH504)."
    )
    coverage_2d: Inner | None = Field(None, description="The same over two days (MH504).")
    coverage_5d: Inner | None = Field(None, description="The same over five days (MH504).")
    coverage_significance: Inner | None = Field(
        None,
        description="Probability by chance below which a shortfall of coverage counts: 0.05 is "
        "5 %; absent: every shortfall counts (MH504).",
    )
    clustering_significance: Inner | None = Field(
        None,
        description="p-value of the test of independence below which breaches count as "
        "clustered: 0.01 is 1 % (MH505).",
    )
    size_exponent: Amount | None = Field(
        None,
        description="Smallest exponent with which MM rises with the time of the close-out: 0.5 is the "
        "square root of time (MH506).",
    )


class ScheduleRules(_Common):
    """Rule set whose rates rise with position size, by class of underlying."""

    kind: Literal["schedule"] = Field(description="schedule: rates that rise with size.")
    requirement: ScheduleRequirement = Field(description="Classes and their tiers.")
    cross_venue: CrossVenue | None = Field(
        None, description="Limits on differences between venues."
    )
    adequacy: Adequacy | None = Field(
        None, description="Limits on tests of margins against past prices."
    )


class ModelRules(_Common):
    """Rule set whose rate is computed from measured inputs, or published."""

    kind: Literal["model"] = Field(description="model: a rate from measured inputs.")
    requirement: ModelRequirement = Field(description="Inputs and formula.")
    adequacy: Adequacy | None = Field(
        None, description="Limits on tests of margins against past prices."
    )


class DisclosureRules(_Common):
    """Rule set that lists items that a venue should publish."""

    kind: Literal["disclosure"] = Field(
        description="disclosure: items that a venue should publish."
    )
    requirement: DisclosureRequirement = Field(description="Items to publish.")


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
            "adequacy": {"type": ["object", "null"]},
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
