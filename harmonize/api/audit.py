"""The pipeline wired together: archive → schedules → audit document. The notebook's door."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date as Date  # noqa: N812 - `date` names arguments here
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.api.reading import NothingObservedError
from harmonize.api.reading import read as read_sources
from harmonize.arbitrage.rows import HURDLE
from harmonize.archive.archive import Archive
from harmonize.archive.catalog import with_observation_times
from harmonize.archive.location import RECORDED, Place, recorded
from harmonize.archive.source import Source
from harmonize.audit.assemble import AuditOptions, Reading, audit
from harmonize.audit.baseline import Baseline, compare_with_baseline
from harmonize.checks import CHECKS
from harmonize.comparison.representative import preferred
from harmonize.core.notionals import NOTIONAL_GRID
from harmonize.core.payload import Payload
from harmonize.core.schedule import MarginSchedule
from harmonize.document import AuditDocument, Tool
from harmonize.document.history import History
from harmonize.history import derived
from harmonize.history.recent import RecentHistory
from harmonize.policy.inputs import MARKET
from harmonize.policy.rule_set import RuleSet
from harmonize.policy.waiver import Waiver
from harmonize.version import VERSION
from venues import conventions, registry

if TYPE_CHECKING:
    import pandas as pd

PICTURED_SIZES = tuple(10.0 ** (quarter / 4) for quarter in range(16, 33))
"""Notionals at which a report has splits, in USD: four a decade from $10k to $100m."""


class AskedError(Exception):
    """What was asked for cannot be answered: one line that says why and what can."""


class NotObservedError(AskedError):
    """What was asked for rightly is not known."""


@dataclass(frozen=True, slots=True)
class Question:
    """What to read and judge. Empty selections mean everything.

    ``archive`` None is the recorded archive; ``else_recorded`` reads from that one what ``archive``
    does not hold. ``strict`` leaves out margins that no source verifies. ``as_of`` limits what is read to that date and is
    the date that ages count back from; None is the date of the newest snapshot; ``moment`` is the same to
    the second. ``inputs`` is a file
    of measured figures. ``config`` is a configuration; ``waived`` False shows what it waives.
    ``baseline`` holds findings that are known. ``hurdle`` is what capital costs in a year, as a rate,
    ``sizes`` are notionals at which splits are computed besides the ladder. ``history`` reads what
    changed lately, for the checks of it; ``past`` puts courses of margins into the document.
    """

    archive: Place | None = None
    venues: tuple[str, ...] = ()
    underlyings: tuple[str, ...] = ()
    profile: str = ""
    rules: tuple[str, ...] = ()
    as_of: Date | None = None
    moment: datetime | None = None
    stale_after_days: float = 30.0
    ladder: tuple[float, ...] = NOTIONAL_GRID
    instruments: Mapping[tuple[str, str], str] = field(default_factory=dict)
    else_recorded: bool = False
    strict: bool = False
    inputs: Path | None = None
    config: Path | None = None
    waived: bool = True
    baseline: Baseline | None = None
    hurdle: float = HURDLE
    sizes: tuple[float, ...] = ()
    history: bool = False
    past: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A document, what of the question was not observed, and the document before a baseline."""

    document: AuditDocument
    missing: tuple[str, ...]
    whole: AuditDocument

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for was observed and could be read."""
        failed = any(one.attempted_at for one in self.document.unobserved)
        return not self.missing and not self.document.defects and not failed


def tool() -> Tool:
    """Name this tool and its version."""
    return Tool("harmonize", VERSION)


def answer(question: Question) -> Answer:
    """Read the archive, judge, and give the document.

    Raises AskedError, ArchiveError, or rules' RuleError, each with one line that says the mend.
    """
    chosen = configured(question)
    rule_sets = rule_sets_of(question.rules or chosen.rules)
    reading, as_of = read(replace(question, history=True))
    given = question.inputs or chosen.inputs
    if given is not None:
        from harmonize.config import inputs_file  # noqa: PLC0415 - pydantic is heavy

        reading = replace(reading, inputs=(*reading.inputs, *inputs_file.load(given)))
    terms = AuditOptions(
        as_of,
        tool(),
        question.stale_after_days,
        question.ladder,
        question.instruments,
        chosen.jurisdictions,
        chosen.options,
        chosen.waivers if question.waived else (),
        question.hurdle,
        conventions.bundled(),
        question.sizes,
    )
    try:
        document = audit(reading, rule_sets, terms)
    except KeyError as error:
        venue, asset = error.args[0]
        wanted = question.instruments[venue, asset]
        held = sorted(
            one.instrument.symbol
            for one in reading.schedules
            if (one.instrument.venue, one.instrument.underlying.asset) == (venue, asset)
        )
        message = f"{venue} has no schedule {wanted} on {asset}; it has {', '.join(held) or 'none'}"
        raise AskedError(message) from None
    if question.past:
        document = replace(document, history=_past(question, document, as_of))
    fresh = compare_with_baseline(document, question.baseline) if question.baseline else document
    return Answer(fresh, missing(question, reading), document)


def _past(question: Question, document: AuditDocument, as_of: datetime) -> History:
    with recorded() as path:
        return derived.past(sources_of(question, path), document, as_of)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a configuration says, as values; empty without one."""

    rules: tuple[str, ...] = ()
    inputs: Path | None = None
    options: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    jurisdictions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()


def configured(question: Question) -> Chosen:
    """Read the question's configuration. Raises RuleError, with file:line:column."""
    path = question.config
    if path is None:
        return Chosen()
    from harmonize.config import schema  # noqa: PLC0415 - pydantic is heavy

    found = schema.load(
        path, {one.code: tuple(each.name for each in one.options) for one in CHECKS}
    )
    return Chosen(
        rules=tuple(_beside(path, one) for one in found.rules),
        inputs=path.parent / found.inputs if found.inputs else None,
        options={
            code: {name: float(value) for name, value in chosen.items()}
            for code, chosen in found.checks.items()
        },
        jurisdictions=found.jurisdictions,
        waivers=schema.waivers(found, path),
    )


def _beside(path: Path, named: str) -> str:
    """A rule set that a configuration names: a pack by its id, or a file beside the configuration."""
    return str(path.parent / named) if named.endswith((".yaml", ".yml")) else named


def rule_sets_of(named: Sequence[str]) -> tuple[RuleSet, ...]:
    """Load the named packs and files; without names, every bundled pack."""
    from rules import loader  # noqa: PLC0415 - pydantic is heavy and `--help` needs none

    return loader.load_all(tuple(named)) if named else loader.bundled()


def read(question: Question) -> tuple[Reading, datetime]:
    """Read what the question selects, and the date that ages count back from."""
    known = [one.venue for one in registry.VENUES]
    for venue in question.venues:
        if venue not in known:
            message = f"no venue is called {venue}; there are {', '.join(known)}"
            raise AskedError(message)
    with recorded() as path:
        sources = sources_of(question, path)
        try:
            reading, as_of = read_sources(
                sources, question.venues, question.moment or question.as_of, strict=question.strict
            )
        except NothingObservedError as error:
            raise AskedError(str(error)) from None
        lately = _lately(sources, as_of) if question.history else RecentHistory()
    schedules = tuple(one for one in reading.schedules if _selected(one, question))
    selected = lately.of(one.key for one in schedules)
    return replace(reading, schedules=schedules, lately=selected), as_of


def _lately(sources: Sequence[Source], as_of: datetime) -> RecentHistory:
    """What checks of change are asked about; of each venue from the first source that holds it."""
    found, told = RecentHistory(), set[str]()
    for source in sources:
        said = derived.lately(source, as_of)
        venues = {one.venue for one in source.entries} - told
        found = found.with_(said.of_venues(venues))
        told |= venues
    return found


def observed_days(question: Question) -> tuple[Date, ...]:
    """The days on which anything that the question reads was observed, up to its date."""
    with recorded() as path:
        days = {
            entry.observed_at.date()
            for source in sources_of(question, path)
            for entry in source.entries
            if entry.venue != MARKET
            and not entry.failed
            and (not question.venues or entry.venue in question.venues)
        }
    return tuple(sorted(day for day in days if question.as_of is None or day <= question.as_of))


def opened(question: Question) -> Archive:
    """The archive that a question names, made where there is none. Raises ArchiveError, AskedError."""
    if question.archive is None:
        message = "no archive is named; name one with --archive"
        raise AskedError(message)
    return Archive.opened(question.archive)


def sources_of(question: Question, path: Path) -> list[Source]:
    """The archives that a question reads, in order; ``path`` is the recorded one's."""
    sources = []
    if question.archive is not None:
        own = Archive.open(question.archive)
        sources.append(
            Source(own, str(own.place), with_observation_times(derived.entries_of(own)))
        )  # without the password of a URL
    if question.archive is None or question.else_recorded:
        sources.append(Source.of(Archive.open(path), RECORDED))
    return sources


def find_schedule(
    question: Question, symbol: str
) -> tuple[MarginSchedule, tuple[str, ...], dict[str, Payload]]:
    """Find the schedule of a symbol (unified or the venue's own) on the question's one venue.

    Gives it, the other profiles that the symbol has, and the payloads by hash. Raises LookupError:
    no such schedule was observed; as ``answer`` otherwise.
    """
    reading, _ = read(replace(question, profile=""))
    wanted = symbol.upper()
    named = [
        one
        for one in reading.schedules
        if wanted in {one.instrument.symbol.upper(), one.instrument.id.upper()}
    ]
    found = [one for one in named if _selected(one, question)]
    if not found:
        profiles = sorted(str(one.profile) for one in named)
        raise LookupError(_no_schedule(question.venues[0], symbol, reading, profiles))
    chosen = preferred(found)
    others = tuple(sorted(str(one.profile) for one in found if one is not chosen))
    payloads = {
        payload.sha256: payload
        for _, snapshot in reading.snapshots
        for payload in snapshot.payloads
    }
    return chosen, others, payloads


def _no_schedule(venue: str, symbol: str, reading: Reading, profiles: Sequence[str]) -> str:
    broken = [one for one in reading.defects if one.symbol and symbol.startswith(one.symbol)]
    if broken:
        return f"{venue} {symbol} could not be read: {broken[0].where}: {broken[0].reason}"
    if profiles:
        return f"{venue} has {symbol} only under --profile {'; '.join(profiles)}"
    held = sorted(one.instrument.symbol for one in reading.schedules)
    close = get_close_matches(symbol, held, n=3, cutoff=0.4)
    near = f"; near it are {', '.join(close)}" if close else ""
    return f"{venue} has no schedule of {symbol} in the archive{near}"


def _selected(schedule: MarginSchedule, question: Question) -> bool:
    asset = schedule.instrument.underlying.asset
    profile = str(schedule.profile)
    return (not question.underlyings or asset in question.underlyings) and (
        not question.profile or question.profile in {profile, *profile.split(", ")}
    )


def missing(question: Question, reading: Reading) -> tuple[str, ...]:
    """What was asked for by name and is not there."""
    venues = {one.instrument.venue for one in reading.schedules}
    assets = {one.instrument.underlying.asset for one in reading.schedules}
    unknown_profile = question.profile and not reading.schedules
    return (
        *((f"profile {question.profile}: no schedule was observed",) if unknown_profile else ()),
        *(f"venue {one}: no schedule was observed" for one in question.venues if one not in venues),
        *(
            f"underlying {one}: no schedule was observed"
            for one in question.underlyings
            if one not in assets
        ),
    )


def age_today(document: AuditDocument, now: datetime) -> dict[str, timedelta]:
    """How long ago each venue's newest snapshot was observed, by the clock given."""
    newest: dict[str, datetime] = {}
    for one in document.snapshots:
        seen = datetime.fromisoformat(one.observed_at)
        newest[one.venue] = max(seen, newest.get(one.venue, seen))
    return {venue: now - seen for venue, seen in newest.items()}


def frame(document: AuditDocument, rows: str) -> "pd.DataFrame":
    """Give ``findings``, ``divergences``, ``schedules``, ``coverage`` … as a pandas table.

    Raises AttributeError: the document has no such rows.
    """
    import pandas as pd  # noqa: PLC0415 - heavy, and only notebooks need it

    return pd.DataFrame(list(getattr(document, rows)))
