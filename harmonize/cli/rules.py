"""The commands about rule sets: list, show, explain, check, schema."""

from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli.console import USAGE, fail, print_json, write_stdout

if TYPE_CHECKING:
    from harmonize.core.yaml_source import Path
    from harmonize.policy.rule_set import RuleSet

rules_app = typer.Typer(help="Rule sets: what margins should be.", no_args_is_help=True)
RuleSetName = Annotated[str, typer.Argument(help="A pack by its id, or a file.")]


@rules_app.command("list")
def rules_list() -> None:
    """List the rule sets that ship with the tool."""
    from rules import loader

    for one in loader.bundled():
        standing = "law" if one.statutory else "benchmark"
        typer.echo(f"{one.id:<22} {one.kind:<11} {standing:<10} {one.version:<9} {one.title}")


@rules_app.command("show")
def rules_show(
    rule_set: RuleSetName,
    *,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="With all that it inherits, and from where.")
    ] = False,
) -> None:
    """Print a rule set as it is written, with its citations."""
    from harmonize.core.yaml_source import WrittenError
    from rules import loader
    from rules.language import pages

    try:
        if resolved:
            write_stdout(pages.resolved_text(loader.resolved(rule_set)).encode())
        else:
            write_stdout(loader.text(rule_set).encode())
    except (loader.RuleError, WrittenError) as error:
        fail(str(error), USAGE)


@rules_app.command("explain")
def rules_explain(rule_set: RuleSetName) -> None:
    """Print what a rule set says, where it comes from, and what of it is unverified."""
    from rules import loader
    from rules.language import pages

    try:
        write_stdout(pages.page(loader.load(rule_set)).encode())
    except loader.RuleError as error:
        fail(str(error), USAGE)


@rules_app.command("check")
def rules_check(rule_set: RuleSetName) -> None:
    """Check a rule set and run its examples; print every error as file:line:column."""
    from rules import loader

    errors = loader.check(rule_set)
    if not errors:
        loaded = loader.load(rule_set)
        errors = _unmet(rule_set, loaded)
    for line in errors:
        typer.echo(line, err=True)
    if errors:
        raise typer.Exit(USAGE)
    count = len(loaded.examples)
    tried = f", {count} example{'s' * (count != 1)} as expected" if count else ""
    typer.echo(f"{rule_set}: no errors{tried}")


def _unmet(named: str, rule_set: "RuleSet") -> list[str]:
    """What the fields alone do not show: examples that come out otherwise, checks that are none."""
    from harmonize.audit.rule_examples import failing_examples
    from harmonize.checks import CHECKS
    from harmonize.policy.rule_set import Disclosure
    from rules import loader

    whole = loader.resolved(named)
    found: list[tuple[Path, str]] = [
        (("examples", one.number), f"examples[{one.number}].{one.figure}: {one.message}")
        for one in failing_examples(rule_set)
    ]
    codes = {one.code for one in CHECKS}
    if isinstance(rule_set.requirement, Disclosure):
        found += [
            (
                ("requirement", "expects", number, "check"),
                f"requirement.expects[{number}].check: {one.code} is no check; see the list by `explain`",
            )
            for number, one in enumerate(rule_set.requirement.expects)
            if one.code not in codes
        ]
    return [loader.located(whole, path, message) for path, message in found]


@rules_app.command("schema")
def rules_schema() -> None:
    """Print the JSON Schema of rule sets."""
    from rules.language.schema import json_schema

    print_json(json_schema())
