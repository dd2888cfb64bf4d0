"""Command ``stress``: what a fall liquidates, and what other margin rules would change."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli import request, sheets
from harmonize.cli.adequacy import check_chart
from harmonize.cli.compare import RulesOption, answer_or_fail
from harmonize.cli.console import (
    INCOMPLETE,
    OK,
    USAGE,
    Settings,
    check_outputs,
    fail,
    note,
    write,
)
from harmonize.cli.cross_venue import parse_rate
from harmonize.cli.executors import check_workers, workers_of
from harmonize.cli.options import (
    AsOf,
    Instruments,
    OutputOption,
    ProfileOption,
    SheetForm,
    SheetFormOption,
    Venues,
    VerifiedOnlyOption,
)
from harmonize.cli.stress_given import (
    ImpactModelOption,
    LeverageOption,
    given_defaults,
    given_impact,
)
from harmonize.text.messages import iso_utc

if TYPE_CHECKING:
    from harmonize.api.stress import StressAnswer
    from harmonize.stress.positions import Positions
    from harmonize.stress.scenario import Scenario

_SCHEMA_VERSION = "1.1"
"""Version of the JSON; its first number rises when a field is removed or changes its meaning."""


def stress(
    context: typer.Context,
    underlying: Annotated[
        list[str] | None,
        typer.Argument(help="Underlyings, such as BTC (default all with open interest)."),
    ] = None,
    *,
    scenario: Annotated[
        str | None,
        typer.Option(
            "--scenario", help="Bundled scenario, such as 2025-10-10 or -20%, or a YAML file."
        ),
    ] = None,
    positions: Annotated[
        Path | None,
        typer.Option(
            "--positions",
            help="CSV file of positions: venue, underlying, side, notional, margin, account.",
        ),
    ] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            help="Change of rules: reference, reference=im, reference=mm, leverage=10, "
            "maintenance=1.5, buffer=5% or adopt=VENUE; on the day with @5% (repeatable; default "
            "the three references).",
        ),
    ] = None,
    shock: Annotated[
        str | None,
        typer.Option(
            "--shock",
            help="Shock of contributions and effects, as 10% (default: the scenario's largest fall, or 10%).",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", help="Books behind an interval, 20 to 1,000 (default 40)."),
    ] = None,
    impact: Annotated[
        bool, typer.Option("--impact", help="Keep impact on in the replay of a recorded path.")
    ] = False,
    taker_fee: Annotated[
        str,
        typer.Option("--taker-fee", help="Taker fee of venues that add one to MM, as 0.05%."),
    ] = "0",
    leverage: LeverageOption = None,
    impact_model: ImpactModelOption = None,
    fund: Annotated[
        list[str] | None,
        typer.Option(
            "--fund",
            help="Insurance fund for reverse stress and paths, as VENUE=USD, such as okx=50m (repeatable).",
        ),
    ] = None,
    slices: Annotated[
        int,
        typer.Option(
            "--slices",
            help="Partial liquidation on the path of a scenario: equal slices per position, 1 to 20.",
        ),
    ] = 1,
    deleverage: Annotated[
        bool,
        typer.Option(
            "--deleverage",
            help="Auto-deleveraging after the path of a scenario: close shorts at the bankruptcy "
            "price for losses that no fund pays.",
        ),
    ] = False,
    venue: Venues = None,
    rules: RulesOption = None,
    as_of: AsOf = None,
    profile: ProfileOption = "",
    instrument: Instruments = None,
    verified_only: VerifiedOnlyOption = False,
    workers: Annotated[
        int,
        typer.Option("--workers", help="Processes that share the books of the seeds, from 1."),
    ] = 1,
    cluster: Annotated[
        str,
        typer.Option(
            "--cluster", help="Scheduler of a Dask cluster instead, such as tcp://host:8786."
        ),
    ] = "",
    chart: Annotated[
        Path | None,
        typer.Option("--chart", help="Write a chart of one underlying to this SVG file."),
    ] = None,
    form: SheetFormOption = SheetForm.TABLE,
    output: OutputOption = None,
) -> None:
    """Simulate a fall: positions liquidated, forced sales, venues' part, and the effect of rules."""
    from harmonize.api.question import Question
    from harmonize.api.stress import StressTerms, answer_stress

    depth = (impact_model or "").removeprefix("depth=")
    inputs = (positions, *(Path(text) for text in (scenario, depth, *(rules or ())) if text))
    if chart is not None:
        if len(underlying or []) != 1:
            found = f"{len(underlying or [])} underlyings"
            fail(f"--chart: expected one underlying, found {found}; name one, such as BTC", USAGE)
        check_chart(chart)
    check_outputs((output, chart), *inputs)
    check_workers(cluster, workers if workers != 1 else None)
    default = StressTerms()
    terms = StressTerms(
        _scenario(scenario) if scenario is not None else None,
        _positions(positions) if positions else None,
        tuple(what_if) if what_if else default.what_ifs,
        _shock(shock) if shock is not None else None,
        default.seeds if seeds is None else seeds,
        impact,
        _rate_below_one(taker_fee, "--taker-fee", "a rate", "0.05%"),
        _funds(fund or []),
        given_defaults(leverage),
        given_impact(impact_model, _read),
        slices,
        deleverage,
    )
    selection = request.selection(
        context.obj,
        venue=venue,
        underlying=underlying,
        rules=rules,
        as_of=as_of,
        profile=profile,
        instrument=instrument,
        strict=verified_only,
    )
    question = Question.of(selection, request.options())
    with workers_of(cluster, workers) as executor:
        answer = answer_or_fail(lambda: answer_stress(question, terms, executor))
    _print(answer, form, output)
    if chart is not None:
        _write_chart(answer, chart)
    _exit(context.obj, answer)


def _scenario(name: str) -> "Scenario":
    from harmonize.api.stress_scenarios import find_scenario
    from harmonize.stress.scenario import bundled_scenarios

    bundled = bundled_scenarios()
    text = None if name in bundled or not _is_file(name) else _read(Path(name), "--scenario")
    return answer_or_fail(lambda: find_scenario(name, bundled, text))


def _is_file(name: str) -> bool:
    return Path(name).suffix.lower() in {".yaml", ".yml"} or Path(name).is_file()


def _positions(path: Path) -> "Positions":
    from harmonize.api.known_venues import known_venues
    from harmonize.stress.errors import StressInputError
    from harmonize.stress.position_file import read_positions

    text = _read(path, "--positions")
    try:
        return read_positions(text, path.name, known_venues())
    except StressInputError as error:
        fail(str(error), USAGE)


def _read(path: Path, option: str) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        fail(f"{option}: {path}: expected UTF-8 text; save the file as UTF-8", USAGE)
    except OSError as error:
        fail(f"{option}: cannot read {path}: {error.strerror}; use another path", USAGE)


def _rate_below_one(text: str, option: str, noun: str, example: str) -> float:
    rate = parse_rate(text, option)
    if rate >= 1.0:
        expected = f"expected {noun} from 0 to below 100 %, such as {example}"
        fail(f"{option}: {expected}, found {text!r}", USAGE)
    return rate


def _shock(text: str) -> float:
    rate = parse_rate(text, "--shock")
    if not 0.0 < rate < 1.0:
        fail(f"--shock: expected a fall above 0 and below 100 %, found {text!r}; use 10%", USAGE)
    return rate


def _funds(texts: list[str]) -> dict[str, float]:
    """Returns funds by venue, in USD; a wrong text, or two amounts for one venue, end the program."""
    funds: dict[str, float] = {}
    for text in texts:
        venue, equals, amount = text.partition("=")
        if not (venue and equals):
            fail(f"--fund: expected VENUE=USD, such as okx=50m, found {text!r}", USAGE)
        own = request.parse_amount(amount, f"--fund {venue}")
        if not 0.0 <= own < float("inf"):
            fail(f"--fund {venue}: expected an amount in USD from 0, found {amount!r}", USAGE)
        if funds.setdefault(venue, own) != own:
            fail(f"--fund {venue}: found two different values; remove one of the two", USAGE)
    return funds


def _print(answer: "StressAnswer", form: SheetForm, output: Path | None) -> None:
    from harmonize.api import stress_table
    from harmonize.cli import stress_text

    sheets.print_answer(
        sheets.Printout(
            value=lambda: _object(answer),
            table=lambda: stress_table.csv_sheet(answer),
            pages=lambda: stress_table.stress_sheets(answer),
            text=lambda: stress_text.stress_text(answer),
            title=f"Stress, as of {answer.as_of:%Y-%m-%d}",
            created=answer.as_of,
        ),
        form,
        output,
    )


def _object(answer: "StressAnswer") -> dict[str, object]:
    scenario = answer.scenario
    return {
        "schema_version": _SCHEMA_VERSION,
        "as_of": iso_utc(answer.as_of),
        "archive": answer.archive,
        "scenario": None
        if scenario is None
        else {
            "id": scenario.id,
            "title": scenario.title,
            "kind": scenario.kind.value,
            "step_minutes": scenario.step_minutes,
            "first_mark": scenario.first_mark,
            "citations": [asdict(citation) for citation in scenario.citations],
        },
        "stress": [asdict(row) for row in answer.rows],
        "accounts": [asdict(row) for row in answer.accounts],
        "partial_liquidation": [asdict(row) for row in answer.switched.slices],
        "deleveraging": [asdict(row) for row in answer.switched.deleveraging],
        "validation": [asdict(row) for row in answer.validation],
        "statements": list(answer.statements),
        "missing": list(answer.missing),
        "notes": list(answer.notes),
    }


def _write_chart(answer: "StressAnswer", path: Path) -> None:
    if not answer.rows[0].points:
        fail(f"--chart: no curve to draw: {answer.rows[0].market.reason}", INCOMPLETE)
    from harmonize.cli.stress_chart import stress_chart

    write(path, stress_chart(answer))


def _exit(settings: Settings, answer: "StressAnswer") -> None:
    """Prints notes, and ends with exit code 3 if something requested was not simulated."""
    for line in answer.notes:
        note(settings, f"note: {line}")
    for line in answer.missing:
        note(settings, f"incomplete: {line}")
    raise typer.Exit(INCOMPLETE if answer.missing else OK)
