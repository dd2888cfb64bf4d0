"""Bequant futures: only the maximum leverage of each contract is public."""

from harmonize.core.payload import Snapshot
from venues.adapter import Parsed
from venues.engines import hitbtc_engine
from venues.facts import Facts


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Reads every contract. IM is 1 / maximum leverage, the lowest possible rate; MM is unknown."""
    return hitbtc_engine.parse("bequant", snapshot, facts)


ADAPTER = hitbtc_engine.build_adapter("bequant", "Bequant", "api.bequant.io", parse)
