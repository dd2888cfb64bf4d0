"""Gathers market data for the fetch and run commands, and prints what each venue gave."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harmonize.cli.console import INCOMPLETE, OK, STOPPED, USAGE, fail, print_text
from harmonize.text.messages import counted
from harmonize.text.sanitize import one_line

if TYPE_CHECKING:
    from harmonize.api.gather import GatherRequest
    from harmonize.api.market_data import MarketOutcome
    from venues.gathering.market_series import MissingSeries

_MAX_NAMES = 3


def gather_or_fail(
    gather_request: "GatherRequest", underlyings: Sequence[str], since: datetime | None
) -> int:
    """Gathers market data, prints a table, and returns the exit code: 3 if a venue failed.

    What a venue does not offer is stated and no failure. An archive error ends the program.
    """
    from harmonize.api.gather import GatheringError
    from harmonize.archive.archive import ArchiveError

    try:
        outcomes = _gather(gather_request, underlyings, since)
    except GatheringError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    except KeyboardInterrupt:
        fail("interrupted; the market data gathered so far is archived", STOPPED)
    print_text(table(outcomes))
    return INCOMPLETE if any(outcome.failure for outcome in outcomes) else OK


def gather(
    gather_request: "GatherRequest", underlyings: Sequence[str], since: datetime | None
) -> str:
    """Gathers market data and returns its table. Raises GatheringError, ArchiveError."""
    return table(_gather(gather_request, underlyings, since))


def _gather(
    gather_request: "GatherRequest", underlyings: Sequence[str], since: datetime | None
) -> "tuple[MarketOutcome, ...]":
    from harmonize.api.market_data import gather_into_archive

    begin = since.replace(tzinfo=UTC) if since else None
    return gather_into_archive(gather_request, underlyings, begin)


def table(outcomes: "Sequence[MarketOutcome]") -> str:
    """Returns a line per venue, and below it a line per reason for what is missing."""
    lines = [f"{'market data':<22} {'status':<9} {'calls':>6} {'seconds':>8}  detail\n"]
    for outcome in outcomes:
        status = "gathered" if outcome.requests else "not asked"
        if outcome.failure and not outcome.series:
            status = "failed"
        lines.append(
            f"{outcome.venue:<22} {status:<9} {outcome.requests:>6,} {outcome.seconds:>8.1f}  "
            f"{one_line(_detail(outcome))}\n"
        )
        lines += [f"{'':<22}   {one_line(line)}\n" for line in _reasons(outcome.missing)]
    return "".join(lines)


def _detail(outcome: "MarketOutcome") -> str:
    detail = counted(outcome.series, "series", "series")
    if outcome.unfinished:
        detail += f"; {counted(outcome.unfinished, 'unfinished candle')} excluded"
    return f"{detail}; incomplete: {outcome.failure}" if outcome.failure else detail


def _reasons(missing: "Sequence[MissingSeries]") -> list[str]:
    """Returns a line per reason: the number of series, the reason, and the first of them."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for item in missing:
        by_reason[item.reason].append(item.what)
    lines = []
    for reason, names in sorted(by_reason.items(), key=lambda group: (-len(group[1]), group[0])):
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        lines.append(f"without {', '.join(names[:_MAX_NAMES])}{more}: {reason}")
    return lines
