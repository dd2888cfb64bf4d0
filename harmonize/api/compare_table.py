"""Comparisons of venues as tables, for spreadsheets and data frames."""

from typing import TYPE_CHECKING

from harmonize.comparison.ranking import RankedVenue, UnrankedVenue
from reports.formats.sheets import Cell, Sheet

if TYPE_CHECKING:
    from harmonize.api.compare import VenueComparison

_COLUMNS = (
    *("rank", "venue", "symbol", "profile", "underlying", "margin_type", "notional_usd"),
    *("margin_usd", "margin_rate", "leverage", "status", "capacity_usd", "since"),
    *("since_from", "since_date_kind", "since_is_bound", "observed_at", "observed_from"),
    *("date_kind", "age_days", "stale", "excluded_because"),
)


def comparison_sheet(answer: "VenueComparison") -> Sheet:
    """Returns a row per venue, ranked or not, with the columns of every rule set at the end."""
    rules = [
        f"{rule.id} {column}"
        for rule in answer.rule_sets
        for column in ("verdict", "required_usd", "deviation_share", "verified", "reason")
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
        for cell in (x.verdict.value, x.required, x.deviation, x.verified, x.reason)
    )
    names = (venue.rank, venue.venue, venue.symbol, venue.profile)
    return (*names, *asked, *own, *dates, *observed, venue.stale, "", *standings)


def _excluded_row(venue: UnrankedVenue, asked: _Asked, rules: int) -> tuple[Cell, ...]:
    rate = None if venue.margin is None else venue.margin / asked[2]
    names = (None, venue.venue, venue.symbol, venue.profile)
    status = "at least" if venue.is_lower_bound else ""
    own: tuple[Cell, ...] = (venue.margin, rate, None, status, None, "", "", "", None)
    observed = (venue.observed_at, venue.observed_from, venue.date_kind, None, None)
    return (*names, *asked, *own, *observed, venue.reason, *(None,) * rules)


def rule_set_sheet(answer: "VenueComparison") -> Sheet:
    """Returns the rule sets of a comparison, and what it was made from."""
    rows = [(rule.id, rule.title, rule.statutory) for rule in answer.rule_sets]
    return Sheet("Rule sets", ("rule_set", "title", "statutory"), tuple(rows))
