"""Comparisons of venues as tables, for spreadsheets and data frames."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harmonize.comparison.margin_sources import MarginSource
from harmonize.comparison.ranking import RankedVenue, UnrankedVenue
from reports.formats.sheets import Cell, Sheet

if TYPE_CHECKING:
    from harmonize.api.compare import VenueComparison

_COLUMNS = (
    *("rank", "venue", "symbol", "profile", "underlying", "margin_type", "notional_usd"),
    *("margin_usd", "margin_rate", "leverage", "status", "capacity_usd", "since"),
    *("since_from", "since_date_kind", "since_is_bound", "observed_at", "observed_from"),
    *("date_kind", "age_days", "stale", "excluded_because", "payload_sha256", "pointers"),
)


def comparison_sheet(answer: "VenueComparison") -> Sheet:
    """Returns a row per venue, ranked or not, with the columns of every rule set at the end."""
    rules = [
        f"{rule.id} {column}"
        for rule in answer.rule_sets
        for column in (
            "verdict",
            "required_usd",
            "deviation_share",
            "verified",
            "tolerance_below_share",
            "reason",
        )
    ]
    asked = (answer.underlying, answer.margin_type, answer.notional)
    rows = [
        *(_ranked_row(venue, asked) for venue in answer.venues),
        *(_excluded_row(venue, asked, len(rules)) for venue in answer.excluded),
    ]
    return Sheet("Venues", (*_COLUMNS, *rules), tuple(rows))


_Asked = tuple[str, str, float]


def _ranked_row(venue: RankedVenue, asked: _Asked) -> tuple[Cell, ...]:
    since = venue.since
    dates: tuple[Cell, ...] = ("", "", "", None)
    if since is not None:
        dates = (since.observed_at, since.observed_from, since.date_kind, since.is_bound)
    own = (venue.margin, venue.rate, venue.leverage, venue.status, venue.capacity)
    observed = (venue.observed_at, venue.observed_from, venue.date_kind, venue.age_days)
    standings = (
        cell
        for x in venue.standings
        for cell in (
            *(x.verdict.value, x.required, x.deviation, x.verified),
            *(x.tolerance_below, x.reason),
        )
    )
    names = (venue.rank, venue.venue, venue.symbol, venue.profile)
    places = _places(venue.sources)
    return (*names, *asked, *own, *dates, *observed, venue.stale, "", *places, *standings)


def _excluded_row(venue: UnrankedVenue, asked: _Asked, rules: int) -> tuple[Cell, ...]:
    rate = None if venue.margin is None else venue.margin / asked[2]
    names = (None, venue.venue, venue.symbol, venue.profile)
    status = "at least" if venue.is_lower_bound else ""
    own: tuple[Cell, ...] = (venue.margin, rate, None, status, None, "", "", "", None)
    observed = (venue.observed_at, venue.observed_from, venue.date_kind, None, None)
    places = _places(venue.sources)
    return (*names, *asked, *own, *observed, venue.reason, *places, *(None,) * rules)


def _places(sources: Sequence[MarginSource]) -> tuple[str, str]:
    """Returns the hashes of the payloads, and each published number with its pointer."""
    hashes = dict.fromkeys(source.sha256 for source in sources)
    return " ".join(hashes), "; ".join(f"{x.quantity} {x.pointer}" for x in sources)


def rule_set_sheet(answer: "VenueComparison") -> Sheet:
    """Returns the rule sets of a comparison, with a row per citation."""
    heads = ("rule_set", "title", "statutory", "version", "in_force", "basis", "citation", "via")
    rows = [
        (
            *(rule.id, rule.title, rule.statutory, rule.version, rule.in_force, rule.basis),
            *(citation.reference, citation.via, citation.verified, ", ".join(citation.supports)),
        )
        for rule in answer.rule_sets
        for citation in rule.citations
    ]
    return Sheet("Rule sets", (*heads, "verified", "supports"), tuple(rows))
