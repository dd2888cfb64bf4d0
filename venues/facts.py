"""Dated facts that no payload states: tier rule, fee on top of MM, event at MM."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import TypeVar

from harmonize.core.instrument import Payoff
from harmonize.core.schedule import FeeAddOn, MaintenanceMeaning, MarginMode, TierRule, Unknown
from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml

Term = TypeVar("Term", bound=StrEnum)


class Confidence(StrEnum):
    """Level of verification of a fact."""

    SOURCED = "sourced"  # the venue's page or code was read, or a live response agrees
    SECONDARY = "secondary"  # third-party code or pages
    INFERRED = "inferred"  # follows from sourced facts
    UNVERIFIED = "unverified"


class Sizes(StrEnum):
    """Position sizes to which rates without a bound apply."""

    ALL = "all sizes"  # one rate or formula for a position of any size
    TIERS = "tiers"  # the bounds of the tiers; rates without a bound are lower bounds
    FIRST_TIER = "first tier only"  # up to a bound that is not published
    LOWEST_RATES = "lowest rates only"  # they rise with size by a rule that is not published
    MAXIMUM_LEVERAGE = "maximum leverage only"


@dataclass(frozen=True, slots=True)
class VenueFact:
    """Rule by which a venue's tiers become margin, per payoff, margin mode and period.

    ``since`` is inclusive and ``until`` exclusive; None is open. ``accounts`` are the account
    classes the fact applies to; empty means every class that no other fact names. ``sizes`` are the
    positions to which rates apply that the venue publishes without a bound.
    """

    venue: str
    payoffs: tuple[Payoff, ...]
    margin_modes: tuple[MarginMode, ...]
    since: date | None
    until: date | None
    initial: TierRule
    maintenance: TierRule
    meaning: MaintenanceMeaning
    fee: str
    confidence: Confidence
    source: str
    accounts: tuple[str, ...] = ()
    sizes: Sizes = Sizes.TIERS

    @property
    def derivation(self) -> str:
        """Reason why margins under this fact are derived; empty if the fact is sourced."""
        if self.confidence is Confidence.SOURCED:
            return ""
        return f"{self.maintenance} tiers are {self.confidence}: {self.source}"

    @property
    def size_derivation(self) -> str:
        """Reason why rates without a bound are derived; empty if a source states their sizes."""
        if self.confidence is Confidence.SOURCED:
            return ""
        return f"one rate for all sizes is {self.confidence}: {self.source}"

    @property
    def verified(self) -> bool:
        """Whether a source supports the rule."""
        return self.confidence is not Confidence.UNVERIFIED

    @property
    def fee_add_on(self) -> FeeAddOn:
        """Fee rule with an unknown rate, because rates depend on the account's fee level."""
        return FeeAddOn(self.fee, Unknown("depends on the account's fee level"))


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts, in file order."""

    rows: tuple[VenueFact, ...]

    def find(
        self, venue: str, payoff: Payoff, mode: MarginMode, day: date, account: str = "any"
    ) -> VenueFact | None:
        """Returns the fact in force on ``day``; None if no source states how the tiers apply.

        A fact for the account class takes precedence over a fact for all classes.
        """
        in_force = [
            fact
            for fact in self.rows
            if fact.venue == venue
            and payoff in fact.payoffs
            and mode in fact.margin_modes
            and (fact.since is None or fact.since <= day)
            and (fact.until is None or day < fact.until)
            and (not fact.accounts or account in fact.accounts)
        ]
        return next((fact for fact in in_force if fact.accounts), in_force[0] if in_force else None)


@cache
def bundled() -> Facts:
    """Facts that ship with the package."""
    return parse(files("venues").joinpath("facts.yaml").read_text(encoding="utf-8"), "facts.yaml")


def parse(text: str, name: str) -> Facts:
    """Reads facts from YAML. Raises YamlSourceError with file:line:column and the problem."""
    source = parse_yaml(text, name)
    rows = source.value
    if not isinstance(rows, list):
        raise YamlSourceError(name, 1, 1, "expected a list of facts; begin each with '- venue:'")
    return Facts(tuple(_fact(source, index, row) for index, row in enumerate(rows)))


def term(terms: type[Term], raw: object, key: str) -> Term:
    """Member of ``terms`` with the value ``raw``. Raises ValueError with the accepted values."""
    try:
        return terms(str(raw))
    except ValueError:
        message = f"{key}: expected one of {', '.join(terms)}; found {raw!r}"
        raise ValueError(message) from None


_KEYS = frozenset(
    {
        "venue",
        "payoffs",
        "margin_modes",
        "since",
        "until",
        "initial",
        "maintenance",
        "meaning",
        "fee",
        "confidence",
        "source",
    }
)


_OPTIONAL = frozenset({"accounts", "sizes"})


def _fact(source: YamlSource, index: int, row: object) -> VenueFact:
    if not isinstance(row, dict) or set(row) - _OPTIONAL != _KEYS:
        line, column = source.place((index,))
        required, optional = ", ".join(sorted(_KEYS)), ", ".join(sorted(_OPTIONAL))
        reason = f"expected exactly the keys {required}, and optionally {optional}"
        raise YamlSourceError(source.name, line, column, reason)
    try:
        return VenueFact(
            venue=str(row["venue"]),
            payoffs=tuple(term(Payoff, payoff, "payoffs") for payoff in row["payoffs"]),
            margin_modes=tuple(
                term(MarginMode, mode, "margin_modes") for mode in row["margin_modes"]
            ),
            since=row["since"],
            until=row["until"],
            initial=term(TierRule, row["initial"], "initial"),
            maintenance=term(TierRule, row["maintenance"], "maintenance"),
            meaning=term(MaintenanceMeaning, row["meaning"], "meaning"),
            fee=str(row["fee"]),
            confidence=term(Confidence, row["confidence"], "confidence"),
            source=str(row["source"]),
            accounts=tuple(str(account) for account in row.get("accounts", ())),
            sizes=term(Sizes, row.get("sizes", Sizes.TIERS), "sizes"),
        )
    except ValueError as error:
        line, column = source.place((index,))
        raise YamlSourceError(source.name, line, column, str(error)) from None
