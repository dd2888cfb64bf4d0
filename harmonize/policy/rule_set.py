"""Rule sets as values: requirement, scope, tolerance, citations, flags and examples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from harmonize.core.instrument import Payoff
from harmonize.core.schedule import INFINITY, ZERO, MaintenanceMeaning, MarginFunction
from harmonize.policy.expression import Expression
from harmonize.policy.inputs import Need
from harmonize.policy.size_formula import SizeFormula


class Verified(StrEnum):
    """Verification of a cited number; printed wherever the number is."""

    PRIMARY = "primary"  # the legal text or the publisher's own page was read
    SECONDARY = "secondary"  # a law firm, the press or a broker reports it
    UNVERIFIED = "unverified"  # from memory, or sources conflict
    DERIVED = "derived"  # computed by this project's authors; the computation is described


class FlagStatus(StrEnum):
    """Reason for which a reader must doubt a field of a rule set."""

    PRIMARY = "primary"  # the text was read; the note states what it leaves open
    SECONDARY = "secondary"  # a law firm, the press or a broker reports it
    UNVERIFIED = "unverified"  # from memory, or sources conflict
    DERIVED = "derived"  # computed by the authors of the rule set
    INFERENCE = "inference"  # no source states it; it follows from what a source states
    APPROXIMATION = "approximation"
    CALIBRATED = "calibrated"  # fitted to data of one date, which the note states
    DATA_LIMITED = "data limited"
    DATED = "dated"  # true of one date or period
    DESIGN_CHOICE = "design choice"
    NOT_COVERED = "not covered"  # part of the source, but not of the rule set
    NOT_FOUND = "not found"
    NOT_USED = "not used"
    PRACTICE = "practice"  # what firms do, beyond what the rule requires
    PROPOSED = "proposed"  # of a consultation; the final text was not read
    REVERSE_ENGINEERED = "reverse-engineered"


class AccountClass(StrEnum):
    """Class of accounts for which a venue states a schedule of its own, or a law a rule."""

    ANY = "any"  # of a schedule that does not distinguish accounts
    RETAIL = "retail"
    PROFESSIONAL = "professional"
    CORPORATE = "corporate"
    CLASSIC = "classic"
    UNIFIED = "unified"
    PORTFOLIO = "portfolio"
    INTRADAY = "intraday"
    OVERNIGHT = "overnight"


class ContractKind(StrEnum):
    """Whether a contract expires."""

    PERPETUAL = "perpetual"
    DATED = "dated"


@dataclass(frozen=True, slots=True)
class Citation:
    """Source: the cited text, the copy that was read (``via``), and its verification.

    ``supports`` names the numbers that come from this source; empty: all of the rule set's numbers.
    """

    reference: str
    via: str
    verified: Verified
    supports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag:
    """Caveat on one field of a rule set, shown beside its numbers."""

    field: str
    status: "FlagStatus"
    note: str


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Permitted distance between margin and reference; a larger one is a divergence.

    ``relative`` widens the reference by a share of itself (0.15 is 15 %), ``absolute`` by a share
    of notional (0.0001 is 1 basis point). ``statistical`` is the confidence at which the inputs'
    own intervals widen it. All three add up.
    """

    relative: Decimal
    absolute: Decimal
    statistical: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Undetermined:
    """Contracts of which no source states whether a rule set applies, with the reason.

    An empty tuple selects everything.
    """

    reason: str
    contracts: tuple[ContractKind, ...] = ()
    underlyings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Schedules to which a rule set applies. An empty tuple selects everything.

    ``crypto_only`` limits it to contracts on crypto-assets, ``except_underlyings`` lists assets
    that it does not cover. Notional is in USD, (above, up_to]. ``since`` and ``until`` are the
    first and last day in force; None: no bound. ``undetermined`` are contracts that the rule set
    may or may not cover.
    """

    text: str
    account_classes: tuple[AccountClass, ...] = ()
    venues: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    payoffs: tuple[Payoff, ...] = ()
    contracts: tuple[ContractKind, ...] = ()
    underlyings: tuple[str, ...] = ()
    except_underlyings: tuple[str, ...] = ()
    undetermined: tuple[Undetermined, ...] = ()
    crypto_only: bool = False
    above: Decimal = ZERO
    up_to: Decimal = INFINITY
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """Minimum margin rate at every notional; its inverse is the leverage cap.

    ``maintenance_rate`` is None if the rule set sets no maintenance margin.
    """

    initial_rate: Decimal
    maintenance_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Prohibition:
    """Prohibition of the contract at any margin. It differs from a margin of 100 %."""


@dataclass(frozen=True, slots=True)
class DisclosureItem:
    """Item that a venue should publish, and the code of the check that looks for it."""

    what: str
    code: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Items that a venue should publish."""

    expects: tuple[DisclosureItem, ...]


@dataclass(frozen=True, slots=True)
class PublishedRates:
    """Rates, by asset, that an authority or a clearing house published for a span of days.

    ``lapses`` is the last day on which the rates are used; None: the last day of their span, and
    the grace period of the model beyond it.
    """

    since: date
    until: date
    rates: Mapping[str, Decimal]
    via: str
    verified: Verified
    lapses: date | None = None

    def last_use(self, grace_days: int) -> date:
        """Returns the last day on which the rates are used."""
        if self.lapses is not None:
            return self.lapses
        return self.until + timedelta(days=min(grace_days, (date.max - self.until).days))


class Combine(StrEnum):
    """Rule that combines a published rate with the model's rate."""

    PREFER = "prefer published"  # the published rate; without one, the model's rate
    LARGER = "larger of both"


@dataclass(frozen=True, slots=True)
class Model:
    """One rate per underlying, measured or published, the same at every notional.

    ``multiple`` times the rate is the initial margin. The rate itself is the maintenance margin,
    unless ``sets_maintenance`` is False: the model then sets none. Rates are above 0 and at most 1.
    Published rates remain in use for ``grace_days`` beyond their span.
    """

    needs: tuple[Need, ...]
    rate: Expression | None
    multiple: Decimal
    sets_maintenance: bool
    published: tuple[PublishedRates, ...] = ()
    combine: Combine = Combine.PREFER
    grace_days: int = 0


@dataclass(frozen=True, slots=True)
class ReferenceClass:
    """Reference functions of one class of underlyings, and the assets in the class.

    ``below`` and ``above`` widen the tolerance by shares of the reference, from the inputs'
    intervals. ``v1`` is the one-day 99 % move and ``adv`` the daily volume in USD that the functions
    assume; None: they assume none.
    ``basis`` names the measured or published numbers, ``verified`` their verification. Both are
    empty if the numbers are the rule set's own.
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
    adv: Decimal | None = None


@dataclass(frozen=True, slots=True)
class MeasuredFormula:
    """Formula that replaces a class's functions if its inputs were measured."""

    formula: SizeFormula
    needs: tuple[Need, ...]
    v1: Expression
    adv: Expression


@dataclass(frozen=True, slots=True)
class ReferenceSchedule:
    """Reference functions by class; an asset without a class has no reference.

    ``size`` is the formula that the functions follow; None if they follow none.
    """

    classes: tuple[ReferenceClass, ...]
    measured: MeasuredFormula | None = None
    size: SizeFormula | None = None

    def class_of(self, asset: str) -> ReferenceClass | None:
        """Returns the class that lists ``asset``; None if no class does."""
        return next((class_ for class_ in self.classes if asset in class_.assets), None)


Requirement = Cap | ReferenceSchedule | Model | Prohibition | Disclosure


@dataclass(frozen=True, slots=True)
class CrossVenueLimits:
    """Limits on differences between venues; None: no limit.

    - ``gap``: largest arbitrage gap, as a share of the reference.
    - ``one_cheapest``: largest share of sizes, on a logarithmic scale, at which one venue alone has
      the lowest margin.
    - ``leverage``: largest mean leverage, as a multiple of the reference's.
    - ``spread``: highest margin, as a multiple of the lowest.
    - ``saving``: largest saving of a split, as a share of the best single venue's margin.
    - ``index``: lowest harmonization index.
    """

    gap: Decimal | None = None
    one_cheapest: Decimal | None = None
    leverage: Decimal | None = None
    spread: Decimal | None = None
    saving: Decimal | None = None
    index: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AdequacyLimits:
    """Limits on tests of margins against past prices; None: no limit.

    - ``buffer_minutes``, ``maintenance_minutes``, ``initial_minutes``: shortest time over which IM − MM,
      MM and IM cover the 99 % move.
    - ``close_out_share``: largest share of all close-out windows in which the price moves beyond MM.
    - ``liquidation_share``: the same, in windows after a liquidation at full leverage.
    - ``coverage_1d``, ``coverage_2d``, ``coverage_5d``: smallest share of moves that IM covers over one,
      two and five days.
    - ``coverage_significance``: probability by chance below which a shortfall of coverage counts; None:
      every shortfall counts.
    - ``clustering_significance``: the same for breaches that follow one another.
    - ``size_exponent``: smallest exponent with which MM rises with the time of the close-out.
    """

    buffer_minutes: Decimal | None = None
    maintenance_minutes: Decimal | None = None
    initial_minutes: Decimal | None = None
    close_out_share: Decimal | None = None
    liquidation_share: Decimal | None = None
    coverage_1d: Decimal | None = None
    coverage_2d: Decimal | None = None
    coverage_5d: Decimal | None = None
    coverage_significance: Decimal | None = None
    clustering_significance: Decimal | None = None
    size_exponent: Decimal | None = None

    @property
    def minutes(self) -> Mapping[str, Decimal | None]:
        """Shortest holding times, by the margin of ``document.HoldingRow``."""
        return {
            "buffer": self.buffer_minutes,
            "maintenance": self.maintenance_minutes,
            "initial": self.initial_minutes,
        }

    @property
    def coverage(self) -> Mapping[int, Decimal | None]:
        """Smallest coverage by IM, by the number of days."""
        return {1: self.coverage_1d, 2: self.coverage_2d, 5: self.coverage_5d}


@dataclass(frozen=True, slots=True)
class RuleExample:
    """Schedule with the verdict that the author of a rule set expects; ``rules check`` runs it.

    Tiers are (upper, IM rate, MM rate or None), in USD.
    """

    text: str
    underlying: str
    tiers: tuple[tuple[Decimal, Decimal, Decimal | None], ...]
    marginal: bool
    initial: str | None
    maintenance: str | None
    notional: Decimal | None = None
    venue: str = "example"
    account_class: AccountClass = AccountClass.ANY
    payoff: Payoff = Payoff.LINEAR
    contract: ContractKind = ContractKind.PERPETUAL
    meaning: MaintenanceMeaning | None = None
    on: date | None = None
    inputs: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Compiled rule set.

    - ``meaning``: meaning of its maintenance margin.
    - ``across``: by another meaning, the factor on the reference for schedules of that meaning;
      schedules of any other meaning are not scored.
    - ``statutory``: True for law, which can be breached. Falling short of any other rule set is a
      divergence, never a breach.
    - ``extends``: id of the rule set that it varies.
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
    cross_venue: CrossVenueLimits | None = None
    adequacy: AdequacyLimits | None = None

    @property
    def kind(self) -> str:
        """Kind of the requirement, as in the YAML."""
        return KINDS[type(self.requirement)]

    def verified(self, margin_type: str) -> Verified | None:
        """Returns the best verification of ``initial`` or ``maintenance`` margin; None: no source.

        Citations that name the margin type take precedence over citations of every number.
        """
        specific = [citation for citation in self.citations if margin_type in citation.supports]
        general = [citation for citation in self.citations if not citation.supports]
        marks = [citation.verified for citation in specific or general]
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
