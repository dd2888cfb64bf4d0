"""Findings as lists and tables: equal ones share a line, and each keeps its permalink."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from harmonize.document import Finding
from harmonize.text import numbers
from harmonize.text.words import VERIFIED_SIGNS
from reports.finding_order import LEVEL_SIGNS, select_leading
from reports.lookup import date_text
from reports.site.addresses import finding_anchor, underlying_path, venue_path
from reports.site.markup import NOTHING, Html, join, link_to, text
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table

_LISTED = 6
_NO_LINKS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Line:
    """Findings that differ only in contract, profile or rule set, in one line."""

    findings: tuple[Finding, ...]
    template: str

    @property
    def subject(self) -> tuple[str, str, tuple[str, ...], str]:
        """Venue, underlying, contracts and date of the line."""
        first = self.findings[0]
        contracts = dict.fromkeys(map(_contract, self.findings))
        return first.venue, first.underlying, tuple(contracts), date_text(first)

    def message(self, links: dict[str, str]) -> Html:
        """Returns the message; of several rule sets, with all of them.

        The first mention of a rule set leads to its address, which is taken out of `links`.
        """
        rules = {finding.rule_set: finding for finding in self.findings if finding.rule_set}
        before, mark, after = self.template.partition(_RULE_SETS)
        if mark:
            names = [_rule_words(rules[name], links) for name in sorted(rules)]
            return Html(
                f"{text(_whole_figures(before))}{join(names, ', ')}{text(_whole_figures(after))}"
            )
        for name in rules:
            before, mark, after = self.template.partition(name)
            if mark and name in links:
                linked = link_to(links.pop(name), name)
                return Html(f"{text(_whole_figures(before))}{linked}{text(_whole_figures(after))}")
        return text(_whole_figures(self.template))


_RULE_SETS = "\0"


def finding_list(findings: Iterable[Finding], rule_sets: Mapping[str, str] = _NO_LINKS) -> Html:
    """Returns findings below the contracts they concern, in their order; each has its anchor.

    ``rule_sets`` are the addresses of rule sets, to which their first mention leads.
    """
    links = dict(rule_sets)
    groups: dict[tuple[str, str, tuple[str, ...], str], list[_Line]] = {}
    for line in _lines(findings):
        groups.setdefault(line.subject, []).append(line)
    listed = "".join(
        f'{_subject_heading(*subject)}<ul class="findings">{"".join(_item(line, links) for line in lines)}</ul>\n'
        for subject, lines in groups.items()
    )
    return Html(f'<div class="columns">{listed}</div>') if listed else NOTHING


def _lines(findings: Iterable[Finding]) -> list[_Line]:
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        key = (
            *(finding.venue, finding.underlying, finding.code, finding.verdict.value),
            *(finding.level.value, finding.observed_at, finding.state, _template(finding)),
        )
        groups.setdefault(key, []).append(finding)
    return [_Line(tuple(group), key[-1]) for key, group in groups.items()]


def _template(finding: Finding) -> str:
    """Returns the message without its rule set, so that equal demands of several rules are equal."""
    if not finding.rule_set:
        return finding.message
    return finding.message.replace(
        f"({finding.verified}) by {finding.rule_set}", f"by {_RULE_SETS}", 1
    )


def _rule_words(finding: Finding, links: dict[str, str]) -> Html:
    sign = VERIFIED_SIGNS.get(finding.verified, "")
    name = link_to(links.pop(finding.rule_set, ""), finding.rule_set)
    return Html(f"{name} {text(sign)}" if sign else name)


def _contract(finding: Finding) -> str:
    profile = "" if finding.profile == "any" else finding.profile
    return " · ".join(part for part in (finding.symbol, profile) if part)


def _subject_heading(venue: str, underlying: str, contracts: Sequence[str], date: str) -> str:
    named = [contract for contract in contracts if contract]
    listed = ", ".join(named[:_LISTED])
    more = f" and {len(named) - _LISTED} more" if len(named) > _LISTED else ""
    words = " ".join(part for part in (venue or underlying, f"{listed}{more}") if part)
    if not words:
        return ""
    is_dated = not named and date != numbers.NOT_OBSERVABLE  # a contract's date is at its schedule
    dated = f" <span>observed {text(date)}</span>" if is_dated else ""
    return f'<h3 class="subject">{text(words)}{dated}</h3>'


def _item(line: _Line, links: dict[str, str]) -> str:
    first, *others = line.findings
    anchors = "".join(f'<a id="{finding_anchor(other.fingerprint)}"></a>' for other in others)
    return (
        f'<li id="{finding_anchor(first.fingerprint)}">{anchors}{level_text(first)}'
        f" <code>{text(first.code)}</code> {line.message(links)}</li>"
    )


def level_text(finding: Finding) -> str:
    """Returns the level as a shape and the verdict in words."""
    state = f", {finding.state}" if finding.state else ""
    return f"{LEVEL_SIGNS[finding.level]} {finding.verdict.value}{state}"


def leading_findings(findings: Sequence[Finding], limit: int) -> tuple[Finding, ...]:
    """Returns the findings to print first: one of equal ones, and few per check and venue."""
    return select_leading([line.findings[0] for line in _lines(findings)], limit)


def gravest_table(
    context: ReportContext, up: str, label: str, caption: str, findings: Sequence[Finding]
) -> Table:
    """Returns findings with message and smallest change, each with a link to its place.

    ``up`` leads from the page to the folder of the site.
    """
    rows = [
        Row(
            (
                _subject_cell(context, up, finding),
                Cell(level_text(finding), css=f"level {finding.level.value}"),
                _check_cell(finding),
                Cell(_whole_figures(_without_remedy(finding)), css="why"),
                Cell(_whole_figures(finding.remedy) or numbers.NOT_OBSERVABLE, css="why"),
                Cell(date_text(finding), css="dates"),
            )
        )
        for finding in findings
    ]
    heads = (
        "Contract",
        "Level",
        "Check",
        "Finding",
        "Smallest change that would comply",
        "Observed",
    )
    return Table(label, text(caption), heads, rows, css="findings")


def _without_remedy(finding: Finding) -> str:
    """Returns the message without the change that the next column states."""
    return finding.message.removesuffix(f"; to comply, {finding.remedy}")


def _whole_figures(message: str) -> str:
    """Returns a message whose figures stay on a line with their percent sign."""
    return message.replace(" %", f"{numbers.NBSP}%")


def _subject_cell(context: ReportContext, up: str, finding: Finding) -> Cell:
    subject = finding.symbol or finding.underlying or finding.rule_set or finding.venue
    places = [
        link_to(f"{up}{path}", name)
        for path, name in (
            (venue_path(finding.venue), finding.venue),
            (underlying_path(finding.underlying), finding.underlying),
        )
        if name
    ]
    address = f"{up}{context.finding_address(finding)}"
    listed = join(places, " · ")
    words = " ".join(part for part in (finding.venue, subject) if part)
    return Cell(words, Html(f'{link_to(address, subject)}<span class="each">{listed}</span>'))


def _check_cell(finding: Finding) -> Cell:
    rule = f'<span class="each">{text(finding.rule_set)}</span>' if finding.rule_set else ""
    markup = Html(f"<code>{text(finding.code)}</code> {text(finding.name)}{rule}")
    return Cell(f"{finding.code} {finding.name} {finding.rule_set}".strip(), markup)
