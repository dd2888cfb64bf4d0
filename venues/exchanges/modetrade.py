"""Mode Trade on Orderly: rates that rise with the 4/5 power of notional."""

from harmonize.core.payload import Snapshot
from venues.adapter import Parsed
from venues.engines import orderly
from venues.facts import Facts


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every perpetual by Orderly's formula."""
    return orderly.parse("modetrade", snapshot, facts)


ADAPTER = orderly.build_adapter("modetrade", "Mode Trade", parse)
