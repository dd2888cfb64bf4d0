"""Changes of a schedule with the times of the observations before and after."""

from harmonize.core.date_precision import DateKind
from harmonize.core.schedule import MarginSchedule
from harmonize.document.change import Change, ChangeKind
from harmonize.text.messages import iso_utc


def dated_change(
    schedule: MarginSchedule,
    kind: ChangeKind,
    *,
    before: MarginSchedule | None = None,
    after: MarginSchedule | None = None,
) -> Change:
    """Returns a change of a schedule with the times of its observations before and after."""
    instrument = schedule.instrument
    (before_at, before_kind, before_from), (after_at, after_kind, after_from) = map(
        _observation_date, (before, after)
    )
    return Change(
        instrument.venue,
        instrument.symbol,
        str(schedule.profile),
        instrument.underlying.asset,
        kind,
        before_at,
        after_at,
        before_kind=before_kind,
        before_from=before_from,
        after_kind=after_kind,
        after_from=after_from,
    )


def _observation_date(schedule: MarginSchedule | None) -> tuple[str, str, str]:
    """Returns time, kind and earliest time of a schedule's observation; empty times without one."""
    if schedule is None:
        return "", DateKind.EXACT.value, ""
    observed_at, precision = schedule.observed_at, schedule.precision
    earliest = precision.earliest_text(observed_at)
    return iso_utc(observed_at), precision.kind.value, earliest
