"""The Python interface of an audit: a question in, an answer with the audit document out."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from datetime import date as Date  # noqa: N812 - `date` names arguments here
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.api.build_day import age_today, build_day
from harmonize.api.errors import NotObservedError, RequestError
from harmonize.api.known_venues import unknown_venue_error
from harmonize.api.missing_schedule import no_instrument, no_schedule
from harmonize.api.observed_names import (
    base_of_pair,
    missing,
    observed_name,
    similar_underlying,
    with_observed_names,
)
from harmonize.api.price_tests import price_tests
from harmonize.api.question import (
    ADEQUACY_NOTIONALS,
    CHART_NOTIONALS,
    AdequacyScope,
    AnswerOptions,
    Fallback,
    HistoryScope,
    Question,
    Selection,
    StressScope,
    ThresholdScope,
    Verification,
    WaiverPolicy,
)
from harmonize.api.reading import NothingObservedError
from harmonize.api.reading import read as read_sources
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import with_observation_times
from harmonize.archive.location import RECORDED_ARCHIVE_NAME, recorded_archive
from harmonize.archive.source import Source
from harmonize.audit.assemble import AuditOptions, PriceTests, Reading, VenueProperties, audit, tool
from harmonize.audit.baseline import compare_with_baseline
from harmonize.checks import CHECKS
from harmonize.comparison.representative import preferred
from harmonize.comparison.trading import with_trading
from harmonize.core.instrument import AssetNames, is_evident
from harmonize.core.payload import PRICES, Payload
from harmonize.core.schedule import MarginSchedule
from harmonize.document import AuditDocument
from harmonize.document.history import History
from harmonize.history import derived
from harmonize.history.acceptances import DECISIONS
from harmonize.history.recent import RecentHistory
from harmonize.policy.inputs import MARKET, scale_notes
from harmonize.policy.names import NameReader
from harmonize.policy.rule_set import RuleSet
from harmonize.policy.waiver import Waiver
from venues import assets, conventions

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ADEQUACY_NOTIONALS",
    "CHART_NOTIONALS",
    "AdequacyScope",
    "Answer",
    "AnswerOptions",
    "Configuration",
    "Fallback",
    "HistoryScope",
    "NotObservedError",
    "Question",
    "RequestError",
    "Selection",
    "StressScope",
    "ThresholdScope",
    "Verification",
    "WaiverPolicy",
    "age_reference",
    "age_today",
    "answer",
    "base_of_pair",
    "date_notes",
    "find_schedule",
    "frame",
    "load_rule_sets",
    "missing",
    "observation_days",
    "open_archive",
    "open_sources",
    "read",
    "read_configuration",
    "read_with_history",
    "reading_notes",
    "similar_underlying",
    "tool",
    "with_observed_names",
]


@dataclass(frozen=True, slots=True)
class Answer:
    """The audit document, what was requested but not observed, and the document before a baseline.

    ``notes`` state names that were read as others, and measured inputs on an unusual scale.
    """

    document: AuditDocument
    missing: tuple[str, ...]
    whole: AuditDocument
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything requested was observed and could be read."""
        failed = any(venue.attempted_at for venue in self.document.unobserved)
        return not self.missing and not self.document.defects and not failed


@dataclass(frozen=True, slots=True)
class Configuration:
    """Values of a configuration file; empty without one.

    ``options`` sets thresholds of checks by code, ``jurisdictions`` the countries of venues.
    """

    rules: tuple[str, ...] = ()
    inputs: Path | None = None
    options: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    jurisdictions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()


def answer(
    question: Question, executor: Executor | None = None, *, isolates_errors: bool = False
) -> Answer:
    """Reads the archive, audits it and returns the document.

    Work on daily thresholds, if requested, is shared by an executor; the result does not depend on it.
    With ``isolates_errors``, an error in a test against past prices is a line in ``missing``.
    Raises RequestError, ArchiveError or RuleError of ``rules``, each with one line that names the fix;
    NotObservedError: nothing that the question names was observed.
    """
    configuration = read_configuration(question.options.config)
    rule_sets = load_rule_sets(question.rules or configuration.rules)
    reading, as_of = read_with_history(question)
    unobserved = missing(question, reading)
    if unobserved and not reading.schedules and not _is_explained(question, reading):
        raise NotObservedError("; ".join(unobserved))
    reading = _with_inputs(reading, question.options.inputs or configuration.inputs)
    names = NameReader(reading.names)
    question, notes = with_observed_names(question, reading), reading_notes(question, reading)
    rule_sets = names.rule_sets(rule_sets)
    configuration = replace(configuration, waivers=names.waivers(configuration.waivers))
    reading = replace(reading, inputs=names.inputs(reading.inputs))
    tests, untested = price_tests(
        question, reading, rule_sets, as_of, executor, isolates_errors=isolates_errors
    )
    document = _audit(question, configuration, reading, rule_sets, as_of=as_of, tests=tests)
    if question.options.history is HistoryScope.SERIES:
        document = replace(document, history=_margin_series(question, document))
    baseline = question.options.baseline
    remaining = compare_with_baseline(document, baseline) if baseline else document
    notes = (*notes, *names.notes, *scale_notes(reading.inputs))
    absent = tuple(dict.fromkeys((*unobserved, *untested)))
    return Answer(remaining, absent, document, tuple(dict.fromkeys(notes)))


def _is_explained(selection: Selection, reading: Reading) -> bool:
    """Whether a document without schedules has the reason: a failed attempt, or unreadable data."""
    is_of_venues = not selection.underlyings and not selection.profile
    has_failed = any(venue.attempted_at for venue in reading.unobserved)
    return bool(reading.defects) or (is_of_venues and has_failed)


def _with_inputs(reading: Reading, path: Path | None) -> Reading:
    """Adds the measured inputs of a file to those that were read."""
    if path is None:
        return reading
    from harmonize.config import inputs_file  # noqa: PLC0415 - pydantic is heavy

    return replace(reading, inputs=(*reading.inputs, *inputs_file.load(path)))


def _audit(  # noqa: PLR0913 - the parts of an audit
    question: Question,
    configuration: Configuration,
    reading: Reading,
    rule_sets: Sequence[RuleSet],
    *,
    as_of: datetime,
    tests: PriceTests,
) -> AuditDocument:
    """Audits a reading. Raises RequestError: a preferred instrument that its venue does not have."""
    options = AuditOptions(
        as_of=as_of,
        stale_after_days=question.options.stale_after_days,
        notional_grid=question.notional_grid,
        chart_notionals=question.options.chart_notionals,
        listed_notionals=question.options.listed_notionals,
        instruments=question.instruments,
        check_options=configuration.options,
        waivers=(configuration.waivers if question.options.waivers is WaiverPolicy.APPLY else ()),
        cost_of_capital=question.options.cost_of_capital,
    )
    properties = VenueProperties(conventions.bundled(), configuration.jurisdictions)
    try:
        return audit(reading, rule_sets, options, properties, tests)
    except KeyError as error:
        message = no_instrument(question.instruments, reading, error.args[0])
        raise RequestError(message) from None


def _margin_series(selection: Selection, document: AuditDocument) -> History:
    with recorded_archive() as path:
        sources = open_sources(selection, path)
        return derived.build_history(sources, document, selection.last_read)


def read_configuration(path: Path | None) -> Configuration:
    """Reads a configuration; None is the empty one. Raises RuleError, with file:line:column."""
    if path is None:
        return Configuration()
    from harmonize.config import schema  # noqa: PLC0415 - pydantic is heavy

    read_ = schema.load(
        path, {check.code: {o.name: o.unit for o in check.options} for check in CHECKS}
    )
    return Configuration(
        rules=tuple(_beside(path, rule_set) for rule_set in read_.rules),
        inputs=path.parent / read_.inputs if read_.inputs else None,
        options={
            code: {name: float(value) for name, value in thresholds.items()}
            for code, thresholds in read_.checks.items()
        },
        jurisdictions=read_.jurisdictions,
        waivers=schema.waivers(read_, path),
    )


def _beside(path: Path, rule_set: str) -> str:
    """A rule set named in a configuration: the id of a pack, or a file beside the configuration."""
    return str(path.parent / rule_set) if rule_set.endswith((".yaml", ".yml")) else rule_set


def load_rule_sets(names: Sequence[str]) -> tuple[RuleSet, ...]:
    """Loads the named packs and files; without names, every bundled pack."""
    from rules import loader  # noqa: PLC0415 - pydantic is heavy and `--help` needs none

    return loader.load_all(tuple(names)) if names else loader.load_packs()


def read(selection: Selection) -> tuple[Reading, datetime]:
    """Reads a selection without its history, and the date from which ages count back.

    Raises RequestError, ArchiveError.
    """
    _check_venues(selection)
    with recorded_archive() as path:
        return _read(selection, open_sources(selection, path))


def read_with_history(selection: Selection) -> tuple[Reading, datetime]:
    """Reads a selection with its recent changes. Otherwise as ``read``."""
    _check_venues(selection)
    with recorded_archive() as path:
        sources = open_sources(selection, path)
        reading, as_of = _read(selection, sources)
        history = _recent_history(sources, selection.last_read)
    return replace(
        reading, recent_history=history.of_schedules(s.key for s in reading.schedules)
    ), as_of


def _read(selection: Selection, sources: Sequence[Source]) -> tuple[Reading, datetime]:
    as_of = age_reference(selection)
    try:
        reading = read_sources(sources, selection.venues, selection.as_of, selection.verification)
    except NothingObservedError as error:
        raise RequestError(str(error)) from None
    observed = AssetNames.of(
        (s.instrument.underlying.asset for s in reading.schedules),
        assets.bundled().names(as_of.date()),
    )
    reading = replace(reading, names=observed)
    selection = with_observed_names(selection, reading)
    schedules = tuple(s for s in reading.schedules if _is_selected(s, selection))
    return replace(reading, schedules=schedules), as_of


def age_reference(selection: Selection) -> datetime:
    """Returns the time from which ages count back: ``as_of``, or the end of the day of the build.

    Raises RequestError: SOURCE_DATE_EPOCH is not a time.
    """
    try:
        return selection.until or build_day(os.environ, datetime.now(UTC))
    except ValueError as error:
        raise RequestError(str(error)) from None


def reading_notes(selection: Selection, reading: Reading) -> tuple[str, ...]:
    """Returns one line per requested underlying that was read as another name, and on its date."""
    names = (
        f"underlying {name} read as {observed}"
        for name in selection.underlyings
        if not is_evident(name, observed := observed_name(name, reading))
    )
    return (*names, *date_notes(selection))


def date_notes(selection: Selection) -> tuple[str, ...]:
    """Returns a line on a day after today, from which ages count all the same."""
    day = selection.as_of
    if day is None or isinstance(day, datetime):
        return ()
    try:
        today = age_reference(replace(selection, as_of=None)).date()
    except RequestError:  # a given day goes before an environment that states none
        return ()
    if day <= today:
        return ()
    return (f"{day} is after today ({today}): ages count to that day, and nothing is observed yet",)


def _recent_history(sources: Sequence[Source], as_of: datetime) -> RecentHistory:
    """Recent changes for the checks on changes, per venue from the first source that holds it."""
    history, venues = RecentHistory(), set[str]()
    for source in sources:
        own = {entry.venue for entry in source.entries} - venues
        history = history.merged_with(derived.recent_history(source, as_of).of_venues(own))
        venues |= own
    return history


def observation_days(selection: Selection) -> tuple[Date, ...]:
    """Days up to the selection's date on which a venue that it selects was observed."""
    until = selection.until
    with recorded_archive() as path:
        days = {
            entry.observed_at.date()
            for source in open_sources(selection, path)
            for entry in source.entries
            if entry.venue not in {MARKET, DECISIONS, PRICES}
            and not entry.failed
            and (not selection.venues or entry.venue in selection.venues)
        }
    return tuple(sorted(day for day in days if until is None or day <= until.date()))


def open_archive(selection: Selection) -> Archive:
    """Opens or creates the archive that a selection names. Raises ArchiveError, RequestError."""
    if selection.archive is None:
        message = "missing archive; add --archive"
        raise RequestError(message)
    return Archive.open_or_create(selection.archive)


def open_sources(selection: Selection, path: Path) -> list[Source]:
    """Opens the archives that a selection reads, in order; ``path`` is that of the recorded one."""
    sources = []
    if selection.archive is not None:
        own = Archive.open(selection.archive)
        sources.append(
            Source(own, str(own.place), with_observation_times(derived.list_entries(own)))
        )  # without the password of a URL
    if selection.archive is None or selection.fallback is Fallback.RECORDED:
        sources.append(Source.of(Archive.open(path), RECORDED_ARCHIVE_NAME))
    return sources


def find_schedule(
    selection: Selection, symbol: str
) -> tuple[MarginSchedule, tuple[str, ...], dict[str, Payload]]:
    """Finds the schedule of a symbol (unified or the venue's own) on the selection's one venue.

    Returns the schedule, the other profiles of the symbol, and the payloads by hash. Raises
    LookupError: no such schedule was observed; otherwise as ``read``.
    """
    reading, as_of = read_with_history(replace(selection, profile=""))
    unchanged_since = reading.recent_history.unchanged_since
    name = symbol.upper()
    named = [
        schedule
        for schedule in with_trading(reading.schedules, as_of.date(), unchanged_since)
        if name in {schedule.instrument.symbol.upper(), schedule.instrument.id.upper()}
    ]
    matching = [schedule for schedule in named if _is_selected(schedule, selection)]
    if not matching:
        profiles = sorted(str(schedule.profile) for schedule in named)
        raise LookupError(no_schedule(selection.venues[0], symbol, reading, profiles))
    chosen = preferred(matching)
    others = tuple(sorted(str(s.profile) for s in matching if s is not chosen))
    payloads = {
        payload.sha256: payload
        for _, snapshot in reading.snapshots
        for payload in snapshot.payloads
    }
    return chosen, others, payloads


def _check_venues(selection: Selection) -> None:
    """Raises RequestError: the selection names an unknown venue."""
    if message := unknown_venue_error(selection.venues):
        raise RequestError(message)


def _is_selected(schedule: MarginSchedule, selection: Selection) -> bool:
    asset = schedule.instrument.underlying.asset
    profile = str(schedule.profile)
    return (not selection.underlyings or asset in selection.underlyings) and (
        not selection.profile or selection.profile in {profile, *profile.split(", ")}
    )


def frame(document: AuditDocument, rows: str) -> "pd.DataFrame":
    """Returns ``findings``, ``divergences``, ``schedules``, ``coverage`` … as a pandas table.

    Raises AttributeError: the document has no such rows.
    """
    import pandas as pd  # noqa: PLC0415 - heavy, and only notebooks need it

    return pd.DataFrame(list(getattr(document, rows)))
