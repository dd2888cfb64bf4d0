"""Rounding of figures that a calculation has produced, before they are compared, ranked or written.

Figures keep 12 significant digits; calculations agree with exact arithmetic to about as many. Rounding
hides the last bits, in which processors and mathematical libraries may differ. Everything that
follows, such as ranks, texts and files, is then the same everywhere.
"""

from collections.abc import Iterable


def rounded(value: float) -> float:
    """Returns a figure with 12 significant digits; NaN and infinite numbers are unchanged."""
    return float(f"{value:.12g}")


def rounded_all(values: Iterable[float]) -> tuple[float, ...]:
    """Returns figures with 12 significant digits each."""
    return tuple([float(f"{value:.12g}") for value in values])


def rounded_or_none(value: float | None) -> float | None:
    """Returns a figure with 12 significant digits; None remains None."""
    return None if value is None else float(f"{value:.12g}")
