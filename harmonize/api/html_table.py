"""Tables for notebooks: text from elsewhere is inert."""

from collections.abc import Sequence
from html import escape

from harmonize.text.sanitize import plain

MAX_ROWS = 20
"""Largest number of rows that a notebook shows; the others are counted."""


def html_table(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], total: int | None = None
) -> str:
    """Returns an HTML table; of more than ``MAX_ROWS`` rows, the first and the number of the rest.

    ``total`` is the number of rows if ``rows`` are the first of them.
    """
    shown = rows[:MAX_ROWS]
    rest = (len(rows) if total is None else total) - len(shown)
    head = "".join(f"<th scope='col'>{_text(cell)}</th>" for cell in heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in shown
    )
    more = f"<p>and {rest:,} more</p>" if rest > 0 else ""
    return (
        f"<table><caption>{_text(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{more}"
    )


def _text(text: str) -> str:
    return escape(plain(text))
