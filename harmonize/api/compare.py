"""Ranks the venues on one underlying by their margin for one position, against rule sets."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from harmonize.api.audit import NotObservedError, Question, RequestError, read_configuration
from harmonize.api.compare_table import comparison_sheet
from harmonize.api.cross_venue import PreparedUniverse, prepare_universe
from harmonize.api.history import archived_rows
from harmonize.api.html_table import html_table
from harmonize.comparison.margin_sources import MarginSource, PayloadReader
from harmonize.comparison.ranking import (
    RankedVenue,
    RankingTerms,
    UnrankedVenue,
    rank_venues,
)
from harmonize.document.history import MarginSince
from harmonize.document.rows import rule_set_row
from harmonize.document.rule_sets import CitationRow
from harmonize.history import queries
from harmonize.history.recent import ScheduleKey
from harmonize.history.since import margin_since, own_observation
from harmonize.history.table_rows import ScheduleRow
from harmonize.text import numbers
from harmonize.text.amounts import parse_usd
from harmonize.text.messages import counted, iso_utc, observation_day, observation_span
from harmonize.text.words import margin_name

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_RULES = ("harmonized-baseline",)
"""Rule set that margins are compared with if none is chosen."""

MARGIN_TYPES = ("initial", "maintenance")


SCHEMA_VERSION = "1.0"
"""Version of the JSON; its first number rises when a field is removed or changes its meaning."""


@dataclass(frozen=True, slots=True)
class ComparedRuleSet:
    """Rule set of a comparison, whether it is a statute, and the sources of its numbers.

    ``basis`` names the measured or published inputs of its margin on the underlying; empty without.
    """

    id: str
    title: str
    statutory: bool
    version: str
    in_force: str
    citations: tuple[CitationRow, ...]
    basis: str = ""


@dataclass(frozen=True, slots=True)
class VenueComparison:
    """Venues on one underlying by their margin for a position of ``notional`` USD.

    ``as_of`` is the time from which ages count back, ``oldest`` and ``newest`` the earliest and the
    latest possible observation of the ranked margins; ``oldest`` is empty without an earliest one.
    ``missing`` states what was not observed, ``notes`` names that were read as others.
    """

    underlying: str
    notional: float
    margin_type: str
    as_of: str
    archive: str
    rule_sets: tuple[ComparedRuleSet, ...]
    venues: tuple[RankedVenue, ...]
    excluded: tuple[UnrankedVenue, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_object(self) -> dict[str, object]:
        """Returns the comparison as an object for JSON."""
        own = {"schema_version": SCHEMA_VERSION, "oldest": self.oldest, "newest": self.newest}
        return own | asdict(self)

    @property
    def oldest(self) -> str:
        """Earliest possible observation of the ranked margins, in ISO 8601; empty without one."""
        starts = [venue.observed_from for venue in self.venues]
        return min(starts, default="") if all(starts) else ""

    @property
    def newest(self) -> str:
        """Latest possible observation of the ranked margins, in ISO 8601; empty without venues."""
        return max((venue.observed_at for venue in self.venues), default="")

    def to_pandas(self) -> "pd.DataFrame":
        """Returns a row per venue, ranked ones first, with the columns of the CSV."""
        import pandas as pd  # noqa: PLC0415 - heavy, and only notebooks need it

        sheet = comparison_sheet(self)
        return pd.DataFrame(list(sheet.rows), columns=list(sheet.headings))

    def _repr_html_(self) -> str:
        """Returns the ranked venues as a table for a notebook."""
        caption = (
            f"{self.underlying}, {margin_name(self.margin_type)} of {numbers.usd(self.notional)}, "
            f"as of {self.as_of[:10]}, observed {observation_span(self.oldest, self.newest)}; "
            f"{counted(len(self.excluded), 'venue')} without a rank"
        )
        heads = ("rank", "venue", "margin", "rate", "leverage", "since", "observed")
        rules = tuple(rule.id for rule in self.rule_sets)
        return html_table(caption, (*heads, *rules), [_html_row(venue) for venue in self.venues])


def _html_row(venue: RankedVenue) -> tuple[str, ...]:
    since = venue.since
    is_bound = since is not None and (since.is_bound or since.date_kind != "exact")
    day = f"{'≤ ' if is_bound else ''}{since.observed_at[:10]}" if since else ""
    return (
        str(venue.rank),
        venue.venue,
        f"${numbers.amount(venue.margin)}",
        numbers.rate(venue.rate),
        numbers.precise_leverage(venue.leverage),
        day,
        observation_day(venue.observed_at, venue.observed_from, venue.date_kind),
        *(
            f"{numbers.deviation(x.deviation)} {x.verdict.value}" if x.required else x.verdict.value
            for x in venue.standings
        ),
    )


def compare_venues(
    question: Question, underlying: str, notional: float | str, margin_type: str = "initial"
) -> VenueComparison:
    """Ranks the venues on an underlying by IM or MM for one position.

    Raises RequestError: a wrong margin type or notional; NotObservedError: no venue on the
    underlying was observed; ArchiveError; RuleError.
    """
    size = _checked_notional(notional, margin_type)
    base = prepare_universe(with_default_rules(replace(question, underlyings=(underlying,))))
    (asset,) = base.underlyings
    terms = RankingTerms(size, margin_type, base.as_of, question.options.stale_after_days)
    jurisdictions = read_configuration(question.options.config).jurisdictions
    ranking = rank_venues(base.universe, asset, terms, jurisdictions)
    if not ranking.venues and not ranking.unranked:
        own = [line for line in base.missing if line.startswith(("underlying ", "profile "))]
        raise NotObservedError("; ".join(own) or f"underlying {asset}: no schedule was observed")
    rows = _rows_of_asset(question, asset)
    sources = _sources(base, asset, size)
    venues = tuple(
        replace(
            venue,
            since=_since(venue, rows.get(_key(venue), ()), terms),
            sources=sources[venue.venue],
        )
        for venue in ranking.venues
    )
    excluded = tuple(
        venue if venue.margin is None else replace(venue, sources=sources[venue.venue])
        for venue in ranking.unranked
    )
    return VenueComparison(
        asset,
        terms.notional,
        margin_type,
        iso_utc(base.as_of),
        base.reading.archive,
        _rule_sets(base, asset),
        venues,
        excluded,
        base.missing,
        base.notes,
    )


def with_default_rules(question: Question) -> Question:
    """Returns the question with the rule sets of ``DEFAULT_RULES`` if it chooses none."""
    return question if question.rules else replace(question, rules=DEFAULT_RULES)


def _checked_notional(notional: float | str, margin_type: str) -> float:
    """Returns the notional in USD. Raises RequestError: it or the margin type is wrong."""
    if margin_type not in MARGIN_TYPES:
        message = f"margin type: expected initial or maintenance, found {margin_type!r}"
        raise RequestError(message)
    try:
        size = parse_usd(notional)
    except ValueError as error:
        message = f"notional: {error}"
        raise RequestError(message) from None
    if not 0.0 < size < float("inf"):
        message = f"notional: expected an amount in USD above 0, found {notional}"
        raise RequestError(message)
    return size


def _rule_sets(base: PreparedUniverse, asset: str) -> tuple[ComparedRuleSet, ...]:
    rules = ((rule, rule_set_row(rule.applied)) for rule in base.universe.layout.rules)
    return tuple(
        ComparedRuleSet(
            *(row.id, row.title, row.statutory, row.version, row.in_force, row.citations),
            basis=rule.classes[asset].basis if asset in rule.classes else "",
        )
        for rule, row in rules
    )


def _sources(
    base: PreparedUniverse, asset: str, notional: float
) -> Mapping[str, tuple[MarginSource, ...]]:
    """Returns the published numbers behind the margin of every venue at a notional."""
    payloads = (p for _, snapshot in base.reading.snapshots for p in snapshot.payloads)
    reader = PayloadReader({payload.sha256: payload for payload in payloads})
    schedules = base.universe.chosen[asset].items()
    return {venue: reader.sources(schedule, notional) for venue, schedule in schedules}


def _rows_of_asset(question: Question, asset: str) -> Mapping[ScheduleKey, Sequence[ScheduleRow]]:
    """Returns the rows of every schedule on an asset, in chronological order."""
    until = question.last_read
    archived = archived_rows(
        question, until, lambda store: queries.rows_of_underlyings(store, [asset], until)
    )
    return archived.rows


def _key(venue: RankedVenue) -> ScheduleKey:
    return venue.venue, venue.symbol, venue.profile


def _since(venue: RankedVenue, rows: Sequence[ScheduleRow], terms: RankingTerms) -> MarginSince:
    """Returns since when the margin applies; without an earlier observation, its own as a bound."""
    since = margin_since(rows, terms.margin_type, terms.notional, venue.margin)
    return since or own_observation(venue.observed_at, venue.observed_from, venue.date_kind)
