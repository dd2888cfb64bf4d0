"""States why the archives of a question have no schedules: they hold other data, or later ones."""

from harmonize.api.audit import open_sources
from harmonize.api.question import Question
from harmonize.archive.location import recorded_archive
from harmonize.core.payload import PRICES
from harmonize.history.acceptances import DECISIONS
from harmonize.policy.inputs import MARKET

_NO_VENUES = frozenset({DECISIONS, MARKET, PRICES})
"""Names under which archives hold other data than responses of venues."""


def without_schedules(question: Question) -> str:
    """Returns why no venue was observed by the date of a question, with the fix; empty if one was.

    Raises ArchiveError.
    """
    with recorded_archive() as path:
        sources = open_sources(question, path)
        names = "; otherwise ".join(source.name for source in sources)
        times = [
            entry.observed_at
            for source in sources
            for entry in source.entries
            if entry.venue not in _NO_VENUES and not entry.failed and not entry.pruned
        ]
    if not times:
        return f"the archive {names} holds no schedules; remove --archive to use the recorded ones, or run `harmonize fetch`"
    until = question.last_read
    if min(times) <= until:
        return ""
    return f"the archive {names} holds no schedule observed by {until:%Y-%m-%d}; use --as-of from {min(times):%Y-%m-%d} on"
