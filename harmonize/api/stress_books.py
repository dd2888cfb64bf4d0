"""Books of a stress: synthetic positions of observable venues, or those of a file."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np

from harmonize.api.audit import NotObservedError, RequestError
from harmonize.api.known_venues import unknown_venue_error
from harmonize.api.stress_case import BookMaker
from harmonize.api.stress_inputs import OpenInterestNear, Terms, TermsByVenue
from harmonize.core.schedule import Unknown
from harmonize.liquidation.price import Side
from harmonize.stress.book import Book, UnobservableVenue, synthetic_book
from harmonize.stress.defaults import StressDefaults
from harmonize.stress.open_interest import bundled_open_interest
from harmonize.stress.positions import Positions, build_positions
from harmonize.stress.tiers import VenueMargins
from harmonize.text.suggest import did_you_mean

_CODE = "use the code of an asset, such as BTC"


def is_observable(near: Mapping[str, OpenInterestNear], terms: TermsByVenue) -> bool:
    """Whether some venue has open interest and margins."""
    return any(venue in terms and not isinstance(terms[venue].margins, Unknown) for venue in near)


def _unobservable(
    underlying: str, near: Mapping[str, OpenInterestNear], terms: TermsByVenue
) -> str:
    """Returns what is missing for a book, with the fix as far as there is one."""
    if near:
        reasons = {venue: _reason(terms.get(venue)) for venue in sorted(near)}
        return "; ".join(f"{venue}: {reason}" for venue, reason in reasons.items())
    shipped = [row for row in bundled_open_interest().rows if row.underlying == underlying]
    if shipped:
        first = min(row.observed_at for row in shipped)[:10]
        venues = ", ".join(sorted(row.venue for row in shipped))
        return f"open interest is observed from {first} on, on {venues}; use a later --as-of, or one of them"
    known = sorted({row.underlying for row in bundled_open_interest().rows})
    return f"no open interest is observed{did_you_mean(underlying, known)}; use one of {', '.join(known)}"


def _reason(own: Terms | None) -> str:
    if own is None:
        return "no schedule was observed"
    return own.margins.reason if isinstance(own.margins, Unknown) else ""


def observable_books(
    underlying: str,
    near: Mapping[str, OpenInterestNear],
    terms: TermsByVenue,
    side: Side = Side.LONG,
) -> BookMaker:
    """Returns what makes the book of one side of a seed under assumptions, here or in another process.

    Raises NotObservedError: no venue is observable.
    """
    margins = {venue: own.margins for venue, own in terms.items()}
    open_interest = {venue: own.value for venue, own in near.items()}
    if not is_observable(near, terms):
        reason = _unobservable(underlying, near, terms)
        message = f"underlying {underlying}: no venue has both open interest and margins; {reason}"
        raise NotObservedError(message)
    return partial(_one_side, underlying, open_interest, margins, side=side)


def _one_side(  # noqa: PLR0913 - the terms of a book
    underlying: str,
    open_interest: Mapping[str, float],
    margins: Mapping[str, VenueMargins | Unknown],
    seed: int | None,
    defaults: StressDefaults,
    *,
    side: Side,
) -> Book:
    return synthetic_book(
        underlying, open_interest, margins, defaults=defaults, seed=seed, sides=(side,)
    )


def same_book(book: Book, seed: int | None, defaults: StressDefaults) -> Book:  # noqa: ARG001 - as a synthetic one
    """Returns the book: given positions depend on no seed and no assumption."""
    return book


def position_venues(positions: Positions, underlying: str) -> tuple[str, ...]:
    """Returns the venues of the given positions on an underlying; empty without any."""
    if underlying not in positions.underlyings:
        return ()
    rows = positions.underlying == positions.underlyings.index(underlying)
    return tuple(positions.venues[code] for code in np.unique(positions.venue[rows]))


def given_book(
    positions: Positions,
    underlying: str,
    terms: TermsByVenue,
    known: Collection[str] = (),
    selected: Collection[str] = (),
) -> Book:
    """Returns the given positions on an underlying, without those of venues whose margins are unknown.

    ``known`` are underlyings of which one is suggested for a name without margins. ``selected`` are the
    venues to which the question is limited; empty is every venue.
    Raises RequestError: an unknown venue, or a quanto contract; NotObservedError: no position is left.
    """
    names = position_venues(positions, underlying)
    if error := unknown_venue_error(names):
        message = f"positions: {error}"
        raise RequestError(message)
    missing = []
    usable = []
    for venue in names:
        is_selected = not selected or venue in selected
        reason = _reason(terms.get(venue)) if is_selected else "the venue is not selected"
        if reason.startswith("quanto"):
            message = f"positions: {venue} {underlying}: {reason}; choose another with --instrument"
            raise RequestError(message)
        if reason:
            missing.append(UnobservableVenue(venue, reason))
        else:
            usable.append(venue)
    if not usable:
        reasons = "; ".join(f"{absence.venue}: {absence.reason}" for absence in missing)
        fix = "" if terms or underlying in known else did_you_mean(underlying, known, _CODE)
        message = f"underlying {underlying}: {reasons or 'the file has no positions on it'}{fix}"
        raise NotObservedError(message)
    known_terms = (terms[venue].margins for venue in usable)
    margins = tuple(part for part in known_terms if not isinstance(part, Unknown))
    return Book(underlying, _selected(positions, underlying, usable), margins, tuple(missing))


def _selected(positions: Positions, underlying: str, venues: Sequence[str]) -> Positions:
    """Returns the positions on an underlying and venues, with the venues in the order given."""
    codes = [positions.venues.index(venue) for venue in venues]
    rows = np.flatnonzero(
        (positions.underlying == positions.underlyings.index(underlying))
        & np.isin(positions.venue, codes)
    )
    renumbered = np.array([codes.index(code) for code in positions.venue[rows].tolist()])
    return build_positions(
        venues,
        renumbered,
        positions.side[rows],
        positions.notional[rows],
        positions.margin[rows],
        account=positions.account[rows],
        underlyings=(underlying,),
        account_names=positions.account_names,
    )
