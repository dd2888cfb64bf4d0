"""What came of gathering from a venue: a snapshot, a failure with its reason, or nothing asked."""

import json
from dataclasses import dataclass
from datetime import datetime

from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot

ATTEMPT = "gatheringFailed"
"""The call under which a failed attempt is archived; no venue has such a method."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A venue answered everything that its margins need; ``missing`` names market data it did not.

    ``requests`` counts the calls made, retries included; ``seconds`` is the time they took.
    """

    snapshot: Snapshot
    requests: int
    seconds: float
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A venue did not answer, or not wholly: why, and what it did answer if that is evidence."""

    venue: str
    at: datetime
    reason: str
    requests: int
    seconds: float
    heard: tuple[Payload, ...] = ()

    @property
    def snapshot(self) -> Snapshot:
        """The attempt as it is archived: the reason first, then what was heard."""
        said = json.dumps({"reason": self.reason}, ensure_ascii=False).encode()
        provenance = Provenance(Origin.ATTEMPT, "this tool", "clock of the gathering machine")
        told = Payload.of(self.venue, Call(ATTEMPT), self.at, provenance, said)
        return Snapshot(self.venue, self.at, (told, *self.heard), complete=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A venue that was not asked, and why: it needs a key, or it is closed."""

    venue: str
    reason: str


Outcome = Gathered | Failed | Skipped


def attempt(snapshot: Snapshot) -> str | None:
    """Read why gathering a snapshot failed; None when it is no failed attempt."""
    for payload in snapshot.payloads:
        if payload.provenance.origin is Origin.ATTEMPT:
            return str(json.loads(payload.content)["reason"])
    return None
