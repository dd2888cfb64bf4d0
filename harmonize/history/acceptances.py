"""Acceptances: a person's decision that numbers which the checks withheld are right."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot

DECISIONS = "decisions"
"""Name under which decisions are archived in place of a venue."""

_METHOD = "acceptance"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Decision about one snapshot of a venue, named by the digest of its manifest.

    ``contracts`` are the venue's ids of the contracts accepted. ``who`` made the decision and ``why``.
    """

    venue: str
    snapshot: str
    contracts: tuple[str, ...]
    who: str
    why: str
    at: datetime

    def as_snapshot(self) -> Snapshot:
        """Returns the decision for the archive, dated by its time."""
        row = asdict(self) | {"at": self.at.astimezone(UTC).isoformat()}
        content = f"{json.dumps(row, ensure_ascii=False, indent=1)}\n".encode()
        provenance = Provenance(Origin.NOTE, "this tool", "clock of the deciding machine")
        payload = Payload.of(DECISIONS, Call(_METHOD), self.at, provenance, content)
        return Snapshot(DECISIONS, self.at, (payload,), complete=False)


Accepted = Mapping[str, Mapping[str, str]]
"""By digest of the snapshot: who accepted a contract, when and why, by its id."""


def accepted_contracts(archive: Archive, entries: Iterable[Entry]) -> Accepted:
    """Returns the contracts that decisions among ``entries`` accept. Raises ArchiveError."""
    accepted: dict[str, dict[str, str]] = {}
    for decision in decisions(archive, entries):
        note = f"accepted by {decision.who} on {decision.at:%Y-%m-%d}: {decision.why}"
        accepted.setdefault(decision.snapshot, {}).update(dict.fromkeys(decision.contracts, note))
    return accepted


def decisions(archive: Archive, entries: Iterable[Entry]) -> Sequence[Acceptance]:
    """Returns the decisions among ``entries`` in their order.

    Raises ArchiveError: a decision cannot be read, so that nothing can be said of what it accepts.
    """
    own = [entry for entry in entries if entry.venue == DECISIONS and not entry.pruned]
    return [
        _decision(payload, archive)
        for entry in sorted(own, key=lambda entry: entry.sequence)
        for payload in archive.read(entry).answers(_METHOD)
    ]


def _decision(payload: Payload, archive: Archive) -> Acceptance:
    try:
        row = json.loads(payload.content)
        return Acceptance(
            str(row["venue"]),
            str(row["snapshot"]),
            tuple(map(str, row["contracts"])),
            str(row["who"]),
            str(row["why"]),
            datetime.fromisoformat(row["at"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        problem = f"a decision of {payload.observed_at:%Y-%m-%d} cannot be read: {error}"
        raise ArchiveError(archive.place, problem) from error
