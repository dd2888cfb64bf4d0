"""A rule set written out with all that it inherits, and pages about rule sets for people."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from json import dumps

from harmonize.core.yaml_source import Path, Plain, YamlSource
from harmonize.policy.rule_set import Citation, Model, ReferenceSchedule, RuleSet
from harmonize.policy.summary import summary
from rules.language.inheritance import NOT_INHERITED, Merged

_ORDER = ("id", "version", "title", "kind", "extends", "about", "scope", "requirement")


def resolved_text(whole: Merged) -> str:
    """Write a merged rule set as YAML; comments say what was inherited and what was overridden."""
    if not isinstance(whole.value, dict):
        return f"{_scalar(whole.value)}\n"
    ordered = {key: whole.value[key] for key in _ORDER if key in whole.value}
    return "".join(f"{line}\n" for line in _mapping(whole, {**ordered, **whole.value}, (), 0))


def _mapping(whole: Merged, value: dict[str, Plain], path: Path, indent: int) -> Iterator[str]:
    pad = "  " * indent
    for key, one in value.items():
        here = (*path, key)
        comment = _comment(whole, here)
        if isinstance(one, dict) and one:
            yield f"{pad}{_key(key)}:{comment}"
            yield from _mapping(whole, one, here, indent + 1)
        elif isinstance(one, list) and one:
            yield f"{pad}{_key(key)}:{comment}"
            yield from _list(whole, one, here, indent + 1)
        else:
            yield f"{pad}{_key(key)}: {_scalar(one)}{comment}"


def _list(whole: Merged, value: list[Plain], path: Path, indent: int) -> Iterator[str]:
    pad = "  " * indent
    for number, one in enumerate(value):
        here = (*path, number)
        if isinstance(one, dict) and one:
            first, *rest = _mapping(whole, one, here, indent + 1)
            yield f"{pad}- {first.lstrip()}"
            yield from rest
        elif isinstance(one, list) and one:
            yield f"{pad}-"
            yield from _list(whole, one, here, indent + 1)
        else:
            yield f"{pad}- {_scalar(one)}"


def _comment(whole: Merged, path: Path) -> str:
    """Say where a field comes from, or what it overrides; nothing in a rule set that stands alone."""
    if path[0] in NOT_INHERITED or any(isinstance(step, int) for step in path):
        return ""
    number = whole.layer(path)
    above = whole.layer(path[:-1]) if path[:-1] in whole.origin else 0
    if number:
        return f"  # from {whole.layers[number].name}" if number != above else ""
    for layer in whole.layers[1:]:
        if path in layer.written.values:
            was = _at(layer.written, path)
            now = _in(whole.value, path)
            if was == now or (isinstance(was, dict) and isinstance(now, dict)):
                return ""
            said = "that" if isinstance(was, dict | list) else _scalar(was)
            return f"  # instead of {said} in {layer.name}"
    return ""


def _at(written: YamlSource, path: Path) -> Plain:
    return _in(written.value, path)


def _in(value: Plain, path: Path) -> Plain:
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


def page(rule_set: RuleSet) -> str:
    """Write what a rule set says, where it comes from and what is unverified, in Markdown."""
    parts = [f"# {rule_set.id}", rule_set.title, rule_set.about, _facts(rule_set)]
    parts += [_inputs(rule_set), _classes(rule_set), _cross_venue(rule_set), _published(rule_set)]
    parts += [_sources(rule_set), _flags(rule_set), _examples(rule_set)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(rule_set: RuleSet) -> str:
    scope, tolerance = rule_set.scope, rule_set.tolerance
    parts = [f"{_percent(tolerance.relative)} of the reference"] * (tolerance.relative > 0)
    parts += [f"{_percent(tolerance.absolute)} of notional"] * (tolerance.absolute > 0)
    if tolerance.statistical:
        parts.append(f"the interval of the inputs at {_percent(tolerance.statistical)}")
    lines = [
        f"- asks: {summary(rule_set)}",
        f"- kind: {rule_set.kind}, {'law, which can be breached' if rule_set.statutory else 'a benchmark, no law'}",
        f"- scope: {scope.text}",
        f"- account classes: {', '.join(scope.account_classes) or 'all'}",
        f"- underlyings: {', '.join(scope.underlyings) or ('crypto' if scope.crypto_only else 'any')}",
        f"- in force: {_span(rule_set)}",
        f"- maintenance margin is: a {rule_set.meaning}",
        f"- tolerance: {', '.join(parts) or 'none'}",
    ]
    lines += [f"- varies: {rule_set.extends}"] * bool(rule_set.extends)
    return "\n".join(lines)


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
        f"| {one.local} | `{one.name}` | {one.means} | {one.least_observations or '–'} |"
        for one in needs
    ]
    head = [
        "## Inputs",
        "",
        "| in the formula | measured as | is | at least |",
        "| --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *rows])


def _classes(rule_set: RuleSet) -> str:
    if not isinstance(rule_set.requirement, ReferenceSchedule):
        return ""
    rows = [
        f"| {one.name} | {' '.join(one.assets)} | {_percent(one.v1) if one.v1 else '–'} |"
        for one in rule_set.requirement.classes
    ]
    return "\n".join(["## Classes", "", "| class | assets | v1 |", "| --- | --- | --- |", *rows])


def _cross_venue(rule_set: RuleSet) -> str:
    limits = rule_set.cross_venue
    if limits is None:
        return ""
    said = (
        (
            limits.gap,
            "the cheapest split may ask less than the reference by {share} of it at most (MH701)",
        ),
        (
            limits.one_cheapest,
            "one venue alone may ask least over {share} of sizes at most (MH702)",
        ),
        (
            limits.leverage,
            "mean leverage by capacity may be {times} times the reference's at most (MH703)",
        ),
        (limits.spread, "the dearest venue may ask {times} times the cheapest's at most (MH704)"),
        (limits.saving, "a split may save {share} over the best single venue at most (MH705)"),
        (limits.index, "the harmonization index may be {times} at least (MH706)"),
    )
    lines = [
        f"- {text.format(share=_percent(limit), times=f'{limit.normalize():f}')}"
        for limit, text in said
        if limit is not None
    ]
    return "\n".join(["## Limits across venues", "", *lines])


def _published(rule_set: RuleSet) -> str:
    if not isinstance(rule_set.requirement, Model) or not rule_set.requirement.published:
        return ""
    lines = ["## Published rates", ""]
    for one in rule_set.requirement.published:
        rates = ", ".join(f"{asset} {_percent(rate)}" for asset, rate in one.rates.items())
        lines.append(f"- {one.since} to {one.until}: {rates} ({one.verified}: {one.via})")
    return "\n".join(lines)


def _sources(rule_set: RuleSet) -> str:
    lines = [
        f"- **{one.verified}**{_supported(one)}: {one.reference}. Read through: {one.via}"
        for one in rule_set.citations
    ]
    return "\n".join(["## Where it comes from", "", *lines])


def _supported(one: Citation) -> str:
    return f" for {', '.join(one.supports)}" if one.supports else ""


def _flags(rule_set: RuleSet) -> str:
    lines = [f"- {one.field}: *{one.status}*. {one.note.strip()}" for one in rule_set.flags]
    return "\n".join(["## What is unverified or our choice", "", *lines]) if lines else ""


def _examples(rule_set: RuleSet) -> str:
    lines = [
        f"- {one.text}: {one.underlying}, "
        + ", ".join(
            f"{figure} {due}"
            for figure, due in (("IM", one.initial), ("MM", one.maintenance))
            if due is not None
        )
        for one in rule_set.examples
    ]
    return "\n".join(["## Examples that it is tested with", "", *lines]) if lines else ""


def _percent(rate: Decimal) -> str:
    return f"{float(rate) * 100:.6g} %"
