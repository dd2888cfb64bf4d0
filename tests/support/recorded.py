"""The recorded archive, read once for all tests."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
from _pytest.mark.structures import ParameterSet

from harmonize.api.audit import AdequacyScope, Answer, Question, answer
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import latest
from harmonize.archive.location import recorded_archive
from harmonize.core.payload import PRICES, Snapshot
from harmonize.core.schedule import MarginSchedule
from harmonize.document import AuditDocument
from harmonize.policy.inputs import MARKET
from tests.support.sample_stress import stress
from venues import facts, registry

STRESSED_VENUES = ("binance", "bybit", "okx", "hyperliquid", "krakenfutures", "dydx", "bitget")


@cache
def snapshots() -> tuple[Snapshot, ...]:
    """Every snapshot of a venue in the recorded archive, in the order archived."""
    with recorded_archive() as path:
        archive = Archive.open(path)
        entries = (e for e in archive.entries() if e.venue not in {MARKET, PRICES})
        return tuple(archive.read(entry) for entry in entries)


DATED_CASES = 4
"""How many dated snapshots of one venue a test reads where it reads a sample."""


def cases(snapshots: Sequence[Snapshot]) -> list[ParameterSet]:
    """Returns snapshots as test cases; of a venue with a long history, a sample unless ``--whole``."""
    counts = Counter(snapshot.venue for snapshot in snapshots)
    return [
        pytest.param(
            snapshot,
            id=snapshot.venue,
            marks=[pytest.mark.sample(DATED_CASES)] if counts[snapshot.venue] > DATED_CASES else (),
        )
        for snapshot in snapshots
    ]


@cache
def of_venue(venue: str) -> tuple[Snapshot, ...]:
    """A venue's snapshots as an audit reads them, newest first."""
    with recorded_archive() as path:
        archive = Archive.open(path)
        return tuple(
            archive.read(entry) for entry in latest(archive.entries(), None).get(venue, ())
        )


@cache
def schedules(venue: str) -> tuple[MarginSchedule, ...]:
    """A venue's schedules as an audit sees them."""
    return registry.parse(of_venue(venue), facts.bundled()).schedules


def schedule(venue: str, symbol: str, profile: str = "") -> MarginSchedule:
    """One schedule by symbol, and profile where the symbol has several."""
    found = [
        one
        for one in schedules(venue)
        if one.instrument.symbol == symbol and profile in {"", str(one.profile)}
    ]
    assert len(found) == 1, (venue, symbol, [str(one.profile) for one in found])
    return found[0]


@cache
def reported() -> Answer:
    """The same as a report needs it, with further sizes and margins over time."""
    return answer(Question().for_report())


@cache
def audited() -> Answer:
    """The audit of the whole recorded archive against every bundled rule set."""
    return answer(Question())


@cache
def judged() -> Answer:
    """The same as a report has it, with margins tested against past prices."""
    question = Question().for_report()
    options = replace(question.options, adequacy=AdequacyScope.VERDICTS)
    return answer(replace(question, options=options))


@cache
def stressed() -> AuditDocument:
    """The same with a synthetic stress of real venues and rule sets, which takes no minute."""
    document = judged().document
    rule_sets = [rule_set.id for rule_set in document.rule_sets]
    rows = tuple(stress(name, STRESSED_VENUES, rule_sets) for name in ("BTC", "ETH"))
    return replace(document, stress=rows)
