"""Measured moves per venue on one underlying; contracts that speak for several are measured once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from harmonize.adequacy.contract_risk import (
    LEVEL,
    ContractRisk,
    VenueRisk,
    combine,
    prepare,
)
from harmonize.core.schedule import Unknown
from harmonize.market.choice import ContractChoice, choose_contracts
from harmonize.market.prices import PriceSeries


@dataclass(frozen=True, slots=True)
class RiskTerms:
    """How moves are measured: from candles that had closed by ``as_of``, at ``level``.

    Without ``include_disputed``, no move begins or ends at a candle with a disputed close.
    """

    as_of: datetime
    level: float = LEVEL
    include_disputed: bool = True


def venue_risks(
    series: Sequence[PriceSeries], venues: Iterable[str], underlying: str, terms: RiskTerms
) -> dict[str, VenueRisk | Unknown]:
    """Returns the moves that speak for each venue's contracts on an underlying.

    Venues for which the same contracts speak in the same capacity share one result. Candles that
    closed after ``terms.as_of`` change nothing, not even the choice.
    """
    known = [part for part in (s.known_at(terms.as_of) for s in series) if part.times.size]
    contracts: dict[str, ContractRisk | Unknown] = {}
    results: dict[tuple[str, ...], VenueRisk | Unknown] = {}
    risks: dict[str, VenueRisk | Unknown] = {}
    for venue in venues:
        choices = choose_contracts(known, venue, underlying)
        if isinstance(choices, Unknown):
            risks[venue] = choices
            continue
        key = tuple(choice.reason for choice in choices)
        if key not in results:
            results[key] = _combined(choices, contracts, terms)
        risks[venue] = results[key]
    return risks


def _combined(
    choices: Sequence[ContractChoice],
    contracts: dict[str, ContractRisk | Unknown],
    terms: RiskTerms,
) -> VenueRisk | Unknown:
    risks: list[tuple[ContractRisk, str]] = []
    failures: list[Unknown] = []
    ranks: list[int] = []
    for choice in choices:
        name = f"{choice.series[0].id} {choice.series[0].id.quote}"
        if name not in contracts:
            contracts[name] = _prepared(choice, terms)
        risk = contracts[name]
        if isinstance(risk, Unknown):
            failures.append(risk)
        else:
            risks.append((risk, choice.reason))
            ranks.append(choice.rank)
    if failures and not risks:
        return failures[0]
    try:
        return combine(risks, ranks)
    except ValueError as error:  # prices that no market produces
        return Unknown(f"{choices[0].series[0].id}: {error}")


def _prepared(choice: ContractChoice, terms: RiskTerms) -> ContractRisk | Unknown:
    try:
        return prepare(
            choice.series, terms.as_of, terms.level, include_disputed=terms.include_disputed
        )
    except ValueError as error:  # prices that no market produces
        return Unknown(str(error))
