"""Names that a question has for underlyings, and what was observed of them."""

from dataclasses import replace
from typing import TypeVar

from harmonize.api.errors import RequestError
from harmonize.api.question import Selection
from harmonize.arbitrage.book_names import observed_bases
from harmonize.audit.assemble import Reading

S = TypeVar("S", bound=Selection)


def with_observed_names(selection: S, reading: Reading) -> S:
    """Returns a selection with the names of observed underlyings for those that a user wrote.

    A name that none matches stays as it is. Raises RequestError: a name that several match.
    """
    instruments = {
        (venue, observed_name(name, reading)): symbol
        for (venue, name), symbol in selection.instruments.items()
    }
    names = dict.fromkeys(observed_name(name, reading) for name in selection.underlyings)
    return replace(selection, underlyings=tuple(names), instruments=instruments)


def observed_name(name: str, reading: Reading) -> str:
    """Returns the observed underlying that a name means; the name itself if none matches.

    Raises RequestError: several match.
    """
    match = reading.names.match(name)
    if len(match) > 1:
        message = f"underlying {name} is ambiguous; use {' or '.join(match)}"
        raise RequestError(message)
    return match[0] if match else name


def missing(selection: Selection, reading: Reading) -> tuple[str, ...]:
    """Requested venues, underlyings and profiles without an observed schedule, one line each."""
    venues = {schedule.instrument.venue for schedule in reading.schedules}
    assets = {schedule.instrument.underlying.asset for schedule in reading.schedules}
    names = [f"venue {venue}" for venue in selection.venues if venue not in venues]
    if selection.profile and not reading.schedules:
        snapshots = {venue for venue, _ in reading.snapshots}
        unread = (f"venue {venue}" for venue in selection.venues if venue not in snapshots)
        names = [f"profile {selection.profile}", *unread]
    underlyings = with_observed_names(selection, reading).underlyings
    return (
        *(f"{name}: no schedule was observed" for name in names),
        *filter(
            None, (_no_schedule(x, selection, reading) for x in underlyings if x not in assets)
        ),
    )


def _no_schedule(asset: str, selection: Selection, reading: Reading) -> str:
    """Returns the line on an underlying without a selected schedule; empty if another line tells.

    The profile can be the reason: an underlying whose schedules have other ones was observed.
    """
    if selection.profile and asset in reading.names.names:
        reason = f"no schedule with profile {selection.profile} was observed"
        return f"underlying {asset}: {reason}" if reading.schedules else ""
    similar = similar_underlying(asset, reading)
    known = asset in reading.names.names
    fix = "" if known else "; use the code of an asset, such as BTC"
    fix = f"; did you mean {similar}?" if similar else fix
    return f"underlying {asset}: no schedule was observed{fix}"


def similar_underlying(asset: str, reading: Reading) -> str:
    """Returns the observed underlying that an unobserved name resembles; empty without one.

    ETHUSDT, ETH/USDT:USDT and ETH-PERP resemble ETH.
    """
    if asset in reading.names.names:
        return ""
    return base_of_pair(asset, reading) or reading.names.similar(asset)


def base_of_pair(name: str, reading: Reading) -> str:
    """Returns the observed underlying of a pair or contract, as ETH of ETHUSDT; empty without one."""
    bases = {underlying.asset for underlying in observed_bases(name, reading.names)}
    return bases.pop() if len(bases) == 1 and name not in reading.names.names else ""
