"""Open interest that a question can use: that of the archive that it names, then the recorded one."""

from collections.abc import Collection

from harmonize.api.audit import open_sources
from harmonize.api.question import Question
from harmonize.archive.location import recorded_archive
from harmonize.market.points import PointSeries, Quantity
from harmonize.market.points_source import read_point_sources


def read_open_interest(
    question: Question, underlyings: Collection[str]
) -> tuple[tuple[PointSeries, ...], tuple[str, ...]]:
    """Returns the archived open interest on underlyings, and what cannot be read.

    Values observed after the date of a question are included: whoever uses them excludes these. Raises
    ArchiveError.
    """

    def is_wanted(call: dict[str, str]) -> bool:
        is_interest = call.get("quantity") == Quantity.OPEN_INTEREST
        return is_interest and call.get("underlying") in underlyings

    with recorded_archive() as path:
        sources = [(source.archive, source.entries) for source in open_sources(question, path)]
        series, defects = read_point_sources(sources, is_wanted)
    return series, tuple(map(str, defects))
