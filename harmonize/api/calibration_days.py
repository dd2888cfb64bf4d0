"""Days on which a rule set can be calibrated, by the prices of its assets."""

from collections.abc import Sequence
from datetime import date, timedelta

from harmonize.calibration.evidence import LEAST_RETURNS, last_day
from harmonize.document.input_age import MAX_AGE, MAX_AGE_DAYS
from harmonize.market.prices import PriceSeries, utc_time

_LEAST_DAYS = LEAST_RETURNS + 1
"""Days after the first candle at which enough returns are known."""


def why_nothing_measured(
    name: str,
    series: Sequence[PriceSeries],
    as_of: date,
    made_on: date | None,
) -> str:
    """Returns why no input of a rule set was measured, with a day on which most assets have recent prices.

    ``name`` is the id of the rule set, ``made_on`` the day of its last version; None if it states none.
    """
    spans = [
        (part.id.underlying.asset, last_day(utc_time(part.times[-1] + part.step)), _first(part))
        for part in series
    ]
    if not spans:
        return f"no input of {name} was measured: no candles of its assets; import candles with `harmonize archive import FOLDER`"
    first = min(first for _, _, first in spans)
    if first > as_of:
        return f"no input of {name} was measured: no candle had closed by {as_of}; use --as-of from {first + timedelta(days=_LEAST_DAYS)} on"
    newest = max(day for _, day, _ in spans)
    if newest >= as_of - MAX_AGE:
        return f"no input of {name} was measured: fewer than {LEAST_RETURNS} returns by {as_of}; import a longer history"
    day = _best_day(spans, made_on)
    is_back = made_on is not None and day < made_on
    back = f", which is before {made_on}, the day of the last version" if is_back else ""
    return (
        f"no input of {name} was measured: the prices end by {newest}, more than {MAX_AGE_DAYS} days before "
        f"{as_of}; use --as-of {day}{back}, or import newer candles"
    )


def _first(part: PriceSeries) -> date:
    return utc_time(part.times[0]).date()


def _best_day(spans: Sequence[tuple[str, date, date]], made_on: date | None) -> date:
    """Returns the end of a series at which most assets have recent prices; of several, the latest.

    It is after the day of the last version, if half as many assets have recent prices on such a day.
    """
    counts = {
        day: len({asset for asset, end, first in spans if first <= day <= end + MAX_AGE})
        for _, day, _ in spans
    }
    most = max(counts.values())
    later = {
        day: count
        for day, count in counts.items()
        if made_on is not None and day > made_on and 2 * count >= most
    }
    own = later or counts
    return max(own, key=lambda day: (own[day], day))
