"""Verdicts on margins in words: one plain sentence per question, with its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from harmonize.document.adequacy import (
    AdequacyRow,
    BreachRow,
    ClearingRow,
    CoverageTest,
    HoldingRow,
)
from harmonize.text import numbers
from harmonize.text.messages import duration_text, observation_day, percent, window_text
from harmonize.text.numbers import NBSP
from harmonize.text.words import join_words

_LEAST_P_VALUE = 0.001

_MARGINS = {"maintenance": "MM", "buffer": "IM − MM", "initial": "IM"}
"""Margins whose holding time is measured, in the order of the sentence."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """Answers in words to: how long does it hold, does it survive the close-out, would it clear."""

    holding: str
    close_out: str
    clearing: str


def sentences(row: AdequacyRow) -> Sentences:
    """Returns one sentence per question on a verdict.

    What is unknown is stated with its reason. The text has no no-break spaces.
    """
    subject = _subject(row)
    answers = (_holding(row), _close_out(row), _clearing(row))
    return Sentences(*(f"{subject}, {answer}.".replace(NBSP, " ") for answer in answers))


def _subject(row: AdequacyRow) -> str:
    size = numbers.usd(row.notional)
    day = observation_day(row.observed_at, row.observed_from, row.date_kind)
    return f"At {size} on {row.venue} {row.symbol} ({row.side}, table of {day})"


def _holding(row: AdequacyRow) -> str:
    by_margin = {part.margin: part for part in row.holding}
    answers = [by_margin[margin] for margin in _MARGINS]
    known = [part for part in answers if part.seconds is not None]
    if not known:
        return f"no holding time is known: {answers[0].reason}"
    series = list(dict.fromkeys(name for part in known for name in part.series))
    least = min(part.observations for part in known if part.observations is not None)
    parts = join_words([_holding_part(part) for part in answers])
    return (
        f"compared with the {_level(row)} move, {parts}; "
        f"at least {least:,} moves of {join_words(series)}"
    )


def _holding_part(part: HoldingRow) -> str:
    name = _MARGINS[part.margin]
    if part.seconds is None or part.by_square_root is None or part.root_seconds is None:
        return f"{name} holds for an unknown time ({part.reason})"
    band = ""
    if part.bound == "measured":
        shortest = crossing_text(part.shortest_bound, part.shortest)
        band = f"{shortest} to {crossing_text(part.longest_bound, part.longest)}, "
    root = f"{duration_text(part.by_square_root)} by √t from {window_text(part.root_seconds)}"
    time = crossing_text(part.bound, part.seconds)
    return f"{name} of {percent(part.rate)} holds {time} ({band}{root})"


def crossing_text(bound: str, seconds: float | None) -> str:
    """Returns a time in words: ``12 minutes``, ``under 15 minutes`` or ``beyond 5 days``."""
    if seconds is None:
        return "an unknown time"
    if bound == "shorter":
        return f"under {window_text(seconds)}"
    if bound == "longer":
        return f"beyond {window_text(seconds)}"
    return duration_text(seconds)


def _close_out(row: AdequacyRow) -> str:
    after, every = row.after_liquidation, row.every_window
    if not row.has_windows:
        return f"the close-out cannot be tested: {every.reason}"
    maintenance = percent(row.maintenance)
    return f"{_after(after, maintenance)}; {_every(every)}; {_time(row)}{_worst(after, every)}"


def _after(test: CoverageTest, maintenance: str) -> str:
    window = window_text(test.seconds)
    if test.breaches is None:
        return (
            f"the share of liquidations after which the price moved beyond MM of {maintenance} "
            f"within {window} is not known ({test.reason})"
        )
    return (
        f"the price moved beyond MM of {maintenance} within {window} after {_share(test)} "
        f"liquidations at full leverage{_apart(test)}"
    )


def _apart(test: CoverageTest) -> str:
    """Returns how many of the windows do not overlap, if some do."""
    if test.separate is None or test.observations in {None, test.separate}:
        return ""
    return f", {test.separate:,} of them with windows that do not overlap"


def _every(test: CoverageTest) -> str:
    if test.breaches is None:
        return f"the share of all windows is not known ({test.reason})"
    return f"it did in {_share(test)} windows of {test.series}"


def _time(row: AdequacyRow) -> str:
    if row.close_out_seconds is None or row.volume is None:
        return row.volume_reason
    text = (
        f"closing takes {duration_text(row.close_out_seconds)} at {percent(row.participation)} of "
        f"{numbers.usd(row.volume)} a day (30 days to {row.volume_day})"
    )
    return (
        f"{text}, longer than the window: these shares are lower bounds"
        if row.is_at_least
        else text
    )


def _worst(after: CoverageTest, every: CoverageTest) -> str:
    breaches = after.worst or every.worst
    return f"; worst {_breach(breaches[0])}" if breaches else ""


def _breach(breach: BreachRow) -> str:
    return (
        f"{percent(breach.loss)} from {breach.start_close:,.10g} (close of the candle of "
        f"{breach.start}) to {breach.end_price:,.10g} ({breach.price} of {breach.end})"
        f"{', disputed by another source' if breach.disputed else ''}"
    )


def _clearing(row: AdequacyRow) -> str:
    if not row.clearing:
        return f"IM cannot be tested as clearing margin: {row.clearing_reason}"
    parts = join_words([_horizon_part(part) for part in row.clearing])
    tested = [part.test.series for part in row.clearing if part.test.breaches is not None]
    series = f"; prices of {tested[0]}" if tested else ""
    return (
        f"IM of {percent(row.initial)} covered {parts}; "
        f"{_level(row)} is the standard{_gap(row.clearing)}{series}"
    )


def _horizon_part(part: ClearingRow) -> str:
    test, days = part.test, window_text(part.test.seconds)
    if test.breaches is None or test.observations is None or test.breach_rate is None:
        return f"an unknown share of moves over {days} ({test.reason})"
    bound = ""
    if test.rate_at_most is not None:
        bound = f", at most {percent(test.rate_at_most)} by the rule of three"
    return (
        f"{percent(1.0 - test.breach_rate)} of moves over {days} ({test.breaches:,} of "
        f"{test.observations:,} beyond{bound}, {_tests(part)})"
    )


def _gap(parts: Sequence[ClearingRow]) -> str:
    """Returns the shortfall or excess of margin on open interest, over the shortest horizon."""
    first = parts[0]
    if first.under is None or first.over is None:
        return ""
    days = window_text(first.test.seconds)
    day = f" of {first.open_interest_day}" if first.open_interest_day else ""
    if first.under:
        return (
            f"; the open interest{day} is under-margined by {numbers.usd(first.under)} over {days}"
        )
    return f"; the open interest{day} is over-margined by {numbers.usd(first.over)} over {days}"


def _tests(part: ClearingRow) -> str:
    values = (
        ("Kupiec", part.kupiec),
        ("Christoffersen", part.christoffersen),
        ("Z₂", part.shortfall),
    )
    known = [f"{name} {_p_value(value)}" for name, value in values if value is not None]
    return ", ".join([part.zone, *known]) if known else f"not tested: {part.test.reason}"


def _p_value(value: float) -> str:
    return f"p < {_LEAST_P_VALUE}" if value < _LEAST_P_VALUE else f"p = {value:.3f}"


def _share(test: CoverageTest) -> str:
    text = f"{test.breaches:,} of {test.observations:,} ({percent(test.breach_rate)})"
    if test.rate_at_most is None:
        return text
    return f"{text[:-1]}, at most {percent(test.rate_at_most)} by the rule of three)"


def _level(row: AdequacyRow) -> str:
    return f"{row.level * 100:g} %"
