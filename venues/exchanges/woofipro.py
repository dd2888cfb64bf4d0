"""WOOFi Pro on Orderly: rates that rise with the 4/5 power of notional."""

from harmonize.core.payload import Snapshot
from venues.adapter import Parsed
from venues.engines import orderly
from venues.facts import Facts


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every perpetual by Orderly's formula."""
    return orderly.parse("woofipro", snapshot, facts)


ADAPTER = orderly.build_adapter("woofipro", "WOOFi Pro", parse)
