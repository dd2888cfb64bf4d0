"""Published numbers behind a margin at one notional, each with its payload and its pointer there."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harmonize.core.payload import Evidence, Payload, decode, resolve
from harmonize.core.schedule import MarginSchedule
from harmonize.text.messages import iso_utc


@dataclass(frozen=True, slots=True)
class MarginSource:
    """Published number, its unit, and its place: SHA-256 of the payload and JSON pointer there.

    A list of numbers is in JSON.

    ``call`` is the request that the payload answers, ``source`` where the payload was obtained.
    """

    quantity: str
    published: str
    unit: str
    sha256: str
    pointer: str
    call: str
    source: str
    observed_at: str


@dataclass(frozen=True, slots=True)
class PayloadReader:
    """Payloads by hash; each is decoded once."""

    payloads: Mapping[str, Payload]
    documents: dict[str, object] = field(default_factory=dict)

    def sources(self, schedule: MarginSchedule, notional: float) -> tuple[MarginSource, ...]:
        """Returns the numbers of the tier that contains a position of ``notional`` USD.

        They include the numbers that convert its bounds into USD. A formula has one row of numbers,
        which apply to every size.
        """
        found = (
            source
            for evidence in schedule.evidence
            for source in (
                *self._of_tier(evidence, _rows(schedule, evidence, notional)),
                *self._of_conversion(evidence),
            )
        )
        by_place = {(source.sha256, source.pointer): source for source in found}
        return tuple(by_place.values())

    def _of_tier(self, evidence: Evidence, rows: tuple[str, ...]) -> Iterator[MarginSource]:
        for row in rows:
            for column in evidence.columns:
                pointer = f"{row}{column.key}"
                try:
                    published = resolve(self._document(evidence.sha256), pointer)
                except KeyError:  # the venue leaves the number out of this row
                    continue
                yield self._source(
                    column.quantity, published, column.unit, evidence.sha256, pointer
                )

    def _of_conversion(self, evidence: Evidence) -> Iterator[MarginSource]:
        for factor in evidence.conversion.factors if evidence.conversion else ():
            place = (factor.sha256, factor.pointer)
            yield self._source(factor.name, factor.value, factor.unit, *place)

    def _document(self, sha256: str) -> object:
        if sha256 not in self.documents:
            self.documents[sha256] = decode(self.payloads[sha256])
        return self.documents[sha256]

    def _source(
        self, quantity: str, published: object, unit: str, sha256: str, pointer: str
    ) -> MarginSource:
        payload = self.payloads.get(sha256)
        return MarginSource(
            quantity,
            _text(published),
            unit,
            sha256,
            pointer,
            str(payload.call) if payload else "",
            payload.provenance.source if payload else "",
            iso_utc(payload.observed_at) if payload else "",
        )


def _text(published: object) -> str:
    """Returns a number with the digits that the payload has, and a list of numbers as JSON."""
    is_list = isinstance(published, list | dict)
    return json.dumps(published, default=str) if is_list else str(published)


def _rows(schedule: MarginSchedule, evidence: Evidence, notional: float) -> tuple[str, ...]:
    """Returns the pointer of the row of the tier; all rows if they are not one per tier."""
    if len(evidence.rows) != len(schedule.tiers):
        return evidence.rows
    uppers = (float(tier.upper) for tier in schedule.tiers)
    place = next((place for place, upper in enumerate(uppers) if notional <= upper), -1)
    return (evidence.rows[place],)
