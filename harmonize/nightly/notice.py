"""The notice of a night for people and programs, and whether the night needs one."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite

from harmonize.checks.threshold_signals import SIGNAL_CODES
from harmonize.core.yaml_source import one_line
from harmonize.document import Finding, Level
from harmonize.document.change import Change, ChangeKind
from harmonize.document.night import EndedSignal, Night

FORMAT = "harmonize-notice/1"
ON = ("new", "worse", "ended", "errors")
ERRORS, FINDINGS, ENDED, CHANGES = 10, 15, 10, 5
"""Maximum number of lines per kind in a notice."""

MAX_LENGTH = 700
"""Maximum length of a line, in characters. Signals need up to 650 for evidence, proposal and record."""

_LEVELS = tuple(Level)
_KINDS_BY_SEVERITY = (
    ChangeKind.TIGHTER,
    ChangeKind.MIXED,
    ChangeKind.UNKNOWN,
    ChangeKind.DELISTED,
    ChangeKind.LOOSER,
)
_WORDS = {"initial": "IM", "maintenance": "MM"}


@dataclass(frozen=True, slots=True)
class Notice:
    """The notice of a night. Title and lines are one line each, without control characters.

    ``lines`` are a selection, ``document`` is the complete night as JSON. ``as_of`` is the night's
    effective time, ``link`` the address of its page, empty if it has none.
    """

    night: str
    as_of: str
    exit_code: int
    title: str
    lines: tuple[str, ...]
    link: str
    document: bytes = field(repr=False)


def should_notify(night: Night, level: Level, on: Collection[str] = ON) -> bool:
    """Whether a night needs a notice.

    ``on`` names the reasons for one: ``new`` and ``worse`` findings and ``ended`` signals at or above
    ``level``, ``errors``, ``changes``.
    """
    states = {
        _state(finding) for finding in night.new_findings if _rank(finding.level) <= _rank(level)
    }
    ended = [own for own in night.ended_signals if _rank(own.level) <= _rank(level)]
    others = {"ended": ended, "errors": night.errors, "changes": night.changes}
    return bool(states & set(on)) or any(others.get(reason) for reason in on)


def notice(night: Night, link: str) -> Notice:
    """Returns the notice of a night; equal nights give equal notices, byte for byte."""
    title, link = _title(night), one_line(link)
    lines = tuple(_truncated(one_line(line)) for line in _lines(night))
    return Notice(
        night=one_line(night.night),
        as_of=night.as_of,
        exit_code=night.exit_code,
        title=title,
        lines=lines,
        link=link,
        document=_document(night, title, lines, link),
    )


def _title(night: Night) -> str:
    counts = (
        _count(len(night.errors), "error", "errors"),
        _count(len(night.new_findings), "new or worse finding", "new or worse findings"),
        _count(len(night.ended_signals), "ended signal", "ended signals"),
        _count(len(night.changes), "change", "changes"),
    )
    summary = ", ".join(count for count in counts if count) or "nothing new"
    return _truncated(one_line(f"Margins on {night.night}: {summary}"))


def _lines(night: Night) -> Iterator[str]:
    yield from (f"error: {error}" for error in night.errors[:ERRORS])
    yield from _omitted(len(night.errors) - ERRORS, "error", "errors")
    findings = sorted(night.new_findings, key=_severity)
    yield from map(_finding_line, findings[:FINDINGS])
    yield from _omitted(len(findings) - FINDINGS, "finding", "findings")
    ended = sorted(
        night.ended_signals, key=lambda own: (_rank(own.level), own.code, own.underlying)
    )
    yield from map(_ended_line, ended[:ENDED])
    yield from _omitted(len(ended) - ENDED, "ended signal", "ended signals")
    if night.changes:
        yield _kinds_line(night.changes)
        yield from map(_change_line, sorted(night.changes, key=_importance)[:CHANGES])
        yield from _omitted(len(night.changes) - CHANGES, "change", "changes")


def _omitted(number: int, singular: str, plural: str) -> Iterator[str]:
    if number > 0:
        yield f"… and {number} more {singular if number == 1 else plural}"


def _count(number: int, singular: str, plural: str) -> str:
    return f"{number} {singular if number == 1 else plural}" if number else ""


def _truncated(line: str) -> str:
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1]}…"


def _rank(level: Level) -> int:
    return _LEVELS.index(level)


def _state(finding: Finding) -> str:
    return "worse" if finding.state == "worse" else "new"


def _severity(finding: Finding) -> tuple[object, ...]:
    """Sort key of findings: most severe level, then signals, largest deviation, name.

    Signals have no deviation. They are few, and would be the first to be omitted.
    """
    return (
        _rank(finding.level),
        finding.code not in SIGNAL_CODES,
        -abs(finding.deviation or 0.0),
        *(finding.code, finding.venue, finding.symbol, finding.fingerprint),
    )


def _finding_line(finding: Finding) -> str:
    names = (finding.venue, finding.symbol, finding.rule_set)
    subject = " ".join(name for name in names if name) or finding.underlying
    code = f"{finding.code} {finding.name}"
    parts = (f"{_state(finding)} {finding.level.value}", subject, code, finding.message)
    return ": ".join(filter(None, parts))


def _ended_line(signal: EndedSignal) -> str:
    code = f"{signal.code} {signal.name}"
    return f"ended {signal.level.value}: {signal.underlying}: {code}: the signal is no longer on"


def _kinds_line(changes: Sequence[Change]) -> str:
    counts = Counter(change.kind for change in changes)
    kinds = [f"{counts[kind]} {kind.value}" for kind in ChangeKind if counts[kind]]
    return f"{_count(len(changes), 'change', 'changes')}: {', '.join(kinds)}"


def _importance(change: Change) -> tuple[object, ...]:
    """Sort key of changes: largest increase of margin, then the other kinds in order of severity."""
    kinds = [*_KINDS_BY_SEVERITY, *(kind for kind in ChangeKind if kind not in _KINDS_BY_SEVERITY)]
    group = 0 if change.kind in {ChangeKind.TIGHTER, ChangeKind.MIXED} else kinds.index(change.kind)
    rise = max((moved.largest_rise or 0.0 for moved in change.moved), default=0.0)
    fall = min((moved.largest_fall or 0.0 for moved in change.moved), default=0.0)
    return (group, -rise, fall, change.venue, change.symbol, change.profile)


def _change_line(change: Change) -> str:
    parts = []
    for moved in change.moved:
        for share, notional in (
            (moved.largest_rise, moved.rise_notional),
            (moved.largest_fall, moved.fall_notional),
        ):
            if share is not None:
                place = "" if notional is None else f" at ${notional:,.0f}"
                parts.append(
                    f"{_WORDS.get(moved.margin_type, moved.margin_type)} {share:+.2%}{place}"
                )
    moves = f": {', '.join(parts)}" if parts else ""
    profile = f" ({change.profile})" if change.profile else ""
    return f"{change.kind.value}: {change.venue} {change.symbol}{profile}{moves}"


def _document(night: Night, title: str, lines: Sequence[str], link: str) -> bytes:
    record = asdict(night)
    fields = {
        "format": FORMAT,
        "night": night.night,
        "as_of": night.as_of,
        "title": title,
        "link": link,
        "lines": lines,
        "version": night.version,
        "exit_code": night.exit_code,
        "counts": record["counts"],
        "errors": night.errors,
        "venues": record["venues"],
        "findings": record["new_findings"],
        "ended_signals": record["ended_signals"],
        "changes": record["changes"],
    }
    text = json.dumps(_json_value(fields), ensure_ascii=False, allow_nan=False)
    # A lone surrogate has no UTF-8 form; as an escape it is valid JSON.
    return text.encode(errors="backslashreplace")


def _json_value(value: object) -> object:
    """Returns the value with null for numbers that JSON cannot express."""
    if isinstance(value, dict):
        return {key: _json_value(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(member) for member in value]
    return None if isinstance(value, float) and not isfinite(value) else value
