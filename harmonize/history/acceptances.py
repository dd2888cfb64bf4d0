"""Acceptances: a person's decision that numbers which the checks withheld are right."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.core.payload import Call, Defect, Origin, Payload, Provenance, Snapshot

DECISIONS = "decisions"
"""Name under which decisions are archived in place of a venue."""

_METHOD = "acceptance"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Decision about one snapshot of a venue: the digest of its manifest and its observation time.

    ``contracts`` are the venue's ids of the contracts accepted. ``who`` made the decision and ``why``.
    """

    venue: str
    snapshot: str
    observed_at: datetime
    contracts: tuple[str, ...]
    who: str
    why: str
    at: datetime

    def as_snapshot(self) -> Snapshot:
        """Returns the decision for the archive, dated by its time."""
        times = {"at": self.at, "observed_at": self.observed_at}
        row = asdict(self) | {key: at.astimezone(UTC).isoformat() for key, at in times.items()}
        content = f"{json.dumps(row, ensure_ascii=False, indent=1)}\n".encode()
        provenance = Provenance(Origin.NOTE, "this tool", "clock of the deciding machine")
        payload = Payload.of(DECISIONS, Call(_METHOD), self.at, provenance, content)
        return Snapshot(DECISIONS, self.at, (payload,), complete=False)


Accepted = Mapping[str, Mapping[str, str]]
"""By digest of the snapshot: who accepted a contract, when and why, by its id."""


def accepted_contracts(archive: Archive, entries: Sequence[Entry]) -> Accepted:
    """Returns the contracts that decisions among ``entries`` accept.

    A snapshot that was imported from another archive has another digest there; it is recognised by
    venue and time. A decision that cannot be read accepts nothing (see ``unreadable_decisions``).
    """
    accepted: dict[str, dict[str, str]] = {}
    for decision in _decisions(archive, entries)[0]:
        note = f"accepted by {decision.who} on {decision.at:%Y-%m-%d}: {decision.why}"
        for digest in {decision.snapshot, *_same_snapshots(decision, entries)}:
            accepted.setdefault(digest, {}).update(dict.fromkeys(decision.contracts, note))
    return accepted


def _same_snapshots(decision: Acceptance, entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        if (entry.venue, entry.observed_at) == (decision.venue, decision.observed_at):
            yield entry.digest


def decisions(archive: Archive, entries: Iterable[Entry]) -> Sequence[Acceptance]:
    """Returns the readable decisions among ``entries`` in their order."""
    return _decisions(archive, entries)[0]


def unreadable_decisions(archive: Archive, entries: Iterable[Entry]) -> Sequence[Defect]:
    """Returns a defect per decision among ``entries`` that cannot be read."""
    return _decisions(archive, entries)[1]


def _decisions(
    archive: Archive, entries: Iterable[Entry]
) -> tuple[Sequence[Acceptance], Sequence[Defect]]:
    made, broken = [], []
    own = [entry for entry in entries if entry.venue == DECISIONS and not entry.pruned]
    for entry in sorted(own, key=lambda entry: entry.sequence):
        try:
            made += [_decision(payload) for payload in archive.read(entry).answers(_METHOD)]
        except (ArchiveError, ValueError, KeyError, TypeError) as error:
            reason = f"a decision cannot be read and accepts nothing: {error}"
            broken.append(Defect(DECISIONS, f"snapshot {entry.sequence}", reason))
    return made, broken


def _decision(payload: Payload) -> Acceptance:
    """Reads a decision. Raises ValueError, KeyError, TypeError: not written by ``as_snapshot``."""
    row = json.loads(payload.content)
    return Acceptance(
        str(row["venue"]),
        str(row["snapshot"]),
        datetime.fromisoformat(row["observed_at"]),
        tuple(map(str, row["contracts"])),
        str(row["who"]),
        str(row["why"]),
        datetime.fromisoformat(row["at"]),
    )
