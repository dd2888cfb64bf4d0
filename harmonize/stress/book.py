"""Synthetic positions of each venue: open interest, effective leverage and sizes as quantiles.

Nothing is drawn without a seed. Row i of n has the stratum of leverage above which the share
``(1 − (i + ½)/n)⁴`` of the open interest lies, and carries the open interest of its stratum. High
leverage decides small falls and losses beyond margin, so that the strata are finest there. The size
quantile runs through n equal strata in another order: the ranks of the multiples of the golden ratio.
A density of sizes proportional to N⁻² spreads open interest evenly over log N.

With a seed, positions of equal open interest are drawn independently: a sample of positions.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harmonize.core.schedule import Unknown
from harmonize.liquidation.price import Side
from harmonize.stress.defaults import DEFAULTS, SizeRange, StressDefaults
from harmonize.stress.errors import StressInputError
from harmonize.stress.positions import Floats, Positions, build_positions, signs
from harmonize.stress.tiers import VenueMargins

_TAIL = 4
"""Power of the strata of leverage; 1 would give every row the same open interest."""

_DEEP = -5.0
"""Cut, in standard deviations, below which the share of the distribution above it is all but 1."""

_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True)
class UnobservableVenue:
    """Venue without positions in the book, and why."""

    venue: str
    reason: str


@dataclass(frozen=True, slots=True)
class Book:
    """Positions of one underlying with the margin terms of their venues, in the order of the venues."""

    underlying: str
    positions: Positions
    margins: tuple[VenueMargins, ...]
    not_observable: tuple[UnobservableVenue, ...] = ()


def synthetic_book(  # noqa: PLR0913 - the terms of a book
    underlying: str,
    open_interest: Mapping[str, float],
    margins: Mapping[str, VenueMargins | Unknown],
    *,
    defaults: StressDefaults = DEFAULTS,
    rows: int | None = None,
    seed: int | None = None,
    sides: tuple[Side, ...] = tuple(Side),
) -> Book:
    """Returns the positions of every venue with open interest and margins; others are listed.

    Longs and shorts of a venue each have its open interest, in USD. With a seed, quantiles are drawn
    instead of spread: such books serve intervals only. ``rows`` per venue and side are by default those
    of the assumptions. ``sides`` limits the book to what one direction liquidates. Raises
    StressInputError: no venue is observable, open interest is not a finite number above 0, or there are
    no rows.
    """
    if rows is None:
        rows = (defaults.grid_rows if seed is None else defaults.sample_rows).value
    if rows < 1:
        message = f"rows: expected a number from 1, found {rows}"
        raise StressInputError(message)
    observed, missing = _observed(underlying, open_interest, margins, defaults.sizes.value)
    sampling = _Sampling(defaults, rows, seed)
    notional, margin, count = _columns(observed, open_interest, underlying, sides, sampling)
    positions = build_positions(
        tuple(observed),
        np.repeat(np.arange(len(observed)), len(sides) * rows),
        np.tile(np.repeat(signs(sides), rows), len(observed)),
        notional,
        margin,
        count=count,
        underlyings=(underlying,),
    )
    return Book(underlying, positions, tuple(observed.values()), tuple(missing))


def _observed(
    underlying: str,
    open_interest: Mapping[str, float],
    margins: Mapping[str, VenueMargins | Unknown],
    sizes: SizeRange,
) -> tuple[dict[str, VenueMargins], list[UnobservableVenue]]:
    """Returns the terms of observable venues, and the other venues with their reasons."""
    observed: dict[str, VenueMargins] = {}
    missing: list[UnobservableVenue] = []
    for venue in sorted(set(open_interest) | set(margins)):
        terms = margins.get(venue, Unknown("margins are not observed"))
        reason = _missing_reason(venue, open_interest.get(venue), terms, sizes)
        if reason or isinstance(terms, Unknown):
            missing.append(UnobservableVenue(venue, reason))
        else:
            observed[venue] = terms
    if not observed:
        reasons = "; ".join(f"{venue.venue}: {venue.reason}" for venue in missing)
        message = (
            f"{underlying}: no venue has both open interest and margins ({reasons or 'none given'})"
        )
        raise StressInputError(message)
    return observed, missing


def _missing_reason(
    venue: str, open_interest: float | None, terms: VenueMargins | Unknown, sizes: SizeRange
) -> str:
    """Returns why a venue has no positions in a book; empty if it has."""
    if open_interest is None:
        return "open interest is not observed"
    if not 0.0 < open_interest < np.inf:
        message = (
            f"{venue}: open interest: expected a finite number above 0, found {open_interest};"
            " leave the venue out if it is unknown"
        )
        raise StressInputError(message)
    if isinstance(terms, Unknown):
        return terms.reason
    if terms.largest <= sizes.smallest:
        return f"margins are observed only up to ${terms.largest:,.0f}"
    return ""


@dataclass(frozen=True, slots=True)
class _Sampling:
    """How quantiles are chosen."""

    defaults: StressDefaults
    rows: int
    seed: int | None

    def quantiles(self, venue: str, side: Side) -> tuple[Floats, Floats, Floats]:
        """Returns the shares with higher leverage, the size quantiles, and the shares of the rows."""
        if self.seed is not None:
            key = zlib.crc32(f"{venue} {side.value}".encode())  # other venues change nothing
            leverage, size = np.random.default_rng([self.seed, key]).random((2, self.rows))
            return 1.0 - np.maximum(leverage, 1e-12), size, np.full(self.rows, 1.0 / self.rows)
        edges = np.arange(self.rows, -1, -1) / self.rows
        spread = (np.arange(self.rows) + 0.5) / self.rows
        order = np.argsort(np.argsort((np.arange(self.rows) * _GOLDEN) % 1.0))
        return spread[::-1] ** _TAIL, spread[order], -np.diff(edges**_TAIL)


def _columns(
    observed: Mapping[str, VenueMargins],
    open_interest: Mapping[str, float],
    underlying: str,
    sides: tuple[Side, ...],
    sampling: _Sampling,
) -> tuple[Floats, Floats, Floats]:
    """Returns notional, margin and count of the rows of every venue and side, in that order."""
    sizes = sampling.defaults.sizes.value
    keys = [(terms, side) for terms in observed.values() for side in sides]
    quantiles = [sampling.quantiles(terms.venue, side) for terms, side in keys]
    above, by_size, share = (np.stack(column) for column in zip(*quantiles, strict=True))
    owned = np.array([open_interest[terms.venue] for terms, _ in keys])[:, None]
    limit = np.array([terms.largest for terms, _ in keys])[:, None]
    smallest = np.minimum(sizes.smallest, owned)
    largest = np.minimum(np.minimum(sizes.largest, limit), owned)
    notional = smallest * (largest / smallest) ** by_size
    initial = np.stack(
        [terms.initial_margin(row) for (terms, _), row in zip(keys, notional, strict=True)]
    )
    shapes = [sampling.defaults.leverage_of(underlying, side) for _, side in keys]
    median = np.array([shape.median for shape in shapes])[:, None]
    log_sd = np.array([shape.log_sd for shape in shapes])[:, None]
    with np.errstate(divide="ignore"):  # without IM, leverage has no largest value
        cut = np.log(notional / initial / median) / log_sd
    leverage = median * np.exp(log_sd * _cut_normal(above, cut))
    count = owned * share / notional
    return notional.ravel(), (notional / leverage).ravel(), count.ravel()


def _cut_normal(above: Floats, cut: Floats) -> Floats:
    """Returns the quantiles with a share above them of standard normal distributions below a cut."""
    from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp  # noqa: PLC0415 - heavy

    # In shares above, which keep their digits where shares below are all but 1.
    quantile: Floats = -ndtri(ndtr(-cut) + above * ndtr(cut))
    deep = cut < _DEEP
    if deep.any():
        quantile[deep] = ndtri_exp(np.log1p(-above[deep]) + log_ndtr(cut[deep]))
    return quantile
