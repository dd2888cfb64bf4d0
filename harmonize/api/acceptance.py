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
    """Contract whose numbers the checks withhold: the venue's id, unified symbol, and reasons."""

    contract_id: str
    symbol: str
    reasons: tuple[str, ...]


def withheld_contracts(place: ArchiveLocation, venue: str) -> tuple[Entry, tuple[Withheld, ...]]:
    """Returns a venue's newest snapshot and the contracts that it withholds, by symbol.

    Raises RequestError: an unknown venue, or no snapshot of it; ArchiveError.
    """
    if message := unknown_venue_error((venue,)):
        raise RequestError(message)
    source = Source.of(Archive.open(place), str(place))
    entries = [e for e in observations(source.entries, venue) if not e.pruned]
    if not entries:
        message = f"the archive {place} has no snapshot of {venue}; run `harmonize fetch` first"
        raise RequestError(message)
    observation = derived.observation(source, entries[-1])
    if observation is None:
        message = f"the newest snapshot of {venue} cannot be read; run `harmonize archive verify`"
        raise RequestError(message)
    reasons: dict[tuple[str, str], list[str]] = {}
    for schedule in observation.parsed.schedules:
        if schedule.key in observation.withheld:
            contract_id = schedule.instrument.id
            own = reasons.setdefault((schedule.instrument.symbol, contract_id), [])
            own += [d.reason for d in observation.parsed.defects if d.symbol == contract_id]
    withheld = (
        Withheld(contract_id, symbol, tuple(dict.fromkeys(own)))
        for (symbol, contract_id), own in sorted(reasons.items())
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
) -> Acceptance:
    """Records that the withheld numbers of contracts are right; empty ``contracts`` mean all of them.

    A contract is named by its id or unified symbol. The decision holds for the venue's newest snapshot
    and, as the next ones are held against it, from then on. Raises RequestError: nobody or no reason
    named, or a contract that is not withheld; ArchiveError.
    """
    who, why = decision.who.strip(), decision.why.strip()
    if not who or not why:
        message = "missing name or reason; state both with --by and --reason"
        raise RequestError(message)
    entry, withheld = withheld_contracts(place, venue)
    names = {name: own.contract_id for own in withheld for name in (own.contract_id, own.symbol)}
    unknown = [name for name in contracts if name not in names]
    if unknown or not withheld:
        found = ", ".join(sorted({own.symbol for own in withheld})[:_MAX_NAMES]) or "none"
        subject = ", ".join(unknown) or "no contract"
        message = f"{venue}: {subject} is withheld; withheld contracts: {found}"
        raise RequestError(message if not unknown else message.replace(" is ", " is not ", 1))
    ids = sorted({names[name] for name in contracts} or {own.contract_id for own in withheld})
    acceptance = Acceptance(venue, entry.digest, tuple(ids), who, why, decision.at)
    Archive.open(place).append(acceptance.as_snapshot())
    return acceptance


_MAX_NAMES = 8
