"""The rule set commands: list, show, explain, check, schema."""

from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import sheets, tables
from harmonize.cli.console import USAGE, fail_with, print_error, print_json, print_line, print_text
from harmonize.cli.options import FormOption, OutputForm
from reports.formats.sheets import record_sheet

if TYPE_CHECKING:
    from harmonize.core.yaml_source import Path
    from harmonize.policy.rule_set import RuleSet

rules_app = typer.Typer(help="Rule sets: reference requirements for margins.", no_args_is_help=True)
RuleSetName = Annotated[str, typer.Argument(help="Rule set, by id or YAML file.")]


@rules_app.command("list")
def rules_list(form: FormOption = OutputForm.TABLE) -> None:
    """List the bundled rule sets."""
    from rules import loader

    if form is not OutputForm.TABLE:
        records = tables.rule_set_records(loader.load_packs())
        if form is OutputForm.JSON:
            print_json(records)
        else:
            sheets.print_csv(record_sheet("Rule sets", records))
        return
    for rule_set in loader.load_packs():
        legal_status = "law" if rule_set.statutory else "benchmark"
        print_line(
            f"{rule_set.id:<22} {rule_set.kind:<11} {legal_status:<10} {rule_set.version:<9} {rule_set.title}"
        )


@rules_app.command("show")
def rules_show(
    rule_set: RuleSetName,
    *,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Include inherited fields, each with its source.")
    ] = False,
) -> None:
    """Print the source of a rule set, with its citations."""
    from harmonize.core.yaml_source import YamlSourceError
    from rules import loader
    from rules.language import pages

    try:
        if resolved:
            print_text(pages.resolved_text(loader.resolve(rule_set)))
        else:
            print_text(loader.rule_set_text(rule_set))
    except (loader.RuleError, YamlSourceError) as error:
        fail_with(error, USAGE)


@rules_app.command("explain")
def rules_explain(rule_set: RuleSetName) -> None:
    """Print the requirement of a rule set, its sources and its unverified parts."""
    from rules import loader
    from rules.language import pages

    try:
        print_text(pages.rule_set_page(loader.load(rule_set)))
    except loader.RuleError as error:
        fail_with(error, USAGE)


@rules_app.command("check")
def rules_check(rule_set: RuleSetName) -> None:
    """Check a rule set and its examples; print errors as file:line:column."""
    from rules import loader

    errors = loader.check(rule_set)
    if not errors:
        loaded = loader.load(rule_set)
        errors = _semantic_errors(rule_set, loaded)
    for line in errors:
        print_error(line)
    if errors:
        raise typer.Exit(USAGE)
    count = len(loaded.examples)
    examples = f", {count} example{'s' * (count != 1)} as expected" if count else ""
    print_line(f"{rule_set}: no errors{examples}")


def _semantic_errors(name: str, rule_set: "RuleSet") -> list[str]:
    """Returns the errors beyond single fields: failing examples and unknown checks."""
    from harmonize.audit.rule_examples import failing_examples
    from harmonize.checks import CHECKS
    from harmonize.policy.rule_set import Disclosure
    from rules import loader

    source = loader.resolve(name)
    errors: list[tuple[Path, str]] = [
        (
            ("examples", example.number),
            f"examples[{example.number}].{example.margin_type}: {example.message}",
        )
        for example in failing_examples(rule_set)
    ]
    codes = {check.code for check in CHECKS}
    if isinstance(rule_set.requirement, Disclosure):
        errors += [
            (
                ("requirement", "expects", number, "check"),
                f"requirement.expects[{number}].check: unknown check {expectation.code}; use a code that `harmonize explain` lists",
            )
            for number, expectation in enumerate(rule_set.requirement.expects)
            if expectation.code not in codes
        ]
    return [loader.message_at(source, path, message) for path, message in errors]


@rules_app.command("schema")
def rules_schema() -> None:
    """Print the JSON Schema of rule sets."""
    from rules.language.schema import json_schema

    print_json(json_schema())
