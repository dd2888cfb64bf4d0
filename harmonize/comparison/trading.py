"""Judges whether the contract of a schedule trades on the date of an audit, and why it does not.

A contract that was closed when it was observed has no schedule at all: adapters see to that. Judged
here is what an observation cannot show: an expiry that has passed since, and a contract that the
venue's list of margins keeps after its asset moved to another contract.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import MappingProxyType

from harmonize.core.instrument import Instrument
from harmonize.core.schedule import MarginSchedule

FROZEN = timedelta(days=365)
"""Shortest time without any change after which a contract with a successor counts as ended."""

_Key = tuple[str, str, str]
"""Venue, symbol and profile of a schedule."""

_Contracts = dict[str, MarginSchedule]
"""One schedule per symbol."""


def with_trading(
    schedules: Sequence[MarginSchedule],
    as_of: date,
    unchanged_since: Mapping[_Key, datetime] = MappingProxyType({}),
) -> tuple[MarginSchedule, ...]:
    """Returns schedules in their order, those of contracts that do not trade with the reason.

    ``unchanged_since`` is the time of the last observed change by schedule key. Without it, only
    expiries and closed venues are judged.
    """
    replaced = _replaced_contracts(schedules, unchanged_since)
    return tuple(
        replace(schedule, not_trading=reason)
        if (reason := end_of_trading(schedule.instrument, as_of) or replaced.get(schedule.key[:2]))
        else schedule
        for schedule in schedules
    )


def end_of_trading(instrument: Instrument, as_of: date) -> str:
    """Returns why a contract no longer trades on a day; empty if neither it nor its venue has ended."""
    closed_on = instrument.venue_closed_on
    if closed_on is not None and closed_on <= as_of:
        return f"the venue closed on {closed_on}"
    expiry = instrument.expiry
    if expiry is None or expiry > as_of:
        return ""
    relation = "the audit's date" if expiry == as_of else "before the audit's date"
    return f"expired on {expiry}, {relation}"


def _replaced_contracts(
    schedules: Iterable[MarginSchedule], unchanged_since: Mapping[_Key, datetime]
) -> dict[tuple[str, str], str]:
    """Returns the reason by venue and symbol of perpetuals that another one has replaced."""
    groups: dict[tuple[str, ...], _Contracts] = {}
    for schedule in schedules if unchanged_since else ():
        instrument = schedule.instrument
        if instrument.perpetual and schedule.key in unchanged_since:
            market = (
                instrument.venue,
                instrument.underlying.asset,
                instrument.quote,
                instrument.settle,
            )
            groups.setdefault(market, {}).setdefault(instrument.symbol, schedule)
    return {
        schedule.key[:2]: reason
        for contracts in groups.values()
        for schedule in contracts.values()
        if (reason := _replacement_reason(schedule, contracts, unchanged_since))
    }


def _replacement_reason(
    schedule: MarginSchedule, contracts: _Contracts, unchanged_since: Mapping[_Key, datetime]
) -> str:
    """Returns why a perpetual is taken for replaced; empty if nothing suggests it.

    Contracts on one asset alone prove nothing: multiples such as 1000BOB and BOB may both trade. The
    table of assets must name two codes for the asset, and the other one must not be a former code.
    """
    since = unchanged_since[schedule.key]
    if schedule.observed_at - since < FROZEN:
        return ""
    for symbol, other in contracts.items():
        has_two_codes = schedule.instrument.asset_source and other.instrument.asset_source
        is_newer = (
            not other.instrument.has_former_code
            and other.observed_at == schedule.observed_at
            and unchanged_since[other.key] > since
        )
        if symbol != schedule.instrument.symbol and has_two_codes and is_newer:
            return (
                f"inferred to be delisted: no change since {since:%Y-%m-%d}, and {symbol} on the "
                "same asset is listed"
            )
    return ""
