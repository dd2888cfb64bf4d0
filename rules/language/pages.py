"""Resolved YAML of a rule set with its inherited fields, and a Markdown page about a rule set."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from json import dumps

from harmonize.core.yaml_source import Path, Plain
from harmonize.policy.rule_set import (
    Citation,
    ContractKind,
    Model,
    ReferenceSchedule,
    RuleSet,
    Scope,
)
from harmonize.policy.summary import percent, requirement_summary
from rules.language.inheritance import NOT_INHERITED, Merged

_ORDER = ("id", "version", "title", "kind", "extends", "about", "scope", "requirement")


def resolved_text(rule_set: Merged) -> str:
    """Returns a merged rule set as YAML; comments mark inherited and overridden fields."""
    if not isinstance(rule_set.value, dict):
        return f"{_scalar(rule_set.value)}\n"
    ordered = {key: rule_set.value[key] for key in _ORDER if key in rule_set.value}
    return "".join(f"{line}\n" for line in _mapping(rule_set, {**ordered, **rule_set.value}, (), 0))


def _mapping(rule_set: Merged, value: dict[str, Plain], path: Path, indent: int) -> Iterator[str]:
    pad = "  " * indent
    for key, field in value.items():
        field_path = (*path, key)
        comment = _comment(rule_set, field_path)
        if isinstance(field, dict) and field:
            yield f"{pad}{_key(key)}:{comment}"
            yield from _mapping(rule_set, field, field_path, indent + 1)
        elif isinstance(field, list) and field:
            yield f"{pad}{_key(key)}:{comment}"
            yield from _list(rule_set, field, field_path, indent + 1)
        else:
            yield f"{pad}{_key(key)}: {_scalar(field)}{comment}"


def _list(rule_set: Merged, value: list[Plain], path: Path, indent: int) -> Iterator[str]:
    pad = "  " * indent
    for index, entry in enumerate(value):
        entry_path = (*path, index)
        if isinstance(entry, dict) and entry:
            first, *rest = _mapping(rule_set, entry, entry_path, indent + 1)
            yield f"{pad}- {first.lstrip()}"
            yield from rest
        elif isinstance(entry, list) and entry:
            yield f"{pad}-"
            yield from _list(rule_set, entry, entry_path, indent + 1)
        else:
            yield f"{pad}- {_scalar(entry)}"


def _comment(rule_set: Merged, path: Path) -> str:
    """Returns the file a field comes from, or the value it overrides; empty without inheritance."""
    if path[0] in NOT_INHERITED or any(isinstance(step, int) for step in path):
        return ""
    index = rule_set.layer(path)
    parent_index = rule_set.layer(path[:-1]) if path[:-1] in rule_set.origin else 0
    if index:
        return f"  # inherited from {rule_set.layers[index].name}" if index != parent_index else ""
    for layer in rule_set.layers[1:]:
        if path in layer.source.values:
            old, new = _value_at(layer.source.value, path), _value_at(rule_set.value, path)
            if old == new or (isinstance(old, dict) and isinstance(new, dict)):
                return ""
            old_text = "the value" if isinstance(old, dict | list) else _scalar(old)
            return f"  # replaces {old_text} in {layer.name}"
    return ""


def _value_at(value: Plain, path: Path) -> Plain:
    for step in path:
        value = value[step]  # type: ignore[index]  # the path was read off the value
    return value


def _key(key: str) -> str:
    return (
        key if key.replace("_", "").replace("-", "").isalnum() else dumps(key, ensure_ascii=False)
    )


def _scalar(value: Plain) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | date):
        return str(value)
    if isinstance(value, str):
        return dumps(value, ensure_ascii=False)
    return "{}" if isinstance(value, dict) else "[]"


def rule_set_page(rule_set: RuleSet) -> str:
    """Returns a Markdown page: requirement, sources, caveats and examples of a rule set."""
    parts = [f"# {rule_set.id}", rule_set.title, rule_set.about, _facts(rule_set)]
    parts += [_inputs(rule_set), _classes(rule_set), _cross_venue(rule_set), _adequacy(rule_set)]
    parts += [_published(rule_set), _sources(rule_set), _flags(rule_set), _examples(rule_set)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(rule_set: RuleSet) -> str:
    scope, tolerance = rule_set.scope, rule_set.tolerance
    parts = [f"{percent(tolerance.relative)} of the reference"] * (tolerance.relative > 0)
    parts += [f"{percent(tolerance.absolute)} of notional"] * (tolerance.absolute > 0)
    if tolerance.statistical:
        parts.append(f"the interval of the inputs at {percent(tolerance.statistical)}")
    lines = [
        f"- requirement: {requirement_summary(rule_set)}",
        f"- kind: {rule_set.kind}",
        f"- legal status: {'law, which can be breached' if rule_set.statutory else 'benchmark, not law'}",
        f"- scope: {scope.text}",
        f"- account classes: {', '.join(scope.account_classes) or 'all'}",
        f"- contracts: {', '.join(scope.contracts) or 'perpetual, dated'}",
        f"- underlyings: {_underlyings(scope)}",
        f"- in force: {_span(rule_set)}",
        f"- meaning of maintenance margin: {rule_set.meaning}",
        f"- tolerance: {', '.join(parts) or 'none'}",
    ]
    lines += _undetermined(scope)
    lines += [f"- extends: {rule_set.extends}"] * bool(rule_set.extends)
    return "\n".join(lines)


def _underlyings(scope: Scope) -> str:
    covered = ", ".join(scope.underlyings) or ("crypto" if scope.crypto_only else "any")
    excluded = f", except {', '.join(scope.except_underlyings)}" * bool(scope.except_underlyings)
    return f"{covered}{excluded}"


def _undetermined(scope: Scope) -> list[str]:
    """Returns a line per group of contracts that the rule set may or may not cover."""
    lines = []
    for entry in scope.undetermined:
        kinds = " and ".join(entry.contracts or ContractKind)
        assets = f" on {', '.join(entry.underlyings)}" * bool(entry.underlyings)
        lines.append(f"- not known for {kinds} contracts{assets}: {entry.reason}")
    return lines


def _span(rule_set: RuleSet) -> str:
    scope = rule_set.scope
    parts = [f"from {scope.since}"] * bool(scope.since) + [f"until {scope.until}"] * bool(
        scope.until
    )
    return " ".join(parts) or "always"


def _inputs(rule_set: RuleSet) -> str:
    requirement = rule_set.requirement
    measured = requirement.measured if isinstance(requirement, ReferenceSchedule) else None
    needs = (
        requirement.needs if isinstance(requirement, Model) else measured.needs if measured else ()
    )
    if not needs:
        return ""
    rows = [
        f"| {need.local} | `{need.name}` | {need.means} | {need.least_observations or '–'} |"
        for need in needs
    ]
    head = [
        "## Inputs",
        "",
        "| input | market data | definition | minimum observations |",
        "| --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *rows])


def _classes(rule_set: RuleSet) -> str:
    if not isinstance(rule_set.requirement, ReferenceSchedule):
        return ""
    rows = [
        f"| {class_.name} | {' '.join(class_.assets)} | {percent(class_.v1) if class_.v1 else '–'} |"
        for class_ in rule_set.requirement.classes
    ]
    return "\n".join(["## Classes", "", "| class | assets | v1 |", "| --- | --- | --- |", *rows])


def _cross_venue(rule_set: RuleSet) -> str:
    limits = rule_set.cross_venue
    if limits is None:
        return ""
    sentences = (
        (limits.gap, "arbitrage gap: at most {share} of the reference (MH701)"),
        (
            limits.one_cheapest,
            "sizes at which one venue alone has the lowest margin: at most {share} (MH702)",
        ),
        (
            limits.leverage,
            "mean leverage, weighted by capacity: at most {times} times the reference's (MH703)",
        ),
        (limits.spread, "highest margin: at most {times} times the lowest (MH704)"),
        (
            limits.saving,
            "saving of a split over the best single venue: at most {share} (MH705)",
        ),
        (limits.index, "harmonization index: at least {times} (MH706)"),
    )
    return "\n".join(["## Cross-venue limits", "", *_limit_lines(sentences)])


def _adequacy(rule_set: RuleSet) -> str:
    limits = rule_set.adequacy
    if limits is None:
        return ""
    sentences = (
        (limits.buffer_minutes, "IM − MM holds at least {times} minutes (MH501)"),
        (limits.maintenance_minutes, "MM holds at least {times} minutes (MH501)"),
        (limits.initial_minutes, "IM holds at least {times} minutes (MH501)"),
        (limits.close_out_share, "close-outs beyond MM: at most {share} of all windows (MH502)"),
        (
            limits.liquidation_share,
            "close-outs beyond MM after a liquidation: at most {share} (MH503)",
        ),
        (limits.coverage_1d, "coverage by IM over one day: at least {share} (MH504)"),
        (limits.coverage_2d, "coverage by IM over two days: at least {share} (MH504)"),
        (limits.coverage_5d, "coverage by IM over five days: at least {share} (MH504)"),
        (
            limits.coverage_significance,
            "a shortfall of coverage counts if its probability by chance is below {share} (MH504)",
        ),
        (
            limits.clustering_significance,
            "breaches count as clustered if the p-value of independence is below {share} (MH505)",
        ),
        (limits.size_exponent, "MM rises at least with T^{times}, T being the close-out (MH506)"),
    )
    return "\n".join(["## Limits on tests against past prices", "", *_limit_lines(sentences)])


def _limit_lines(sentences: Iterable[tuple[Decimal | None, str]]) -> list[str]:
    """Returns a line per limit that is set."""
    return [
        f"- {text.format(share=percent(limit), times=f'{limit.normalize():f}')}"
        for limit, text in sentences
        if limit is not None
    ]


def _published(rule_set: RuleSet) -> str:
    if not isinstance(rule_set.requirement, Model) or not rule_set.requirement.published:
        return ""
    lines = ["## Published rates", ""]
    for published in rule_set.requirement.published:
        rates = ", ".join(f"{asset} {percent(rate)}" for asset, rate in published.rates.items())
        span = f"{published.since} to {published.until}"
        lapses = published.last_use(rule_set.requirement.grace_days)
        span += f", used until {lapses}" * (lapses != published.until)
        lines.append(f"- {span}: {rates} ({published.verified}: {published.via})")
    return "\n".join(lines)


def _sources(rule_set: RuleSet) -> str:
    lines = [
        f"- **{citation.verified}**{_supported(citation)}: {citation.reference}. "
        f"Via: {citation.via}"
        for citation in rule_set.citations
    ]
    return "\n".join(["## Sources", "", *lines])


def _supported(citation: Citation) -> str:
    return f" for {', '.join(citation.supports)}" if citation.supports else ""


def _flags(rule_set: RuleSet) -> str:
    lines = [f"- {flag.field}: *{flag.status}*. {flag.note.strip()}" for flag in rule_set.flags]
    return "\n".join(["## Caveats", "", *lines]) if lines else ""


def _examples(rule_set: RuleSet) -> str:
    lines = [
        f"- {example.text}: {example.underlying}, "
        + ", ".join(
            f"{margin} {verdict}"
            for margin, verdict in (("IM", example.initial), ("MM", example.maintenance))
            if verdict is not None
        )
        for example in rule_set.examples
    ]
    return "\n".join(["## Test examples", "", *lines]) if lines else ""
