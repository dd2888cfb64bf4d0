"""Dated facts about venues that no payload states: flat or marginal, fees, meaning of MM."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files

from harmonize.core.instrument import Payoff
from harmonize.core.schedule import FeeAddOn, MaintenanceMeaning, MarginMode, TierRule, Unknown
from harmonize.core.yaml_source import WrittenError, YamlSource, read


class Confidence(StrEnum):
    """How far a fact was checked."""

    SOURCED = "sourced"  # the venue's page or code was read, or a live response agrees
    SECONDARY = "secondary"  # third-party code or pages
    INFERRED = "inferred"  # follows from sourced facts
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class VenueFact:
    """How a venue's tiers become margin, for some payoffs and margin modes, over some dates.

    ``accounts`` are the account classes that it is for; empty where it is for all that no other
    fact names.
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

    @property
    def doubt(self) -> str:
        """Say what makes a margin derived under this fact; empty when it is sourced."""
        if self.confidence is Confidence.SOURCED:
            return ""
        return f"{self.maintenance} tiers are {self.confidence}: {self.source}"

    @property
    def verified(self) -> bool:
        """Whether any source states the rule."""
        return self.confidence is not Confidence.UNVERIFIED

    @property
    def fee_add_on(self) -> FeeAddOn:
        """The fee rule, its rate unknown: rates depend on the account's fee level."""
        return FeeAddOn(self.fee, Unknown("depends on the account's fee level"))


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts, in the order written."""

    rows: tuple[VenueFact, ...]

    def about(
        self, venue: str, payoff: Payoff, mode: MarginMode, day: date, account: str = "any"
    ) -> VenueFact | None:
        """Find the fact that holds on ``day``; None when no source says how the tiers are used.

        A fact for the account class goes before one for all.
        """
        found = [
            fact
            for fact in self.rows
            if fact.venue == venue
            and payoff in fact.payoffs
            and mode in fact.margin_modes
            and (fact.since is None or fact.since <= day)
            and (fact.until is None or day < fact.until)
            and (not fact.accounts or account in fact.accounts)
        ]
        return next((fact for fact in found if fact.accounts), found[0] if found else None)


@cache
def bundled() -> Facts:
    """Read the facts that ship with the package."""
    return parse(files("venues").joinpath("facts.yaml").read_text(encoding="utf-8"), "facts.yaml")


def parse(text: str, name: str) -> Facts:
    """Read facts from YAML. Raises WrittenError: file:line:column, what is wrong."""
    written = read(text, name)
    found = written.value
    if not isinstance(found, list):
        raise WrittenError(name, 1, 1, "a list of facts was due; begin each with '- venue:'")
    return Facts(tuple(_fact(written, index, row) for index, row in enumerate(found)))


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


_OPTIONAL = frozenset({"accounts"})


def _fact(written: YamlSource, index: int, row: object) -> VenueFact:
    if not isinstance(row, dict) or set(row) - _OPTIONAL != _KEYS:
        line, column = written.place((index,))
        keys, optional = ", ".join(sorted(_KEYS)), ", ".join(sorted(_OPTIONAL))
        reason = f"a fact has exactly the keys {keys}, and may have {optional}"
        raise WrittenError(written.name, line, column, reason)
    try:
        return VenueFact(
            venue=str(row["venue"]),
            payoffs=tuple(Payoff(one) for one in row["payoffs"]),
            margin_modes=tuple(MarginMode(one) for one in row["margin_modes"]),
            since=row["since"],
            until=row["until"],
            initial=TierRule(row["initial"]),
            maintenance=TierRule(row["maintenance"]),
            meaning=MaintenanceMeaning(row["meaning"]),
            fee=str(row["fee"]),
            confidence=Confidence(row["confidence"]),
            source=str(row["source"]),
            accounts=tuple(str(one) for one in row.get("accounts", ())),
        )
    except ValueError as error:
        line, column = written.place((index,))
        raise WrittenError(written.name, line, column, str(error)) from None
