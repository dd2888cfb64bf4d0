"""FMFW.io futures: only the largest leverage of each contract is public."""

from harmonize.core.payload import Snapshot
from venues.adapter import Parsed
from venues.engines import hitbtc_engine
from venues.facts import Facts


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read every contract; IM is the least under its largest leverage."""
    return hitbtc_engine.parse("fmfwio", snapshot, facts)


ADAPTER = hitbtc_engine.adapter("fmfwio", "FMFW.io", "api.fmfw.io", parse)
