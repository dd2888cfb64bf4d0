"""An audit and a report of 20,000 schedules: a night of all venues, nine times the recorded archive.

Run: ``python -m tests.bench.growth``. The schedules are recorded ones, under the names of 50 venues.
"""

import gc
import resource
import sys
import time
from dataclasses import replace

from harmonize.api.audit import Question, load_rule_sets, read_with_history
from harmonize.audit.assemble import AuditOptions, Reading, VenueProperties, audit
from harmonize.core.schedule import MarginSchedule
from harmonize.document import to_json
from reports.registry import report_files
from venues import conventions

VENUES, UNDERLYINGS = 50, 400
GOALS = {"audit, CPU s": 6.0, "audit, peak MB": 600.0, "JSON, MB": 40.0, "report, CPU s": 60.0}


def grown(reading: Reading) -> Reading:
    """Returns 50 venues that each list the 400 underlyings of most recorded schedules.

    A venue has, in turn, the recorded schedules of an underlying: tables, dates and evidence are real.
    """
    by_underlying: dict[str, list[MarginSchedule]] = {}
    for schedule in reading.schedules:
        by_underlying.setdefault(schedule.instrument.underlying.asset, []).append(schedule)
    common = sorted(by_underlying, key=lambda asset: (-len(by_underlying[asset]), asset))
    schedules = tuple(
        _listed(f"venue{venue:02}", asset, by_underlying[asset][venue % len(by_underlying[asset])])
        for venue in range(VENUES)
        for asset in common[:UNDERLYINGS]
    )
    return replace(reading, schedules=schedules)


def _listed(venue: str, asset: str, schedule: MarginSchedule) -> MarginSchedule:
    """Returns a schedule as that of the perpetual contract of another venue."""
    symbol = f"{asset}/USDT:USDT"
    instrument = replace(schedule.instrument, venue=venue, symbol=symbol, expiry=None)
    return replace(schedule, instrument=instrument)


def main() -> int:
    """Print what was measured, and 1 if a goal is missed."""
    recorded, as_of = read_with_history(Question())
    reading = grown(recorded)
    rule_sets = load_rule_sets(())
    properties = VenueProperties(conventions.bundled())
    gc.disable()  # as in every command: values are immutable, without cycles
    began = time.process_time()
    document = audit(reading, rule_sets, AuditOptions(as_of), properties)
    measured = {"audit, CPU s": time.process_time() - began}
    measured["audit, peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    measured["JSON, MB"] = len(to_json(document)) / 1e6
    began = time.process_time()
    files = sum(1 for _ in report_files(document))
    measured["report, CPU s"] = time.process_time() - began
    _say(
        f"{len(document.schedules):,} schedules, {len(document.findings):,} findings, "
        f"{len(document.divergences):,} divergences, {files:,} files of the report"
    )
    for name, value in measured.items():
        verdict = "met" if value <= GOALS[name] else "missed"
        _say(f"{name:<20}{value:>10.1f} (goal {GOALS[name]:,.0f}): {verdict}")
    return int(any(value > GOALS[name] for name, value in measured.items()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
