"""Reads the file of a book of positions for commands."""

from pathlib import Path
from typing import TYPE_CHECKING

from harmonize.cli.console import USAGE, Settings, fail, fail_with, note, print_error

if TYPE_CHECKING:
    from harmonize.arbitrage.position_file import Book, BookFile


def read(path: Path, columns: list[str]) -> "BookFile":
    """Reads a file of positions; one of which nothing can be read ends the program."""
    from harmonize.arbitrage.book_columns import ColumnsError, parse_mapping
    from harmonize.arbitrage.book_tables import MAX_BYTES
    from harmonize.arbitrage.position_file import PositionsError, read_book
    from harmonize.core.bounded_file import read_regular_file

    try:
        mapping = parse_mapping(columns)
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
