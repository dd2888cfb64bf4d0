"""MH2xx: does a venue publish what a position costs?"""

from collections.abc import Iterator

from harmonize.checks.examined import Draft, Examined, about
from harmonize.document import Level, Verdict
from harmonize.schedule import Derived, Unknown


def maintenance_unknown(examined: Examined) -> Iterator[Draft]:
    """Maintenance margin cannot be observed.

    ## What it checks
    The schedule has a maintenance margin, and it can be put in USD.

    ## Why it matters
    Without it nobody outside the venue can say when a position is liquidated. Nothing that is
    unknown is ever counted as compliant.

    ## Example
    The venue publishes a maximum leverage alone.
    """
    for schedule in examined.schedules:
        if isinstance(schedule.maintenance, Unknown):
            reason = schedule.maintenance.reason
            draft = Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                "",
                f"MM is not observable: {reason}",
                figure="maintenance",
            )
            yield about(schedule, draft)


def initial_unknown(examined: Examined) -> Iterator[Draft]:
    """Initial margin cannot be observed.

    ## What it checks
    The schedule has an initial margin, and it can be put in USD.

    ## Why it matters
    Without it the leverage that the venue allows is not known at any size.

    ## Example
    Tiers are in contracts and no price was recorded to convert them.
    """
    for schedule in examined.schedules:
        if isinstance(schedule.initial, Unknown):
            reason = schedule.initial.reason
            draft = Draft(
                Verdict.NOT_OBSERVABLE,
                Level.WARNING,
                "",
                f"IM is not observable: {reason}",
                figure="initial",
            )
            yield about(schedule, draft)


def capacity_unknown(examined: Examined) -> Iterator[Draft]:
    """The largest position that the venue takes is not published.

    ## What it checks
    The last tier has an end, or the venue states a position limit.

    ## Why it matters
    How far a schedule reaches decides how much risk can be held at its last rate.

    ## Example
    The last margin tier is open-ended.
    """
    for schedule in examined.schedules:
        if isinstance(schedule.capacity, Unknown):
            draft = Draft(
                Verdict.NOT_OBSERVABLE,
                Level.INFO,
                "",
                f"capacity is not observable: {schedule.capacity.reason}",
                figure="capacity",
            )
            yield about(schedule, draft)


def margin_derived(examined: Examined) -> Iterator[Draft]:
    """A margin rests on a step that the venue does not state.

    ## What it checks
    IM and MM are known, not derived: same-day amounts, a stated rule for the tiers.

    ## Why it matters
    A derived margin can be wrong although every number in it was published. Whoever quotes it
    should quote the step as well.

    ## Example
    Position tiers in contracts of one day, converted with the contract value of another.
    """
    for schedule in examined.schedules:
        steps = {
            figure.derivation
            for figure in (schedule.initial, schedule.maintenance)
            if isinstance(figure, Derived)
        }
        if steps:
            said = "; ".join(sorted(steps))
            yield about(schedule, Draft(Verdict.NOT_APPLICABLE, Level.INFO, "", f"derived: {said}"))
