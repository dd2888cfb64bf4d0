"""What the options of a command ask, and how the answer ends the program."""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.archive.location import Place
from harmonize.cli.console import (
    FINDINGS,
    INCOMPLETE,
    OK,
    USAGE,
    FailOn,
    Settings,
    fail,
    note,
    own_archive,
    write,
    write_stdout,
)

if TYPE_CHECKING:
    from harmonize.api.audit import Answer
    from harmonize.api.question import AnswerOptions, Question, Selection
    from harmonize.audit.assemble import Reading
    from harmonize.audit.baseline import Baseline
    from harmonize.core.payload import Payload
    from harmonize.core.schedule import MarginSchedule

CONFIG = ".harmonize.yaml"
"""The configuration that is read where the command is run, unless --config names another."""


def archive_of(settings: Settings) -> Place | None:
    """The archive to read: the one named, else the user's own, else None: the recorded one."""
    if settings.archive is not None:
        return settings.archive
    own = own_archive()
    return own if (own / "format.json").exists() else None


def selection(
    settings: Settings,
    *,
    venue: list[str] | None = None,
    underlying: list[str] | None = None,
    rules: list[str] | None = None,
    as_of: datetime | None = None,
    profile: str = "",
    instrument: list[str] | None = None,
    strict: bool = False,
) -> "Selection":
    """Returns the selection that the options of a command name; a wrong one ends the program."""
    from harmonize.api.question import Fallback, Selection, Verification
    from harmonize.core.instrument import asset_meant

    return Selection(
        archive=archive_of(settings),
        fallback=Fallback.RECORDED if settings.archive is None else Fallback.NONE,
        venues=tuple(venue or ()),
        underlyings=tuple(asset_meant(name) for name in underlying or ()),
        profile=profile,
        rules=tuple(rules or ()),
        as_of=as_of.date() if as_of else None,
        instruments=dict(_preference(text) for text in instrument or ()),
        verification=Verification.REQUIRED if strict else Verification.OPTIONAL,
    )


def options(
    *,
    stale_after: float = 30.0,
    inputs: Path | None = None,
    config: Path | None = None,
    no_waivers: bool = False,
    baseline: Path | None = None,
) -> "AnswerOptions":
    """Returns the options of the answer; a wrong one ends the program."""
    from harmonize.api.question import AnswerOptions, WaiverPolicy

    if not isfinite(stale_after):
        fail(f"--stale-after is a number of days, was {stale_after}", USAGE)
    return AnswerOptions(
        stale_after_days=stale_after,
        inputs=inputs,
        config=config if config is not None else _own_config(),
        waivers=WaiverPolicy.IGNORE if no_waivers else WaiverPolicy.APPLY,
        baseline=_baseline(baseline) if baseline else None,
    )


def _own_config() -> Path | None:
    """The configuration in the folder where the command is run, if there is one."""
    found = Path(CONFIG)
    return found if found.is_file() else None


def _baseline(path: Path) -> "Baseline":
    """Read a baseline; one that cannot be read ends the program."""
    from harmonize.audit.baseline import BaselineError, read

    try:
        return read(path.read_bytes(), str(path))
    except BaselineError as error:
        fail(str(error), USAGE)
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}; write one with --write-baseline", USAGE)


@dataclass(frozen=True, slots=True)
class Output:
    """A format, and the file it goes to; None is stdout."""

    form: str
    path: Path | None


def outputs(forms: list[str], output: Path | None) -> tuple[Output, ...]:
    """Take ``FORMAT`` and ``FORMAT:FILE`` apart; what cannot be written ends the program."""
    from reports.registry import BINARY, UnknownFormatError, checked

    found = []
    if output is not None and all(":" in one for one in forms):
        fail(f"--output {output} is for a format without a file; leave one of the two out", USAGE)
    for one in forms:
        form, colon, file = one.partition(":")
        try:
            checked(form)
        except UnknownFormatError as error:
            fail(str(error), USAGE)
        if colon and not file:
            fail(f"--format {one} names no file; write {form}:FILE", USAGE)
        found.append(Output(form, Path(file) if file else output))
    places = [each.path for each in found]
    twice = next((place for place in places if places.count(place) > 1), False)
    if twice is not False:
        what = "stdout" if twice is None else str(twice)
        fail(f"two formats go to {what}; give each a file, as in json:out.json", USAGE)
    for form in (each.form for each in found if each.path is None):
        if form in BINARY and sys.stdout.isatty():
            fail(f"{form} is no text; write it to a file: {form}:FILE", USAGE)
    return tuple(found)


def deliver(wanted: tuple[Output, ...], answer: "Answer") -> None:
    """Render the document in every format asked, files first."""
    from reports.registry import render

    for one in sorted(wanted, key=lambda one: one.path is None):
        content = render(one.form, answer.document)
        if one.path is None:
            write_stdout(content)
        else:
            write(one.path, content)


def _preference(text: str) -> tuple[tuple[str, str], str]:
    pair, equals, symbol = text.partition("=")
    venue, colon, underlying = pair.partition(":")
    if not (equals and colon and venue and underlying and symbol):
        fail(f"--instrument is VENUE:UNDERLYING=SYMBOL, was {text!r}", USAGE)
    from harmonize.core.instrument import asset_meant

    return (venue, asset_meant(underlying)), symbol


def notionals(given: list[float] | None) -> tuple[float, ...]:
    """Sort position sizes; one that is none ends the program."""
    for one in given or ():
        if not 0.0 < one < float("inf"):
            fail(f"--notional is an amount in USD above 0, was {one}", USAGE)
    return tuple(sorted(set(given or ())))


def answered(question: "Question") -> "Answer":
    """Audit; what cannot be answered ends the program with one line."""
    from harmonize.api.audit import AskedError, answer
    from harmonize.archive.archive import ArchiveError
    from rules.loader import RuleError

    try:
        return answer(question)
    except (AskedError, RuleError) as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)


def read(selection: "Selection") -> "Reading":
    """Read what is selected; what cannot be read ends the program with one line."""
    from harmonize.api.audit import AskedError
    from harmonize.api.audit import read as read_selection
    from harmonize.archive.archive import ArchiveError

    try:
        return read_selection(selection)[0]
    except AskedError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)


def found_schedule(
    settings: Settings, selection: "Selection", symbol: str
) -> "tuple[MarginSchedule, dict[str, Payload]]":
    """Find one schedule and the payloads; none ends the program with one line."""
    from harmonize.api.audit import AskedError, find_schedule
    from harmonize.archive.archive import ArchiveError

    try:
        found, others, payloads = find_schedule(selection, symbol)
    except AskedError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    except LookupError as error:
        fail(str(error.args[0]), INCOMPLETE)
    if others:
        note(settings, f"other profiles, by --profile: {'; '.join(others)}")
    return found, payloads


def say_summary(settings: Settings, answer: "Answer") -> None:
    """Say on stderr what was read, how old it is, and how much was found."""
    from harmonize.api.audit import age_today

    document = answer.document
    note(settings, f"read from {document.archive}")
    today = age_today(document, datetime.now(UTC))
    for one in document.snapshots:
        mark = "stale" if one.stale else "recent"
        note(
            settings,
            f"  {one.venue:<14} {one.observed_at[:10]}  {mark} at {document.as_of[:10]}, "
            f"newest is {today[one.venue].days} days old today ({one.source})",
        )
    errors = sum(one.level.value == "error" for one in document.findings)
    note(
        settings,
        f"{len(document.schedules)} schedules of {len({s.venue for s in document.schedules})} "
        f"venues, {len(document.comparisons)} underlyings compared, "
        f"{len(document.findings)} findings ({errors} errors)"
        f"{f', {len(document.waived)} waived' if document.waived else ''}",
    )


def exit_code(settings: Settings, answer: "Answer", fail_on: FailOn) -> int:
    """The highest of 3 (incomplete) and 1 (findings at or above the level) that applies."""
    for one in answer.missing:
        note(settings, f"incomplete: {one}")
    for failed in answer.document.unobserved:
        if failed.attempted_at:
            note(settings, f"incomplete: {failed.venue} was not gathered: {failed.reason}")
    for defect in answer.document.defects:
        whose = f"{defect.venue} {defect.symbol}".rstrip()
        note(settings, f"incomplete: {whose}: {defect.where}: {defect.reason}")
    if not answer.complete:
        return INCOMPLETE
    levels = [level.value for level in FailOn]
    if fail_on is FailOn.NEVER:
        return OK
    worst = min((levels.index(one.level.value) for one in answer.document.findings), default=None)
    return FINDINGS if worst is not None and worst <= levels.index(fail_on.value) else OK
