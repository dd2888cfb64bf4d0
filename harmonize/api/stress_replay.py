"""What a scenario's path is compared with: positions of another day, and a curve of one price."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from harmonize.document.input_age import MAX_AGE_DAYS
from harmonize.document.stress import StressRow
from harmonize.stress.scenario import Scenario

_DAY = timedelta(days=1)
_YEAR = 365.25

PATH_AND_CURVE = (
    "Path and curve differ: the path sells step by step, each position at the prices of its own sale; the"
    " curve closes every position at the final price, so that its losses are larger."
)


def replay_sentences(scenario: Scenario | None, rows: Sequence[StressRow]) -> tuple[str, ...]:
    """Returns per underlying how far its open interest lies from the scenario's day.

    Empty without a dated scenario, and for open interest of at most ``MAX_AGE_DAYS`` before or after.
    """
    if scenario is None or not scenario.first_mark:
        return ()
    start = datetime.fromisoformat(scenario.first_mark)
    sentences = []
    for row in rows:
        days = [venue.open_interest_at for venue in row.venues if venue.open_interest_at]
        gaps = [abs(datetime.fromisoformat(day) - start) / _DAY for day in days]
        if gaps and max(gaps) > MAX_AGE_DAYS:
            span = " to ".join(dict.fromkeys((min(days)[:10], max(days)[:10])))
            sentences.append(
                f"{row.underlying}: positions of {span} on the path of {scenario.first_mark[:10]}, "
                f"{_apart(max(gaps))} apart: not a reconstruction of that day."
            )
    return tuple(sentences)


def path_sentences(rows: Sequence[StressRow]) -> tuple[str, ...]:
    """Returns why path and curve differ, if some row has both."""
    return (PATH_AND_CURVE,) if any(row.paths and row.points for row in rows) else ()


def _apart(days: float) -> str:
    years = days / _YEAR
    return f"{years:.1f} years" if years >= 1.0 else f"{days:.0f} days"
