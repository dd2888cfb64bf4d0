"""Positions as arrays: venue, underlying, side, notional and margin at the first mark, account."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harmonize.liquidation.price import Side
from harmonize.stress.errors import StressInputError

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]

_T = TypeVar("_T", bound=np.generic)

NO_ACCOUNT = -1
"""Account of a position that is margined alone."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions as read-only arrays of one length.

    ``venue`` and ``underlying`` are indices into ``venues`` and ``underlyings``. ``side`` is 1 for a
    long and −1 for a short. ``notional`` and ``margin`` (the equity) are those of one position, in USD
    at the first mark. ``count`` is the number of equal positions that a row represents. ``account``
    groups the positions on one venue that share their margin; ``NO_ACCOUNT`` is a position margined
    alone. ``account_names`` are the names by account, empty if they have none.
    """

    venues: tuple[str, ...]
    underlyings: tuple[str, ...]
    venue: Codes
    underlying: Codes
    side: Floats
    notional: Floats
    margin: Floats
    count: Floats
    account: Codes
    account_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of rows."""
        return self.notional.size

    @property
    def total(self) -> Floats:
        """Notional of each row, in USD: of all positions that it represents."""
        return self.notional * self.count

    def subset(self, rows: Codes | Flags) -> "Positions":
        """Returns the rows selected by indices or flags."""
        return Positions(
            self.venues,
            self.underlyings,
            _read_only(self.venue[rows]),
            _read_only(self.underlying[rows]),
            _read_only(self.side[rows]),
            _read_only(self.notional[rows]),
            _read_only(self.margin[rows]),
            _read_only(self.count[rows]),
            _read_only(self.account[rows]),
            self.account_names,
        )

    def resized(self, notional: Floats, margin: Floats) -> "Positions":
        """Returns the same positions with other notionals and margins, in USD."""
        return build_positions(
            self.venues,
            self.venue,
            self.side,
            notional,
            margin,
            count=self.count,
            account=self.account,
            underlyings=self.underlyings,
            underlying=self.underlying,
            account_names=self.account_names,
        )


def build_positions(  # noqa: PLR0913 - one argument per column
    venues: Sequence[str],
    venue: ArrayLike,
    side: ArrayLike,
    notional: ArrayLike,
    margin: ArrayLike,
    *,
    count: ArrayLike | None = None,
    account: ArrayLike | None = None,
    underlyings: Sequence[str] = ("",),
    underlying: ArrayLike | None = None,
    account_names: Sequence[str] = (),
) -> Positions:
    """Returns positions from columns; a scalar applies to every row.

    Raises StressInputError: an amount that is not a finite number above 0, a side other than 1 and
    −1, an index without a name, or columns of unequal lengths.
    """
    size = max(np.size(column) for column in (venue, side, notional, margin))
    positions = Positions(
        tuple(venues),
        tuple(underlyings),
        _codes("venue", venue, size, len(venues)),
        _codes("underlying", 0 if underlying is None else underlying, size, len(underlyings)),
        _numbers("side", side, size),
        _amounts("notional", notional, size),
        _amounts("margin", margin, size),
        _amounts("count", 1.0 if count is None else count, size),
        _codes("account", NO_ACCOUNT if account is None else account, size, None),
        tuple(account_names),
    )
    is_side = np.abs(positions.side) == 1.0
    _require("side", positions.side, is_side, "1 for a long, −1 for a short")
    return positions


def signs(sides: Sequence[str | Side]) -> Floats:
    """Returns 1 for each long and −1 for each short. Raises StressInputError: another word."""
    values = {Side.LONG.value: 1.0, Side.SHORT.value: -1.0}
    for row, side in enumerate(sides):
        if side not in values:
            message = f"position {row + 1}: side: expected long or short, found {str(side)!r}"
            raise StressInputError(message)
    return np.array([values[str(side)] for side in sides])


def _codes(name: str, values: ArrayLike, size: int, count: int | None) -> Codes:
    """Returns a read-only copy of a column of indices below a count; None is without a limit."""
    column = _filled(name, np.array(values, np.intp), size)
    if count is not None:
        _require(name, column, (column >= 0) & (column < count), f"an index below {count}")
    return column


def _amounts(name: str, values: ArrayLike, size: int) -> Floats:
    """Returns a read-only copy of a column of amounts."""
    column = _numbers(name, values, size)
    _require(name, column, (column > 0.0) & (column < np.inf), "a finite number above 0")
    return column


def _numbers(name: str, values: ArrayLike, size: int) -> Floats:
    return _filled(name, np.array(values, np.float64), size)


def _filled(name: str, array: NDArray[_T], size: int) -> NDArray[_T]:
    """Returns a column of a size; a scalar applies to every row."""
    if array.ndim and array.shape != (size,):
        message = f"{name}: expected {size} values, one per position, found {array.size}"
        raise StressInputError(message)
    return _read_only(np.full(size, array) if array.ndim == 0 else array)


def _read_only(array: NDArray[_T]) -> NDArray[_T]:
    array.setflags(write=False)
    return array


def _require(name: str, column: NDArray[_T], valid: Flags, expected: str) -> None:
    """Raises StressInputError for the first row that is not valid."""
    if not valid.all():
        row = int(np.flatnonzero(~valid)[0])
        message = f"position {row + 1}: {name}: expected {expected}, found {column[row]}"
        raise StressInputError(message)
