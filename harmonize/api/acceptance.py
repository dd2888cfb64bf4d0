"""Withheld schedules, and the decision of a person that their numbers are right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harmonize.api.audit import RequestError
from harmonize.api.known_venues import unknown_venue_error
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry, observations
from harmonize.archive.location import ArchiveLocation
from harmonize.archive.source import Source
from harmonize.history import derived
from harmonize.history.acceptances import Acceptance


@dataclass(frozen=True, slots=True)
class Withheld:
    """Contract whose numbers the checks withhold: the venue's id, unified symbol, and reasons.

    ``snapshot`` is the digest of the snapshot that holds the numbers.
    """

    contract_id: str
    symbol: str
    snapshot: str
    reasons: tuple[str, ...]


def withheld_contracts(place: ArchiveLocation, venue: str) -> tuple[Entry, tuple[Withheld, ...]]:
    """Returns a venue's newest snapshot and the contracts that it withholds, by symbol.

    Raises RequestError: an unknown venue, or no snapshot of it; ArchiveError.
    """
    if message := unknown_venue_error((venue,)):
        raise RequestError(message)
    archive = Archive.find(place)
    if archive is None:
        message = f"there is no archive at {place}; run `harmonize fetch`, or name another one"
        raise RequestError(message)
    source = Source.of(archive, str(place))
    entries = [e for e in observations(source.entries, venue) if not e.pruned]
    if not entries:
        message = f"the archive {place} has no snapshot of {venue}; run `harmonize fetch` first"
        raise RequestError(message)
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for (_, symbol, _), own in derived.observation(source, entries[-1]).withheld.items():
        name = (symbol, own.defect.symbol, own.digest)
        reasons.setdefault(name, []).append(f"{own.defect.where}: {own.defect.reason}")
    withheld = (
        Withheld(contract_id, symbol, digest, tuple(dict.fromkeys(own)))
        for (symbol, contract_id, digest), own in sorted(reasons.items())
    )
    return entries[-1], tuple(withheld)


@dataclass(frozen=True, slots=True)
class Decision:
    """Person who decides, reason, and time of the decision."""

    who: str
    why: str
    at: datetime


def accept(
    place: ArchiveLocation, venue: str, contracts: Sequence[str], decision: Decision
) -> tuple[Acceptance, ...]:
    """Records that the withheld numbers of contracts are right; empty ``contracts`` mean all of them.

    A contract is named by its id or unified symbol. A decision is archived per snapshot that holds the
    numbers. A change that is accepted is what later snapshots are held against; an unknown field, or
    numbers of one row that contradict each other, is accepted in that snapshot alone. Raises
    RequestError: nobody or no reason named, or a contract that is not withheld; ArchiveError.
    """
    who, why = decision.who.strip(), decision.why.strip()
    if not who or not why:
        message = "missing name or reason; state both with --by and --reason"
        raise RequestError(message)
    _, withheld = withheld_contracts(place, venue)
    names = {name for own in withheld for name in (own.contract_id, own.symbol)}
    unknown = [name for name in contracts if name not in names]
    if unknown or not withheld:
        found = ", ".join(sorted({own.symbol for own in withheld})[:_MAX_NAMES]) or "none"
        problem = f"{', '.join(unknown)} is not withheld" if unknown else "no contract is withheld"
        message = f"{venue}: {problem}; withheld contracts: {found}"
        raise RequestError(message)
    by_snapshot: dict[str, set[str]] = {}
    for own in withheld:
        if not contracts or not {own.contract_id, own.symbol}.isdisjoint(contracts):
            by_snapshot.setdefault(own.snapshot, set()).add(own.contract_id)
    archive = Archive.open(place)
    times = {entry.digest: entry.observed_at for entry in archive.entries()}
    acceptances = tuple(
        Acceptance(venue, snapshot, times[snapshot], tuple(sorted(ids)), who, why, decision.at)
        for snapshot, ids in sorted(by_snapshot.items())
    )
    for acceptance in acceptances:
        archive.append(acceptance.as_snapshot())
    return acceptances


_MAX_NAMES = 8
