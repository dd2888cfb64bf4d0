"""Rankings of venues as text for a terminal, and as tables for spreadsheets."""

from collections.abc import Iterable, Iterator, Sequence

from harmonize.api.compare import VenueComparison
from harmonize.comparison.ranking import RankedVenue, Standing, UnrankedVenue
from harmonize.document import Verdict
from harmonize.document.history import MarginSince
from harmonize.text import numbers
from harmonize.text.messages import counted, dollars, observation_day, observation_span
from harmonize.text.sanitize import one_line
from harmonize.text.words import VERIFIED_SIGNS, margin_abbreviation, margin_name

Cells = tuple[str, ...]

_SOURCES = {
    "primary": "primary source",
    "secondary": "secondary source",
    "derived": "derived from stated inputs",
    "unverified": "unverified source",
}
"""Words for each level of source verification."""


def comparison_text(answer: VenueComparison) -> str:
    """Returns the extremes in a sentence, the ranked venues, and those without a rank."""
    lines = [*_heading(answer), ""]
    own: Cells = ("rank", "venue", "contract", margin_abbreviation(answer.margin_type), "rate")
    heads: Cells = (*own, "leverage", *(rule.id for rule in answer.rule_sets))
    rows = [_cells(venue) for venue in answer.venues]
    lines += aligned((*heads, "since", "observed", "marks"), rows, right={3, 4, 5})
    lines += _legend(answer)
    if answer.excluded:
        lines += ["", f"without a rank: {counted(len(answer.excluded), 'venue')}"]
        lines += aligned(
            ("venue", "contract", margin_abbreviation(answer.margin_type), "observed", "reason"),
            [_excluded(x) for x in answer.excluded],
            right={2},
        )
    return "".join(f"{one_line(line)}\n" for line in lines)


def _heading(answer: VenueComparison) -> Iterator[str]:
    yield f"as of {answer.as_of[:10]}, read from {answer.archive}"
    name = margin_name(answer.margin_type)
    yield (
        f"{answer.underlying} {name} of a position of {numbers.usd(answer.notional)}, "
        f"{counted(len(answer.venues), 'venue')} ranked"
        f"{', observed ' if answer.venues else ''}"
        f"{observation_span(answer.oldest, answer.newest) if answer.venues else ''}"
    )
    if not answer.venues:
        return
    lowest, highest = answer.venues[0], answer.venues[-1]
    names = ", ".join(venue.venue for venue in answer.venues if venue.rank == 1)
    yield (
        f"lowest: {names}, {_margin(lowest)}, observed {_observed(answer, 1)}, "
        f"since {since_text(lowest.since)}"
    )
    if highest.margin > lowest.margin:
        factor = numbers.times(highest.margin / lowest.margin) if lowest.margin else ""
        less = f"{dollars(highest.margin - lowest.margin)} more"
        names = ", ".join(venue.venue for venue in answer.venues if venue.rank == highest.rank)
        yield (
            f"highest: {names}, {_margin(highest)}, observed {_observed(answer, highest.rank)}, "
            f"{less}{f', {factor}' if factor else ''}"
        )
    for standing in lowest.standings:
        yield f"lowest against {standing.rule_set}: {_sentence(standing)}"


def _observed(answer: VenueComparison, rank: int) -> str:
    """Returns the days of observation of the venues with one rank."""
    days = (
        observation_day(venue.observed_at, venue.observed_from, venue.date_kind)
        for venue in answer.venues
        if venue.rank == rank
    )
    return ", ".join(dict.fromkeys(days))


def _margin(venue: RankedVenue) -> str:
    leverage = numbers.precise_leverage(venue.leverage)
    return f"{dollars(venue.margin)} ({numbers.rate(venue.rate)}, {leverage})"


def _sentence(standing: Standing) -> str:
    if standing.required is None:
        return f"{standing.verdict.value}: {standing.reason}"
    source = f" ({_SOURCES.get(standing.verified, standing.verified)})" if standing.verified else ""
    tolerance = f", {_tolerance(standing)} tolerated" if is_tolerated(standing) else ""
    return (
        f"{standing.verdict.value}, {numbers.deviation(standing.deviation)} from the required "
        f"{dollars(standing.required)}{source}{tolerance}"
    )


def is_tolerated(standing: Standing) -> bool:
    """Whether a margin below the required one is compliant, because the rule set tolerates it."""
    deviation = standing.deviation
    return standing.verdict is Verdict.COMPLIANT and deviation is not None and deviation < 0.0


def _tolerance(standing: Standing) -> str:
    """Returns the lowest deviation that is compliant: ``−15 %``."""
    share = standing.tolerance_below
    return numbers.deviation(None if share is None else -share)


def _cells(venue: RankedVenue) -> Cells:
    return (
        str(venue.rank),
        venue.venue,
        f"{venue.symbol} ({venue.profile})",
        numbers.amount(venue.margin),
        numbers.rate(venue.rate),
        numbers.precise_leverage(venue.leverage),
        *map(_standing_cell, venue.standings),
        since_text(venue.since),
        observation_day(venue.observed_at, venue.observed_from, venue.date_kind),
        ", ".join(marks(venue)),
    )


def _standing_cell(standing: Standing) -> str:
    if standing.deviation is None:
        return standing.verdict.value
    sign = VERIFIED_SIGNS.get(standing.verified, "")
    tolerance = f" (to {_tolerance(standing)})" if is_tolerated(standing) else ""
    deviation = numbers.deviation(standing.deviation)
    return f"{deviation} {standing.verdict.value}{tolerance} {sign}".rstrip()


def since_text(since: MarginSince | None) -> str:
    """Returns the day since which a margin applies, as far as it was observed."""
    if since is None:
        return numbers.NOT_OBSERVABLE
    if since.is_bound:
        return f"≤ {since.observed_at[:10]}"
    return observation_day(since.observed_at, since.observed_from, since.date_kind)


def marks(venue: RankedVenue) -> Iterator[str]:
    """Yields what a reader must know of a venue's margin: stale, by date bound, derived."""
    if venue.stale:
        yield "stale"
    if venue.date_kind != "exact":
        yield "date bound"
    if venue.status != "known":
        yield venue.status


def _legend(answer: VenueComparison) -> Iterator[str]:
    shown = {mark for venue in answer.venues for mark in marks(venue)}
    meanings = {
        "stale": "older than the limit, or possibly older",
        "date bound": "the day of the observation is not known exactly",
        "derived": "computed from published numbers by a step that the venue does not state",
    }
    yield ""
    yield "deviation: margin / required − 1 at this size; since: first observation of this margin"
    for mark, meaning in meanings.items():
        if mark in shown:
            yield f"{mark}: {meaning}"
    if any(is_tolerated(x) for venue in answer.venues for x in venue.standings):
        yield "compliant (to −x %): below the required margin by less than the tolerance of x %"
    yield from verification_legend(x.verified for venue in answer.venues for x in venue.standings)


def verification_legend(verified: Iterable[str]) -> Iterator[str]:
    """Yields a line on the signs of source verification that are shown; none without a sign."""
    shown = set(verified)
    signs = [f"{sign} {mark}" for mark, sign in VERIFIED_SIGNS.items() if mark in shown]
    if signs:
        yield f"sources of required margins: {', '.join(signs)}"


def _excluded(venue: UnrankedVenue) -> Cells:
    day = observation_day(venue.observed_at, venue.observed_from, venue.date_kind)
    sign = "≥ " if venue.is_lower_bound else ""
    margin = f"{sign}{numbers.amount(venue.margin)}"
    return venue.venue, f"{venue.symbol} ({venue.profile})", margin, day, venue.reason


def aligned(
    heads: Cells, rows: Sequence[Cells], right: frozenset[int] | set[int] = frozenset()
) -> Iterator[str]:
    """Yields the lines of a table; the columns numbered in ``right`` are aligned to the right."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        cells = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
