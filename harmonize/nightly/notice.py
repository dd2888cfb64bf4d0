"""What a night has to tell to people and to programs, and whether it is worth telling."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite

from harmonize.core.yaml_source import one_line
from harmonize.document import Finding, Level
from harmonize.document.change import Change, ChangeKind
from harmonize.document.night import Night

FORMAT = "harmonize-notice/1"
ON = ("new", "worse", "errors")
ERRORS, FINDINGS, CHANGES = 10, 15, 5
"""How many lines of each kind a notice has at most."""

LONGEST = 300  # characters of a line
_LEVELS = tuple(Level)
_GRAVEST_KINDS = (
    ChangeKind.TIGHTER,
    ChangeKind.MIXED,
    ChangeKind.UNKNOWN,
    ChangeKind.DELISTED,
    ChangeKind.LOOSER,
)
_WORDS = {"initial": "IM", "maintenance": "MM"}


@dataclass(frozen=True, slots=True)
class Notice:
    """What is sent of a night. Title and lines are one line each and hold no control characters.

    ``lines`` are a selection, ``document`` is the whole night as JSON. ``as_of`` is the time that
    the night speaks of, ``link`` where more stands, empty if nowhere.
    """

    night: str
    as_of: str
    exit_code: int
    title: str
    lines: tuple[str, ...]
    link: str
    document: bytes = field(repr=False)


def should_notify(night: Night, level: Level, on: Collection[str] = ON) -> bool:
    """Whether a night is worth a notice.

    ``on`` names what counts: ``new`` and ``worse`` findings at or above ``level``, ``errors``,
    ``changes``.
    """
    grave = {_state(one) for one in night.new_findings if _rank(one.level) <= _rank(level)}
    there = {"errors": night.errors, "changes": night.changes}
    return bool(grave & set(on)) or any(there.get(word) for word in on)


def notice(night: Night, link: str) -> Notice:
    """Say what a night brought; the same night gives the same notice, byte for byte."""
    title, link = _title(night), one_line(link)
    lines = tuple(_cut(one_line(line)) for line in _lines(night))
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
    counted = (
        _counted(len(night.errors), "error", "errors"),
        _counted(len(night.new_findings), "finding new or worse", "findings new or worse"),
        _counted(len(night.changes), "change", "changes"),
    )
    said = ", ".join(one for one in counted if one) or "nothing new"
    return _cut(one_line(f"Margins on {night.night}: {said}"))


def _lines(night: Night) -> Iterator[str]:
    yield from (f"error: {one}" for one in night.errors[:ERRORS])
    yield from _left_out(len(night.errors) - ERRORS, "error", "errors")
    findings = sorted(night.new_findings, key=_gravity)
    yield from map(_told, findings[:FINDINGS])
    yield from _left_out(len(findings) - FINDINGS, "finding", "findings")
    if night.changes:
        yield _tally(night.changes)
        yield from map(_changed, sorted(night.changes, key=_weight)[:CHANGES])
        yield from _left_out(len(night.changes) - CHANGES, "change", "changes")


def _left_out(number: int, one: str, many: str) -> Iterator[str]:
    if number > 0:
        yield f"… and {_counted(number, one, many)} more"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _rank(level: Level) -> int:
    return _LEVELS.index(level)


def _state(finding: Finding) -> str:
    return "worse" if finding.state == "worse" else "new"


def _gravity(finding: Finding) -> tuple[object, ...]:
    """Orders findings: the gravest level, then what is furthest off, then by name."""
    return (
        _rank(finding.level),
        -abs(finding.deviation or 0.0),
        *(finding.code, finding.venue, finding.symbol, finding.fingerprint),
    )


def _told(finding: Finding) -> str:
    about = " ".join(one for one in (finding.venue, finding.symbol, finding.rule_set) if one)
    code = f"{finding.code} {finding.name}"
    return f"{_state(finding)} {finding.level.value}: {about}: {code}: {finding.message}"


def _tally(changes: Sequence[Change]) -> str:
    tally = Counter(one.kind.value for one in changes)
    kinds = [f"{tally[kind.value]} {kind.value}" for kind in ChangeKind if tally[kind.value]]
    return f"{_counted(len(changes), 'change', 'changes')}: {', '.join(kinds)}"


def _weight(change: Change) -> tuple[object, ...]:
    """Orders changes: margins that rose most, then other kinds by how much they hide or loosen."""
    kinds = [*_GRAVEST_KINDS, *(one for one in ChangeKind if one not in _GRAVEST_KINDS)]
    group = 0 if change.kind in {ChangeKind.TIGHTER, ChangeKind.MIXED} else kinds.index(change.kind)
    rise = max((one.largest_rise or 0.0 for one in change.moved), default=0.0)
    fall = min((one.largest_fall or 0.0 for one in change.moved), default=0.0)
    return (group, -rise, fall, change.venue, change.symbol, change.profile)


def _changed(change: Change) -> str:
    parts = []
    for moved in change.moved:
        for share, at in (
            (moved.largest_rise, moved.rise_notional),
            (moved.largest_fall, moved.fall_notional),
        ):
            if share is not None:
                where = "" if at is None else f" at ${at:,.0f}"
                parts.append(
                    f"{_WORDS.get(moved.margin_type, moved.margin_type)} {share:+.2%}{where}"
                )
    said = f": {', '.join(parts)}" if parts else ""
    profile = f" ({change.profile})" if change.profile else ""
    return f"{change.kind.value}: {change.venue} {change.symbol}{profile}{said}"


def _document(night: Night, title: str, lines: Sequence[str], link: str) -> bytes:
    whole = asdict(night)
    fields = {
        "format": FORMAT,
        "night": night.night,
        "as_of": night.as_of,
        "title": title,
        "link": link,
        "lines": lines,
        "version": night.version,
        "exit_code": night.exit_code,
        "counts": whole["counts"],
        "errors": night.errors,
        "venues": whole["venues"],
        "findings": whole["new_findings"],
        "changes": whole["changes"],
    }
    text = json.dumps(_plain(fields), ensure_ascii=False, allow_nan=False)
    return text.encode(errors="backslashreplace")  # half a surrogate pair is an escape of JSON too


def _plain(value: object) -> object:
    """The same with what JSON cannot say, a number that is not finite, as null."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
