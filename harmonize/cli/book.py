"""Books of positions for commands: their file, and what they could lose."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harmonize.cli.console import USAGE, Settings, check_output, fail, fail_with, note, print_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from harmonize.adequacy.book_risk import BookRisk
    from harmonize.api.book_risk import MarginCoverage
    from harmonize.api.cross_venue import PreparedUniverse
    from harmonize.api.question import Question
    from harmonize.arbitrage.accounts import SplitConstraints
    from harmonize.arbitrage.portfolio import Portfolio
    from harmonize.arbitrage.position_file import Book, BookFile, Position
    from harmonize.core.schedule import Unknown

RiskOption = Annotated[
    bool, typer.Option("--risk", help="Also print what the book could lose, from archived prices.")
]


def read(path: Path, columns: list[str] | None, output: Path | None) -> "BookFile":
    """Reads a file of positions; one of which nothing can be read ends the program.

    So does an output that cannot be written, or that would replace the file.
    """
    from harmonize.arbitrage.book_columns import ColumnsError, parse_mapping
    from harmonize.arbitrage.book_tables import MAX_BYTES
    from harmonize.arbitrage.position_file import PositionsError, read_book
    from harmonize.core.bounded_file import read_regular_file

    check_output(output, path)
    try:
        mapping = parse_mapping(columns or [])
    except ColumnsError as error:
        fail(f"--columns: {error}", USAGE)
    try:
        return read_book(read_regular_file(path, MAX_BYTES), path.name, mapping)
    except PositionsError as error:
        fail_with(error, USAGE)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        fail(f"{path}: cannot read the file: {reason}; use a file of positions", USAGE)


def print_readings(settings: Settings, book: "Book", name: str) -> None:
    """Writes how rows were read, and an error line per row that is not in the book."""
    from harmonize.arbitrage.position_file import limited

    for line in limited(book.notes, name, "notes on rows"):
        note(settings, f"note: {line}")
    for line in limited(book.errors, name):
        print_error(f"error: {line}")


def risk_of(question: "Question", answer: "Portfolio", as_of: "datetime") -> "BookRisk | Unknown":
    """Returns the margins of a book from prices; an archive that cannot be read ends the program."""
    from harmonize.api.book_risk import answer_book_risk
    from harmonize.archive.storage import ArchiveError

    try:
        return answer_book_risk(question, answer.held, as_of)
    except ArchiveError as error:
        fail_with(error, USAGE)


def coverage_of(
    risk: "BookRisk | Unknown | None",
    base: "PreparedUniverse",
    positions: "Sequence[Position]",
    constraints: "SplitConstraints",
) -> "tuple[MarginCoverage, ...]":
    """Returns which initial margins cover the joint risk, of the positions whose risk is known."""
    from harmonize.api.book_risk import margin_coverage
    from harmonize.api.cross_venue import answer_portfolio
    from harmonize.core.schedule import Unknown

    if risk is None or isinstance(risk, Unknown):
        return ()
    missing = {name for name, _ in risk.missing}
    own = [position for position in positions if position.underlying not in missing]
    return margin_coverage(risk, answer_portfolio(base, own, constraints))


def risk_object(
    risk: "BookRisk | Unknown | None", coverage: "Sequence[MarginCoverage]" = ()
) -> dict[str, object]:
    """Returns the margins of a book from prices for JSON; empty if they were not requested."""
    from harmonize.api.adequacy_object import plain

    return {} if risk is None else {"risk": plain(risk), "coverage": plain(coverage)}


def is_known(risk: "BookRisk | Unknown | None") -> bool:
    """Whether the margins of a whole book from prices are known, or were not requested."""
    from harmonize.core.schedule import Unknown

    return risk is None or not (isinstance(risk, Unknown) or risk.missing)
