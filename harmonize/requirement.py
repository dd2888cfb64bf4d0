"""What margins should be, as values: caps, reference schedules, tolerance, citations."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from harmonize.schedule import MaintenanceMeaning, MarginFunction


class Verified(StrEnum):
    """How a cited number was checked; printed wherever the number is."""

    PRIMARY = "primary"  # the legal text or the publisher's own page was read
    SECONDARY = "secondary"  # a law firm, the press or a broker reports it
    UNVERIFIED = "unverified"  # from memory, or sources conflict
    DERIVED = "derived"  # computed by this project's authors; the computation is described


@dataclass(frozen=True, slots=True)
class Citation:
    """A source: what is cited, through which copy it was read, and how far it was checked."""

    reference: str
    via: str
    verified: Verified


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
    of notional (0.0001 is 1 basis point). Both apply, one on top of the other.
    """

    relative: Decimal
    absolute: Decimal


@dataclass(frozen=True, slots=True)
class Cap:
    """A smallest margin rate that holds at every notional; its inverse is the leverage cap.

    ``maintenance_rate`` is None where the rule sets none.
    """

    initial_rate: Decimal
    maintenance_rate: Decimal | None


@dataclass(frozen=True, slots=True)
class ReferenceClass:
    """The reference functions of one class of underlyings, and the assets that belong to it."""

    name: str
    assets: tuple[str, ...]
    initial: MarginFunction
    maintenance: MarginFunction


@dataclass(frozen=True, slots=True)
class ReferenceSchedule:
    """Reference functions by class; an asset on no list has no class, hence no reference."""

    classes: tuple[ReferenceClass, ...]

    def class_of(self, asset: str) -> ReferenceClass | None:
        """Find the class that lists ``asset``."""
        return next((one for one in self.classes if asset in one.assets), None)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One rule set, compiled. ``account_classes`` empty: it concerns every account class.

    ``crypto_only``: it speaks of contracts on crypto-assets alone.

    ``meaning`` is the meaning of its maintenance margin. ``statutory`` rules can be breached;
    falling short of any other rule set is a divergence, never a breach.
    """

    id: str
    version: str
    title: str
    scope: str
    account_classes: tuple[str, ...]
    crypto_only: bool
    requirement: Cap | ReferenceSchedule
    tolerance: Tolerance
    meaning: MaintenanceMeaning
    statutory: bool
    citations: tuple[Citation, ...]
    flags: tuple[Flag, ...]

    @property
    def kind(self) -> str:
        """The kind of requirement, in the word that the YAML uses."""
        return "cap" if isinstance(self.requirement, Cap) else "schedule"
