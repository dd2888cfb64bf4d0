"""What margins should be, as values: caps, schedules, models, prohibitions; scope, tolerance, citations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from harmonize.core.instrument import Payoff
from harmonize.core.schedule import INFINITY, ZERO, MaintenanceMeaning, MarginFunction
from harmonize.policy.expression import Expression
from harmonize.policy.inputs import Need
from harmonize.policy.size_formula import SizeFormula


class Verified(StrEnum):
    """How a cited number was checked; printed wherever the number is."""

    PRIMARY = "primary"  # the legal text or the publisher's own page was read
    SECONDARY = "secondary"  # a law firm, the press or a broker reports it
    UNVERIFIED = "unverified"  # from memory, or sources conflict
    DERIVED = "derived"  # computed by this project's authors; the computation is described


@dataclass(frozen=True, slots=True)
class Citation:
    """A source: what is cited, through which copy it was read, and how far it was checked.

    ``supports`` names the numbers it is the source of; empty: all of the rule set's.
    """

    reference: str
    via: str
    verified: Verified
    supports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """A caveat on one field of a rule set that a reader must see beside its numbers."""

    field: str
    status: str
    note: str


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a margin may be from the reference before it counts as divergent.

    ``relative`` widens the reference by a share of itself (0.15 is 15 %), ``absolute`` by a share
    of notional (0.0001 is 1 basis point). ``statistical`` is the confidence at which the inputs'
    own intervals widen it. All apply, one on top of the other.
    """

    relative: Decimal
    absolute: Decimal
    statistical: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom and what a rule set speaks of. An empty tuple selects everything.

    ``crypto_only``: contracts on crypto-assets alone. Notional is in USD, (above, up_to].
    ``since`` and ``until`` bound the days on which it is in force; None: no bound.
    """

    text: str
    account_classes: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    payoffs: tuple[Payoff, ...] = ()
    underlyings: tuple[str, ...] = ()
    crypto_only: bool = False
    above: Decimal = ZERO
    up_to: Decimal = INFINITY
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """A smallest margin rate that holds at every notional; its inverse is the leverage cap.

    ``maintenance_rate`` is None where the rule set sets none.
    """

    initial_rate: Decimal
    maintenance_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Prohibition:
    """No margin is enough: the contract may not be offered. It is not a margin of 100 %."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One thing that a venue should publish, and the code of the check that looks for it."""

    what: str
    code: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What a venue should publish."""

    expects: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """Rates that an authority or a clearing house published for a span of days."""

    since: date
    until: date
    rates: Mapping[str, Decimal]
    via: str
    verified: Verified


class Combine(StrEnum):
    """How published rates and a model's stand to one another."""

    PREFER = "prefer published"  # the published rate where there is one, else the model's
    LARGER = "larger of both"


@dataclass(frozen=True, slots=True)
class Model:
    """One rate an underlying, computed from measured inputs or published, the same at every notional.

    ``multiple`` times the rate is the initial margin, the rate itself the maintenance margin;
    ``maintained`` False: no maintenance margin is set. Rates are between ``at_least`` and 1.
    Published rates hold for ``grace_days`` beyond their span.
    """

    needs: tuple[Need, ...]
    rate: Expression | None
    multiple: Decimal
    maintained: bool
    published: tuple[Published, ...] = ()
    combine: Combine = Combine.PREFER
    grace_days: int = 0


@dataclass(frozen=True, slots=True)
class ReferenceClass:
    """The reference functions of one class of underlyings, and the assets that belong to it.

    ``below`` and ``above`` widen the tolerance by shares of the reference: the inputs' interval.
    ``v1`` is the one-day 99 % move that the functions assume, None where they assume none.
    ``basis`` says what was measured or published, ``verified`` how far that was checked; empty where
    the numbers are the rule set's own.
    """

    name: str
    assets: tuple[str, ...]
    initial: MarginFunction
    maintenance: MarginFunction | None
    v1: Decimal | None = None
    below: Decimal = ZERO
    above: Decimal = ZERO
    basis: str = ""
    verified: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """The formula that replaces a class's functions where its inputs were measured."""

    formula: SizeFormula
    needs: tuple[Need, ...]
    v1: Expression
    adv: Expression


@dataclass(frozen=True, slots=True)
class ReferenceSchedule:
    """Reference functions by class; an asset on no list has no class, hence no reference."""

    classes: tuple[ReferenceClass, ...]
    measured: Measured | None = None

    def class_of(self, asset: str) -> ReferenceClass | None:
        """Find the class that lists ``asset``."""
        return next((one for one in self.classes if asset in one.assets), None)


Requirement = Cap | ReferenceSchedule | Model | Prohibition | Disclosure


@dataclass(frozen=True, slots=True)
class CrossVenue:
    """What differences between venues may amount to at most; None: no limit.

    ``gap`` is a share of the reference, ``one_cheapest`` a share of sizes on a logarithmic scale,
    ``leverage`` a multiple of the reference's, ``spread`` the dearest over the cheapest, ``saving`` a
    share of the best single venue's margin, ``index`` the least harmonization index.
    """

    gap: Decimal | None = None
    one_cheapest: Decimal | None = None
    leverage: Decimal | None = None
    spread: Decimal | None = None
    saving: Decimal | None = None
    index: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RuleExample:
    """A schedule and the verdict that a rule set's author expects of it; run when it is checked.

    ``line`` and ``column`` are where it stands. Tiers are (upper, IM rate, MM rate or None).
    """

    text: str
    underlying: str
    tiers: tuple[tuple[Decimal, Decimal, Decimal | None], ...]
    marginal: bool
    initial: str | None
    maintenance: str | None
    notional: Decimal | None = None
    venue: str = "example"
    account_class: str = "any"
    payoff: Payoff = Payoff.LINEAR
    meaning: MaintenanceMeaning | None = None
    on: date | None = None
    inputs: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One rule set, compiled.

    ``meaning`` is the meaning of its maintenance margin; ``across`` says by which factor the
    reference is taken for schedules of another meaning, which are otherwise not scored.
    ``statutory`` rules can be breached; falling short of any other rule set is a divergence, never
    a breach. ``extends`` names the rule set that it varies.
    """

    id: str
    version: str
    title: str
    about: str
    scope: Scope
    region: str
    requirement: Requirement
    tolerance: Tolerance
    meaning: MaintenanceMeaning
    statutory: bool
    citations: tuple[Citation, ...]
    flags: tuple[Flag, ...]
    across: Mapping[MaintenanceMeaning, Decimal] = field(default_factory=dict)
    extends: str = ""
    examples: tuple[RuleExample, ...] = ()
    cross_venue: CrossVenue | None = None

    @property
    def kind(self) -> str:
        """The kind of requirement, in the word that the YAML uses."""
        return KINDS[type(self.requirement)]

    def verified(self, figure: str) -> Verified | None:
        """The mark of a figure's source: of the best that names it, else of the best for all."""
        named = [one.verified for one in self.citations if figure in one.supports]
        general = [one.verified for one in self.citations if not one.supports]
        marks = named or general
        return min(marks, key=list(Verified).index) if marks else None


KINDS: Mapping[type, str] = MappingProxyType(
    {
        Cap: "cap",
        Prohibition: "cap",
        ReferenceSchedule: "schedule",
        Model: "model",
        Disclosure: "disclosure",
    }
)
