"""Records of signals in words."""

from harmonize.document.thresholds import SignalRow
from harmonize.text.messages import counted, percent


def record_sentence(row: SignalRow) -> str:
    """Returns how often a signal was on, what followed, and whether it foresees breaches."""
    if row.days is None or row.days_on is None or row.runs is None:
        return f"record: none, {row.reason}"
    share = f" ({percent(row.days_on / row.days)})" if row.days else ""
    return (
        f"record: on for {row.days_on:,} of {counted(row.days, 'day')} of underlyings{share}, in "
        f"{counted(row.runs, 'run')}; a breach followed within five days on {_share(row.followed)} of "
        f"these days and {_share(row.any_day)} of any; {row.foretold or 0:,} of "
        f"{counted(row.first_breaches or 0, 'first breach', 'first breaches')} foretold, "
        f"{_share(row.by_chance)} expected by chance: {row.foresight}"
    )


def _share(value: float | None) -> str:
    return "an unknown share" if value is None else percent(value)
