"""Outcomes of gathering a venue: a snapshot, a failure with its reason, or a skipped venue."""

import json
from dataclasses import dataclass
from datetime import datetime

from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot

ATTEMPT = "gatheringFailed"
"""Call name under which a failed attempt is archived; not a method of any venue."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A venue that served all required endpoints; ``missing`` names the market data it did not.

    ``requests`` is the number of requests including retries; ``seconds`` is their duration.
    """

    snapshot: Snapshot
    requests: int
    seconds: float
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A venue with a missing or incomplete response: the reason, and the payloads received."""

    venue: str
    at: datetime
    reason: str
    requests: int
    seconds: float
    payloads: tuple[Payload, ...] = ()

    @property
    def snapshot(self) -> Snapshot:
        """The attempt as archived: a payload with the reason, then the payloads received."""
        content = json.dumps({"reason": self.reason}, ensure_ascii=False).encode()
        provenance = Provenance(Origin.ATTEMPT, "this tool", "clock of the gathering machine")
        record = Payload.of(self.venue, Call(ATTEMPT), self.at, provenance, content)
        return Snapshot(self.venue, self.at, (record, *self.payloads), complete=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A venue that was not called, with the reason: it requires a key, or it is closed."""

    venue: str
    reason: str


Outcome = Gathered | Failed | Skipped


def failure_reason(snapshot: Snapshot) -> str | None:
    """Reason of a failed attempt; None if the snapshot is not a failed attempt."""
    for payload in snapshot.payloads:
        if payload.provenance.origin is Origin.ATTEMPT:
            return str(json.loads(payload.content)["reason"])
    return None
