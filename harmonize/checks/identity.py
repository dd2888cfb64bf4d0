"""MH910: schedules under one name that may be on different assets."""

from collections.abc import Iterator, Mapping, Sequence

from harmonize.checks.base import AuditContext, Check, Draft, for_schedule
from harmonize.comparison.identity import Identity, Relation, identities, relation
from harmonize.core.schedule import MarginSchedule
from harmonize.document import Level, Verdict
from harmonize.document.change import Change, ChangeKind
from harmonize.text.messages import iso_utc

Key = tuple[str, str]
"""Venue and symbol."""


def identity_unclear(context: AuditContext) -> Iterator[Draft]:
    """A contract may be on another asset than the contracts of the same name elsewhere.

    ## What it checks
    All schedules on one underlying. Prices per coin that venues state within a day, the dates of the
    observations, and what changed at a venue: a first listing, or a table without any tier of the
    earlier one.

    ## Why it matters
    A ticker is no identity. Exchanges give the code of an ended contract to another coin, or to a
    share. Margins of two assets are no comparison: such a contract is shown, and excluded from
    cross-venue statistics. A contract that is only listed or changed later than the observation of
    another venue stays included.

    ## Formula
    Another asset: larger price / smaller price > 1.5 within a day. Identity not observed: no such
    prices, observations over 60 days apart, and no entry for both in the table of assets
    (`harmonize assets`). The contracts of a name on most venues are compared, of several such groups
    the newest.

    ## Example
    PUMP on Bitget in April 2025 is PumpBTC, PUMP on Binance in July 2026 is Pump.fun.

    ## Citation
    Convention of this tool. Venues of the recorded archive that state prices within a day differ by
    less than 2 %.
    """
    schedules = {schedule.key[:2]: schedule for schedule in reversed(context.schedules)}
    for schedule in schedules.values():
        if schedule.identity_doubt:
            is_other = schedule.identity_doubt.startswith(Relation.DIFFERENT)
            level = Level.WARNING if is_other else Level.INFO
            yield _draft(schedule, level, schedule.identity_doubt, "")
    beginnings = _beginnings(context)
    for identity in identities(context.schedules).values() if beginnings else ():
        yield from _flags(identity, schedules, beginnings)


def _draft(schedule: MarginSchedule, level: Level, message: str, subject: str) -> Draft:
    draft = Draft(Verdict.NOT_OBSERVABLE, level, "", message, subject=subject)
    return for_schedule(schedule, draft)._replace(profile="")


def _beginnings(context: AuditContext) -> dict[Key, Change]:
    """Latest recent change per contract after which its name may mean another asset."""
    changes = (dated.change for dated in context.recent_history.changes)
    return {
        (change.venue, change.symbol): change
        for change in sorted(changes, key=lambda change: change.after)
        if change.kind is ChangeKind.LISTED or change.replaced
    }


def _flags(
    identity: Identity,
    schedules: Mapping[Key, MarginSchedule],
    beginnings: Mapping[Key, Change],
) -> Iterator[Draft]:
    """Contracts that began or were replaced after the observation of another venue.

    Only those that nothing but close dates joins with the others.
    """
    compared: Sequence[MarginSchedule] = [schedules[x.key] for x in identity.groups[0]]
    by_key = {x.key: x for x in identity.groups[0]}
    for schedule in compared:
        key = schedule.key[:2]
        change = beginnings.get(key)
        if change is None:
            continue
        earlier = [
            other.instrument.venue
            for other in compared
            if other.instrument.venue != key[0]
            and iso_utc(other.observed_at) < change.after
            and relation(by_key[key], by_key[other.key[:2]]) is Relation.PRESUMED
        ]
        if earlier:
            what = "no earlier tier is left" if change.replaced else "first listed"
            message = (
                f"{what} on {change.after_day}, later than the observation at {earlier[0]}: "
                "no price shows that both are one asset"
            )
            yield _draft(schedule, Level.INFO, message, "began later")


CHECKS = (Check("MH910", "identity-unclear", identity_unclear),)
