"""Runs before a night: their records, and the findings of the preceding one."""

import gzip
import zlib
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass

from harmonize.audit import baseline
from harmonize.audit.baseline import Baseline, BaselineError
from harmonize.document.night import Night
from harmonize.nightly.site import Site, night_order

NIGHTS_SHOWN = 30
"""Number of nights on the page of changes and in the feed."""


@dataclass(frozen=True, slots=True)
class EarlierRuns:
    """Runs before a night; the first of ``nights`` is the preceding one.

    ``findings`` are those of the preceding run, or of the newest readable one; None on the first night.
    ``error`` states what cannot be read; empty if everything can.
    """

    nights: tuple[Night, ...]
    findings: Baseline | None
    error: str

    @property
    def previous(self) -> Night | None:
        """The preceding run; None on the first night."""
        return self.nights[0] if self.nights else None


def earlier_runs(site: Site, name: str, venues: AbstractSet[str]) -> EarlierRuns:
    """Returns the runs of ``venues`` before the night ``name``. Raises SiteError."""
    nights = _earlier_nights(site, name, venues)
    return EarlierRuns(tuple(nights), *_findings(site, nights))


def read_nights(site: Site, names: Sequence[str]) -> list[Night]:
    """Returns the records of nights, newest first; unreadable ones are excluded."""
    nights = (site.night(name) for name in reversed(names))
    return [night for night in nights if night is not None]


def _earlier_nights(site: Site, name: str, venues: AbstractSet[str]) -> list[Night]:
    """Returns some nights before this one; the first is the night with the highest sequence.

    The clock may have been wrong, so the nights with the newest names are read as well as those named
    before this one. If two nights have the same sequence, one named before this night comes first.
    Nights without one of ``venues`` are excluded.
    """
    names = [other for other in site.nights() if other != name]
    before = [other for other in names if night_order(other) < night_order(name)]
    recent = sorted({*names[-NIGHTS_SHOWN:], *before[-NIGHTS_SHOWN:]}, key=night_order)
    complete = [
        night
        for night in read_nights(site, recent)
        if venues <= {row.venue for row in night.venues}
    ]
    return sorted(complete, key=lambda night: _before_key(night, name), reverse=True)


def _before_key(night: Night, name: str) -> tuple[int, bool, tuple[str, int]]:
    order = night_order(night.night)
    return night.sequence, order < night_order(name), order


def _findings(site: Site, earlier: Sequence[Night]) -> tuple[Baseline | None, str]:
    """Returns the findings of the previous run, and an error if they cannot be read.

    In that case the findings of the newest readable run take their place. None on the first night,
    when no finding is new.
    """
    for night in earlier:
        content = site.read(f"nights/{night.night}/baseline.json.gz")
        if content is None:
            continue
        with suppress(OSError, EOFError, zlib.error, BaselineError):
            reference = baseline.read(gzip.decompress(content), f"the night of {night.night}")
            if night is earlier[0]:
                return reference, ""
            unreadable = f"the findings of the night of {earlier[0].night} cannot be read"
            return (
                reference,
                f"{unreadable}; new findings are relative to the night of {night.night}",
            )
    unreadable = "no findings of an earlier night can be read; new findings are unknown"
    return None, unreadable if earlier else ""
