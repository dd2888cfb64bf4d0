"""What is known of a venue after some of its archive entries, and checkpoints of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from harmonize.archive.archive import Archive
from harmonize.archive.catalog import Entry, latest
from harmonize.archive.location import recorded_archive
from harmonize.core.payload import Defect, Snapshot
from harmonize.history.price_witness import Confirms
from harmonize.history.recent import ScheduleKey
from venues import facts, registry
from venues.adapter import Parsed
from venues.beliefs import Beliefs
from venues.plausibility import References, without_margins
from venues.published import Published

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class Withheld:
    """Schedule that the checks withhold: the digest of the entry that holds it, and the defect."""

    digest: str
    defect: Defect


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What an entry alone does not tell of the state after it.

    ``beliefs`` are numbers of schedules that the entry withholds or cannot read, as last believed.
    """

    beliefs: tuple[tuple[ScheduleKey, Published], ...]
    withheld: tuple[tuple[ScheduleKey, Withheld], ...]

    def to_json(self) -> str:
        """Returns the checkpoint as JSON; empty if the entry tells everything."""
        if not self.beliefs and not self.withheld:
            return ""
        return _adapter().dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "Checkpoint":
        """Reads ``to_json``."""
        return _adapter().validate_json(text) if text else cls((), ())


@cache
def _adapter() -> "TypeAdapter[Checkpoint]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and few checkpoints hold anything

    return TypeAdapter(Checkpoint)


@dataclass(frozen=True, slots=True)
class VenueState:
    """State of a venue after some of its entries.

    ``layers`` are the parsed snapshots since the last complete one, newest first, and ``is_whole``
    whether they end with it. ``fault`` is the reason why one of them cannot be read; the others stay.
    """

    layers: tuple[Parsed, ...] = ()
    is_whole: bool = False
    beliefs: Beliefs = field(default_factory=Beliefs)
    withheld: Mapping[ScheduleKey, Withheld] = field(default_factory=dict)
    fault: str = ""

    @classmethod
    def resumed(cls, snapshot: Snapshot, checkpoint: Checkpoint) -> "VenueState":
        """Returns the state after a complete entry, from its snapshot and its checkpoint."""
        parsed = registry.read(snapshot, facts.bundled())
        withheld = dict(checkpoint.withheld)
        believed = [s for s in parsed.schedules if s.key not in withheld]
        beliefs = (
            Beliefs().with_recording(snapshot, believed).with_numbers(dict(checkpoint.beliefs))
        )
        schedules = tuple(
            without_margins(s, f"{own.defect.where}: {own.defect.reason}")
            if (own := withheld.get(s.key))
            else s
            for s in parsed.schedules
        )
        defects = (*parsed.defects, *(own.defect for own in withheld.values()))
        layer = replace(parsed, schedules=schedules, defects=defects)
        return cls((layer,), True, beliefs, withheld)  # noqa: FBT003 - is_whole

    def after(
        self, entry: Entry, snapshot: Snapshot, accepted: Mapping[str, str], confirms: Confirms
    ) -> "VenueState":
        """Returns the state after an entry of which a person accepted some contracts."""
        recorded = partial(recorded_beliefs, snapshot.venue)
        references = References(self.beliefs, recorded, confirms)
        result = registry.screened(snapshot, facts.bundled(), references, accepted)
        parsed = result.parsed
        keys = {schedule.key for schedule in parsed.schedules}
        withheld = {key: Withheld(entry.digest, own) for key, own in result.withheld.items()}
        if not snapshot.complete:
            older = {key: own for key, own in self.withheld.items() if key not in keys}
            return replace(
                self,
                layers=(parsed, *self.layers),
                beliefs=result.beliefs,
                withheld=older | withheld,
            )
        beliefs = result.beliefs.listed(keys, {defect.symbol for defect in parsed.defects})
        return VenueState((parsed,), True, beliefs, withheld)  # noqa: FBT003 - is_whole

    @property
    def newest_contracts(self) -> frozenset[str]:
        """Symbols of the contracts in the newest entry itself."""
        return frozenset(schedule.instrument.symbol for schedule in self.layers[0].schedules)

    def merged(self) -> Parsed:
        """Returns what the layers show together."""
        return registry.merge(self.layers)

    def checkpoint(self) -> Checkpoint:
        """Returns what the newest entry, a complete one, does not tell of this state."""
        keys = {schedule.key for layer in self.layers for schedule in layer.schedules}
        older = self.beliefs.keys - (keys - self.withheld.keys())
        numbers = self.beliefs.all_numbers() if older else {}
        return Checkpoint(
            tuple((key, numbers[key]) for key in sorted(older)),
            tuple(sorted(self.withheld.items(), key=lambda item: item[0])),
        )


@cache
def recorded_beliefs(venue: str) -> Beliefs:
    """Numbers of a venue in the recorded archive, against which its first night is held.

    Without capacities: a recording may end at an earlier tier than the venue's list of today.
    """
    beliefs = Beliefs()
    with recorded_archive() as path:
        archive = Archive.open(path)
        for entry in reversed(latest(archive.entries()).get(venue, ())):
            snapshot = archive.read(entry)
            parsed = registry.read(snapshot, facts.bundled())
            beliefs = beliefs.with_recording(snapshot, parsed.schedules)
    numbers = beliefs.all_numbers()
    return Beliefs({key: replace(own, capacity=None) for key, own in numbers.items()})
