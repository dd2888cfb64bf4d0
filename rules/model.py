"""The shape in which rule sets are written, with its JSON Schema.

Numbers are Decimal from the text to the end; a float is refused. Rates are plain (0.01 is 1 %) and
may be written as percentages; amounts are US dollars.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from harmonize.requirement import Verified
from harmonize.schedule import ZERO, MaintenanceMeaning
from harmonize.written import Path, shown

DIGITS = 50  # of every computed figure, before it is rounded
CONTRADICTION = "contradiction"
MEETING = Decimal("0.01")  # how far the last tier may lie from the formula, as a share of it

# What text must look like, and how that is said in an error.
SHAPES = {
    "^[a-z][a-z0-9]*(-[a-z0-9]+)*$": "lower-case words joined by hyphens, as in esma-retail",
    "^[0-9]+([.][0-9]+)*$": 'numbers joined by points, in quotes, as in "2026.11"',
    "^[A-Z0-9]{1,20}$": "a ticker in capitals, as in BTC",
    "^[A-Z][A-Za-z0-9]*$": "a name that begins with a capital, as in A",
    "[^ \n]": "text that is not blank",
}
_SLUG, _VERSION, _TICKER, _CLASS, _FILLED = SHAPES


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        message = f"must be a number such as 0.125, 12.5% or 5_000_000, was {shown(value)}"
        raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueError, not TypeError
    return Decimal(value)


def _rate(value: object) -> Decimal:
    number = _number(value)
    if not ZERO < number <= 1:
        message = f"must be above 0 and at most 1 (0.125 or 12.5%), was {number}"
        raise ValueError(message)
    return number


def _share(value: object) -> Decimal:
    number = _number(value)
    if not ZERO <= number <= 1:
        message = f"must be from 0 to 1 (0.15 or 15%), was {number}"
        raise ValueError(message)
    return number


def _amount(value: object) -> Decimal:
    number = _number(value)
    if not (number.is_finite() and number > ZERO):
        message = f"must be above 0, was {number}"
        raise ValueError(message)
    return number


# An editor's YAML reads 12.5% and 5_000_000 as text: the schema takes both spellings.
_PERCENT = {"type": "string", "pattern": "^[0-9]+([.][0-9]+)?%$"}
_GROUPED = {"type": "string", "pattern": "^[0-9]+(_[0-9]+)+([.][0-9]+)?$"}
_RATE_SCHEMA = {"anyOf": [{"type": "number", "exclusiveMinimum": 0, "maximum": 1}, _PERCENT]}
_SHARE_SCHEMA = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, _PERCENT]}
_AMOUNT_SCHEMA = {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _GROUPED]}

Rate: TypeAlias = Annotated[Decimal, BeforeValidator(_rate), WithJsonSchema(_RATE_SCHEMA)]
Share: TypeAlias = Annotated[Decimal, BeforeValidator(_share), WithJsonSchema(_SHARE_SCHEMA)]
Amount: TypeAlias = Annotated[Decimal, BeforeValidator(_amount), WithJsonSchema(_AMOUNT_SCHEMA)]
Text: TypeAlias = Annotated[str, StringConstraints(pattern=_FILLED)]
Slug: TypeAlias = Annotated[str, StringConstraints(pattern=_SLUG)]
Version: TypeAlias = Annotated[str, StringConstraints(pattern=_VERSION)]
Ticker: TypeAlias = Annotated[str, StringConstraints(pattern=_TICKER)]
ClassName: TypeAlias = Annotated[str, StringConstraints(pattern=_CLASS)]


class Shape(BaseModel):
    """A mapping with exactly the fields named, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Scope(Shape):
    """Whom and what the rule set concerns."""

    text: Text = Field(description="Who is bound, for which products, in a sentence.")
    account_classes: tuple[Slug, ...] = Field(
        description="Account classes concerned, such as retail. Empty: every account class."
    )
    underlyings: Literal["any", "crypto"] = Field(
        "any",
        description="Contracts concerned: any, or crypto, which leaves shares and metals out.",
    )
    region: Text | None = Field(None, description="Where it holds; absent: everywhere.")


class Tolerance(Shape):
    """How far a margin may be from the reference before it counts as divergent; both add up."""

    relative: Share = Field(description="A share of the reference: 0.15 is 15 %.")
    absolute: Share = Field(description="A share of notional: 0.0001 is 1 basis point.")


class Citation(Shape):
    """A source, and how far it was checked."""

    reference: Text = Field(description="What is cited: the instrument, its article, its date.")
    via: Text = Field(description="Through which copy or page it was read, or how computed.")
    verified: Verified = Field(
        description="primary: the legal text or the publisher's page was read; secondary: a law "
        "firm, the press or a broker reports it; unverified: from memory, or sources conflict; "
        "derived: computed by the authors of the rule set."
    )


class Flag(Shape):
    """A caveat that a reader must see beside the numbers."""

    field: Text = Field(description="The field or number that the caveat is about.")
    status: Text = Field(description="Its state in one or two words, such as unverified.")
    note: Text = Field(description="What the reader must know, in a sentence.")


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
    """A smallest margin rate that holds at every notional."""

    initial_rate: Rate = Field(description="Initial margin, a share of notional: 0.5 is 2:1.")
    maintenance: CapMaintenance | None = Field(
        None, description="Maintenance margin; absent: the rule sets none."
    )


class Formula(Shape):
    """The inputs of IM(N) = N * min(1, v1 * sqrt(initial_days + N / (3 * pi * adv_ref))).

    MM(N) likewise with maintenance_days. The square root is of time: a position that is unwound
    evenly at the share pi of daily volume is exposed for a third of the days that this takes.
    """

    pi: Rate = Field(description="Share of daily volume at which a position can be unwound.")
    initial_days: Amount = Field(description="Days of risk in initial margin at small size: 1.")
    maintenance_days: Amount = Field(description="The same for maintenance: 0.25 is six hours.")

    def depth(self, adv_ref: Decimal) -> Decimal:
        """3 * pi * ADV in USD: the size whose unwinding adds one day of risk."""
        return 3 * self.pi * adv_ref

    def margin(self, notional: Decimal, days: Decimal, one: "SizeClass") -> Decimal:
        """``N * min(1, v1 * sqrt(days + N / (3 * pi * ADV)))`` in USD, to 50 digits."""
        with localcontext(prec=DIGITS):
            rate = one.v1 * (days + notional / self.depth(one.adv_ref)).sqrt()
            return notional * min(Decimal(1), rate)

    def full(self, days: Decimal, one: "SizeClass") -> Decimal:
        """The notional in USD from which the margin is the whole position."""
        with localcontext(prec=DIGITS):
            return self.depth(one.adv_ref) * (1 / one.v1**2 - days)


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
    v1: Rate = Field(description="One-day 99 % move of the class: 0.1 is 10 %.")
    adv_ref: Amount = Field(description="Reference average daily volume (ADV), in USD.")
    tiers: tuple[SizeTier, ...] = Field(
        min_length=1, description="Marginal rates by slice, bounds rising, rates not falling."
    )


class ScheduleRequirement(Shape):
    """Reference functions by class of underlying."""

    above_last_tier: Literal["formula"] = Field(
        description="What holds above the last tier: the formula, up to 100 % of notional."
    )
    formula: Formula = Field(description="The inputs of the formula that all classes share.")
    unlisted: Literal["not observable"] = Field(
        description="What is said of an asset on no list: it has no class, hence no reference."
    )
    classes: dict[ClassName, SizeClass] = Field(
        min_length=1,
        description="The classes by name.",
        json_schema_extra={"additionalProperties": False},
    )


class _Common(Shape):
    """What every rule set has."""

    id: Slug = Field(description="Its name; that of the file without .yaml.")
    version: Version = Field(description='Its version, in quotes: "2026.11".')
    title: Text = Field(description="Its title in reports.")
    scope: Scope = Field(description="Whom and what it concerns.")
    maintenance_meaning: MaintenanceMeaning = Field(
        description="What happens at the maintenance margin; meanings are not scored as one."
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

    @model_validator(mode="after")
    def _agrees(self) -> "_Common":
        """Refuse fields that contradict one another."""
        for found in contradictions(self.model_dump()):
            raise PydanticCustomError(CONTRADICTION, "{said}", {"said": found.message})
        return self


class CapRules(_Common):
    """A rule set that asks for at least one rate at every notional."""

    kind: Literal["cap"] = Field(description="cap: one smallest rate at every notional.")
    requirement: CapRequirement = Field(description="The rates.")


class ScheduleRules(_Common):
    """A rule set whose rates rise with the size of the position, by class of underlying."""

    kind: Literal["schedule"] = Field(description="schedule: rates that rise with size.")
    requirement: ScheduleRequirement = Field(description="The classes and their tiers.")


Rules: TypeAlias = Annotated[CapRules | ScheduleRules, Field(discriminator="kind")]
RULES: TypeAdapter[CapRules | ScheduleRules] = TypeAdapter(Rules)


class Contradiction(NamedTuple):
    """Where a rule set contradicts itself, and how to mend it."""

    path: Path
    message: str


def contradictions(written: object) -> Iterator[Contradiction]:
    """Find every contradiction between fields, in a rule set that may lack or misstate some.

    Fields that are wrong on their own are passed over: the model names those.
    """
    requirement = _mapping(_mapping(written).get("requirement"))
    yield from _cap_contradictions(requirement)
    formula = _mapping(requirement.get("formula"))
    initial, maintenance = formula.get("initial_days"), formula.get("maintenance_days")
    if _above(maintenance, initial):
        path: Path = ("requirement", "formula", "maintenance_days")
        yield Contradiction(path, f"must not be above initial_days ({initial}), was {maintenance}")
        formula = {}  # no tiers can meet it
    yield from _membership(requirement)
    for name, one in _mapping(requirement.get("classes")).items():
        place: Path = ("requirement", "classes", name)
        found = list(_tier_contradictions((*place, "tiers"), _rows(_mapping(one).get("tiers"))))
        yield from found or _junction(place, formula, one)


def _cap_contradictions(requirement: Mapping[str, object]) -> Iterator[Contradiction]:
    path: Path = ("requirement", "maintenance")
    maintenance = requirement.get("maintenance")
    if not isinstance(maintenance, dict):
        return
    given = [maintenance.get(name) is not None for name in ("rate", "fraction_of_initial")]
    if given.count(True) != 1:
        yield Contradiction(path, "must have either rate or fraction_of_initial; write one of them")
    initial, rate = requirement.get("initial_rate"), maintenance.get("rate")
    if _above(rate, initial):
        message = f"must not be above initial_rate ({initial}), was {rate}"
        yield Contradiction((*path, "rate"), message)


def _membership(requirement: Mapping[str, object]) -> Iterator[Contradiction]:
    """Find assets that stand in two classes, or twice in one."""
    home: dict[str, object] = {}
    for name, one in _mapping(requirement.get("classes")).items():
        for index, asset in enumerate(_rows(_mapping(one).get("assets"))):
            if not isinstance(asset, str):
                continue
            if asset in home:
                message = f"{shown(asset)} is in class {home[asset]} already; list it once"
                yield Contradiction(("requirement", "classes", name, "assets", index), message)
            home.setdefault(asset, name)


def _tier_contradictions(path: Path, tiers: Sequence[object]) -> Iterator[Contradiction]:
    rows = [_mapping(tier) for tier in tiers]
    for index, (row, following) in enumerate(pairwise([{}, *rows])):
        place = (*path, index)
        below, upper = _numeric(row.get("upper")), _numeric(following.get("upper"))
        if below is not None and upper is not None and upper <= below:
            message = f"must be above the bound before it ({below}), was {upper}"
            yield Contradiction((*place, "upper"), message)
        for name in ("initial_rate", "maintenance_rate"):
            if _above(row.get(name), following.get(name)):
                message = (
                    f"must not be below the rate of the tier before it ({row[name]}), "
                    f"was {following[name]}"
                )
                yield Contradiction((*place, name), message)
        initial, maintenance = following.get("initial_rate"), following.get("maintenance_rate")
        if _above(maintenance, initial):
            message = f"must not be above initial_rate ({initial}), was {maintenance}"
            yield Contradiction((*place, "maintenance_rate"), message)


def _junction(path: Path, formula: object, one: object) -> Iterator[Contradiction]:
    """Find tiers that do not lead to the formula that continues them."""
    try:
        inputs, size_class = Formula.model_validate(formula), SizeClass.model_validate(one)
    except ValidationError:
        return
    upper = size_class.tiers[-1].upper
    for name, days in (
        ("initial_rate", inputs.initial_days),
        ("maintenance_rate", inputs.maintenance_days),
    ):
        due = inputs.margin(upper, days, size_class)
        margin = slices([(tier.upper, getattr(tier, name)) for tier in size_class.tiers])
        if abs(margin - due) > MEETING * due:
            message = (
                f"tiers add up to {margin / upper:.4%} of notional at {upper}, the formula gives "
                f"{due / upper:.4%}; they must meet within {MEETING:.0%}"
            )
            yield Contradiction((*path, "tiers", len(size_class.tiers) - 1, name), message)


def slices(tiers: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    """Sum bound-and-rate tiers over the slices: the margin in USD at the last bound."""
    lowers = [ZERO, *(upper for upper, _ in tiers)]
    return sum(
        (rate * (upper - lower) for lower, (upper, rate) in zip(lowers, tiers, strict=False)), ZERO
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _numeric(value: object) -> int | Decimal | None:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _above(one: object, other: object) -> bool:
    """Tell whether both are numbers and the one is above the other."""
    number, bound = _numeric(one), _numeric(other)
    return number is not None and bound is not None and number > bound


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of a rule set, as editors use it."""
    schema = RULES.json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Margin rule set",
        **schema,
    }
