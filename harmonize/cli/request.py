"""From the options of a command to a question, and from its answer to output and exit code."""

import sys
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.archive.location import ArchiveLocation
from harmonize.cli.console import (
    FINDINGS,
    INCOMPLETE,
    OK,
    USAGE,
    FailOn,
    Settings,
    fail,
    fail_with,
    make_folder,
    note,
    own_archive,
    write,
    write_stdout,
)
from harmonize.text.amounts import AmountError, parse_usd
from harmonize.text.messages import counted
from reports.finding_order import FindingOrder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from harmonize.api.audit import Answer
    from harmonize.api.question import AnswerOptions, Question, Selection
    from harmonize.audit.assemble import Reading
    from harmonize.audit.baseline import Baseline
    from harmonize.core.payload import Payload
    from harmonize.core.schedule import MarginSchedule
    from harmonize.document import Level, Verdict
    from reports.formats.table import FindingSelection

CONFIG = ".harmonize.yaml"
"""Name of the configuration in the working folder; --config names another."""

MAX_BASELINE_BYTES = 100_000_000
"""Largest baseline that is read; one of all venues has about 5 MB."""


def archive_to_read(settings: Settings) -> ArchiveLocation | None:
    """The archive to read: the named one, otherwise the user's own; None is the recorded one."""
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

    return Selection(
        archive=archive_to_read(settings),
        fallback=Fallback.RECORDED if settings.archive is None else Fallback.NONE,
        venues=tuple(venue or ()),
        underlyings=tuple(asset_name(name, "--underlying") for name in underlying or ()),
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
    adequacy: bool = False,
    stress: bool = False,
    thresholds: bool = False,
) -> "AnswerOptions":
    """Returns the options of the answer; a wrong one ends the program."""
    from harmonize.api.question import (
        AdequacyScope,
        AnswerOptions,
        StressScope,
        ThresholdScope,
        WaiverPolicy,
    )

    if not isfinite(stale_after):
        fail(f"--stale-after: expected a number of days, found {stale_after}", USAGE)
    return AnswerOptions(
        stale_after_days=stale_after,
        inputs=inputs,
        config=config if config is not None else _own_config(),
        waivers=WaiverPolicy.IGNORE if no_waivers else WaiverPolicy.APPLY,
        baseline=_baseline(baseline) if baseline else None,
        adequacy=AdequacyScope.VERDICTS if adequacy else AdequacyScope.NONE,
        stress=StressScope.SIMULATED if stress else StressScope.NONE,
        thresholds=ThresholdScope.MODELS if thresholds else ThresholdScope.NONE,
    )


def age_reference(selection: "Selection") -> datetime:
    """The time from which ages count back; an unreadable SOURCE_DATE_EPOCH ends the program."""
    from harmonize.api.audit import RequestError
    from harmonize.api.audit import age_reference as reference

    try:
        return reference(selection)
    except RequestError as error:
        fail(str(error), USAGE)


def note_date(settings: Settings, selection: "Selection") -> None:
    """Prints a line on a selection of a day after today."""
    from harmonize.api.audit import date_notes

    age_reference(selection)
    for line in date_notes(selection):
        note(settings, f"note: {line}")


def _own_config() -> Path | None:
    """The configuration in the working folder, if there is one."""
    path = Path(CONFIG)
    return path if path.is_file() else None


def _baseline(path: Path) -> "Baseline":
    """Reads a baseline; one that cannot be read ends the program."""
    from harmonize.audit.baseline import BaselineError, read
    from harmonize.core.bounded_file import read_regular_file

    try:
        content = read_regular_file(path, MAX_BASELINE_BYTES)
        if len(content) > MAX_BASELINE_BYTES:
            fail(f"{path}: larger than {MAX_BASELINE_BYTES:,} bytes; use a baseline", USAGE)
        return read(content, str(path))
    except BaselineError as error:
        fail(str(error), USAGE)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        fail(
            f"{path}: cannot read the baseline: {reason}; write one with --write-baseline",
            USAGE,
        )


@dataclass(frozen=True, slots=True)
class Output:
    """A format and its file; None is stdout."""

    form: str
    path: Path | None


def parse_outputs(forms: list[str], output: Path | None) -> tuple[Output, ...]:
    """Parses ``FORMAT`` and ``FORMAT:FILE``; what cannot be written ends the program."""
    from reports.registry import BINARY

    if output is not None and all(":" in text for text in forms):
        fail(f"--output {output}: every --format names a file; remove one of the two", USAGE)
    parsed = tuple(_output(text, output) for text in forms)
    paths = [output_.path for output_ in parsed]
    repeated = next((path for path in paths if paths.count(path) > 1), False)
    if repeated is not False:
        target = "stdout" if repeated is None else str(repeated)
        fail(
            f"--format: two formats write to {target}; add a file to each, as in json:out.json",
            USAGE,
        )
    for form in (output_.form for output_ in parsed if output_.path is None):
        if form in BINARY and sys.stdout.isatty():
            fail(
                f"--format {form}: cannot write a binary format to a terminal; use {form}:FILE",
                USAGE,
            )
    return parsed


def finding_selection(
    outputs: tuple[Output, ...], top: int | None, order: FindingOrder | None, *, every: bool
) -> "FindingSelection | None":
    """Returns the findings that tables list; None: the leading ones. A wrong one ends the program."""
    if top is None and order is None and not every:
        return None
    from reports.formats.table import FindingSelection

    if all(output.form != "table" for output in outputs):
        fail("--top, --all and --sort are for --format table; remove them, or add the table", USAGE)
    if every and top is not None:
        fail("--all: found together with --top; use one of the two", USAGE)
    return FindingSelection(top, every, order or FindingOrder.SEVERITY)


def _output(text: str, default: Path | None) -> Output:
    from reports.registry import UnknownFormatError, validate_format

    form, colon, file = text.partition(":")
    try:
        validate_format(form)
    except UnknownFormatError as error:
        fail(str(error), USAGE)
    if colon and not file:
        fail(f"--format {text} is missing its file; use {form}:FILE", USAGE)
    return Output(form, Path(file) if file else default)


def write_outputs(
    targets: tuple[Output, ...], answer: "Answer", listing: "FindingSelection | None" = None
) -> None:
    """Renders the document in every requested format, files first; ``listing`` selects for tables."""
    from reports.registry import render

    for target in sorted(targets, key=lambda target: target.path is None):
        if target.form == "table" and listing is not None:
            from reports.formats.table import table

            content = table(answer.document, selection=listing).encode()
        else:
            content = render(target.form, answer.document)
        if target.path is None:
            write_stdout(content)
        else:
            write(target.path, content)


def _preference(text: str) -> tuple[tuple[str, str], str]:
    pair, equals, symbol = text.partition("=")
    venue, colon, underlying = pair.partition(":")
    if not (equals and colon and venue and underlying and symbol):
        fail(f"--instrument: expected VENUE:UNDERLYING=SYMBOL, found {text!r}", USAGE)
    return (venue, asset_name(underlying, "--instrument")), symbol


def asset_name(text: str, option: str) -> str:
    """Returns the name of an underlying as written; one that cannot be a name ends the program."""
    from harmonize.core.instrument import MAX_NAME_LENGTH, is_asset_name

    if not is_asset_name(text):
        fail(
            f"{option}: expected an underlying such as BTC, of at most {MAX_NAME_LENGTH} printable "
            f"characters, found {text[:MAX_NAME_LENGTH]!r}",
            USAGE,
        )
    return text


def parse_notionals(sizes: list[str] | None) -> tuple[float, ...]:
    """Sorts position sizes in USD; one that is not above 0 ends the program."""
    notionals = set()
    for text in sizes or ():
        size = parse_amount(text, "--notional")
        if not 0.0 < size < float("inf"):
            fail(f"--notional: expected an amount in USD above 0, found {text}", USAGE)
        notionals.add(size)
    return tuple(sorted(notionals))


def parse_amount(text: str, option: str) -> float:
    """Returns an amount in USD, of any sign; text that is none ends the program."""
    try:
        return parse_usd(text)
    except AmountError as error:
        fail(f"{option}: {error}", USAGE)


def answer(question: "Question") -> "Answer":
    """Answers a question; one that cannot be answered ends the program with one line.

    The exit code is 3 if nothing that it names was observed.
    """
    from harmonize.api.audit import NotObservedError, RequestError, answer
    from harmonize.archive.archive import ArchiveError
    from rules.loader import RuleError

    try:
        with thresholds_workers(question) as executor:
            return answer(question, executor)
    except NotObservedError as error:
        fail(str(error), INCOMPLETE)
    except (RequestError, RuleError) as error:
        fail_with(error, USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)


def thresholds_workers(question: "Question") -> "AbstractContextManager[Executor | None]":
    """Opens processes if daily thresholds are requested, which take a minute of processor time."""
    from harmonize.api.question import ThresholdScope
    from harmonize.cli.executors import workers_for

    return workers_for(is_long=question.options.thresholds is not ThresholdScope.NONE)


def check_report_folder(out: Path) -> None:
    """Ends the program unless a folder is empty, missing or one of a report."""
    from harmonize.api import report_folder

    try:
        report_folder.check_writable(out)
    except report_folder.ReportFolderError as error:
        fail(f"--out: {error}", USAGE)


def write_report(out: Path, question: "Question") -> "Answer":
    """Writes the report that answers a question; an error ends the program with one line."""
    from harmonize.api import report_folder
    from harmonize.api.audit import NotObservedError, RequestError
    from harmonize.archive.archive import ArchiveError
    from rules.loader import RuleError

    is_new = not out.exists()
    make_folder(out)  # before the audit, so that a folder that cannot be written ends it at once
    try:
        with thresholds_workers(question) as executor:
            report = report_folder.build(question, executor)
        report_folder.write(out, report.files)
    except NotObservedError as error:
        if is_new:
            out.rmdir()
        fail(f"{error}; no report was written", INCOMPLETE)
    except (RequestError, RuleError, report_folder.ReportFolderError) as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    return report.answer


def find_printer(named: str) -> str:
    """Returns the browser that prints to PDF; without one the program ends with one line."""
    from harmonize.api.printing import PrintingError, find_browser

    try:
        return find_browser(named)
    except PrintingError as error:
        fail(f"--pdf: {error}", USAGE)


def print_report(
    settings: Settings, folder: Path, browser: str, names: "Sequence[str]", *, is_whole: bool
) -> None:
    """Prints pages of a report to PDF; an error ends the program with one line.

    ``names`` are the pages that were named; ``is_whole`` adds those of the navigation.
    """
    from harmonize.api.printing import PrintingError, named_pages, navigation_pages, print_pages

    try:
        named = named_pages(folder, names)
    except PrintingError as error:
        fail(f"--pdf-page: {error}", USAGE)
    try:
        printed = print_pages([*(navigation_pages(folder) if is_whole else ()), *named], browser)
    except PrintingError as error:
        fail(f"--pdf: {error}", USAGE)
    note(settings, f"printed {counted(len(printed), 'page')} of {folder} to PDF")


def read(selection: "Selection") -> "Reading":
    """Reads a selection; one that cannot be read ends the program with one line."""
    from harmonize.api.audit import RequestError
    from harmonize.api.audit import read as read_selection
    from harmonize.archive.archive import ArchiveError

    try:
        return read_selection(selection)[0]
    except RequestError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)


def find_schedule(
    settings: Settings, selection: "Selection", symbol: str
) -> "tuple[MarginSchedule, dict[str, Payload]]":
    """Finds one schedule and the payloads; a missing one ends the program with one line."""
    from harmonize.api.audit import RequestError, find_schedule
    from harmonize.archive.archive import ArchiveError

    try:
        schedule, others, payloads = find_schedule(selection, symbol)
    except RequestError as error:
        fail(str(error), USAGE)
    except ArchiveError as error:
        fail(str(error), INCOMPLETE)
    except LookupError as error:
        fail(str(error.args[0]), INCOMPLETE)
    if others:
        note(settings, f"other profiles of {symbol}, for --profile: {'; '.join(others)}")
    return schedule, payloads


def exit_code(settings: Settings, answer: "Answer", fail_on: FailOn) -> int:
    """The highest of 3 (incomplete) and 1 (findings that reach ``fail_on``) that applies."""
    for line in answer.notes:
        note(settings, f"note: {line}")
    for line in answer.missing:
        note(settings, f"incomplete: {line}")
    for venue in answer.document.unobserved:
        if venue.attempted_at:
            note(settings, f"incomplete: {venue.venue} was not gathered: {venue.reason}")
    for defect in answer.document.defects:
        subject = f"{defect.venue} {defect.symbol}".rstrip()
        note(settings, f"incomplete: {subject}: {defect.where}: {defect.reason}")
    if not answer.complete:
        return INCOMPLETE
    threshold = fail_threshold(fail_on)
    if threshold is None:
        return OK
    return (
        FINDINGS if any(finding.reaches(threshold) for finding in answer.document.findings) else OK
    )


def fail_threshold(fail_on: FailOn) -> "Level | Verdict | None":
    """Returns the level or the verdict from which a finding counts; None: none does."""
    from harmonize.document import Level, Verdict

    if fail_on is FailOn.NEVER:
        return None
    return Verdict.BREACH if fail_on is FailOn.BREACH else Level(fail_on.value)
