"""How sure a statement on a margin is, and what lowers that in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from harmonize.api.threshold_terms import Certainty
from harmonize.document.input_age import MAX_AGE_DAYS
from harmonize.text.messages import counted
from harmonize.text.words import join_words
from harmonize.thresholds.gate import ASSET_SIDES

LEAST_VENUES = 3
"""Fewest venues whose median is sure."""

SURE_UNDERLYINGS = ASSET_SIDES // 2
"""Fewest underlyings over which a default is chosen for a statement of high certainty."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Reason that limits the certainty of a statement, apart from models that disagree.

    ``remedy`` is what would remove it, in words that follow "with".
    """

    limit: Certainty
    reason: str
    remedy: str


def old_prices(age_days: int) -> Doubt | None:
    """Returns the doubt that prices ended long ago cast; None: they did not."""
    if age_days <= MAX_AGE_DAYS:
        return None
    return Doubt(
        Certainty.LOW, f"the last price is {counted(age_days, 'day')} old", "recent prices"
    )


def few_underlyings(judged: int) -> Doubt | None:
    """Returns the doubt that a default chosen over few underlyings casts; None: it is over enough."""
    if judged >= SURE_UNDERLYINGS:
        return None
    words = f"models are judged over fewer than {SURE_UNDERLYINGS} underlyings"
    return Doubt(Certainty.MEDIUM, words, f"{SURE_UNDERLYINGS} underlyings")


def old_tables(age_days: int, day: date) -> Doubt | None:
    """Returns the doubt that the oldest table of a venue casts; None: it is recent."""
    if age_days <= MAX_AGE_DAYS:
        return None
    return Doubt(
        Certainty.LOW,
        f"the oldest table of a venue ({day}) is {counted(age_days, 'day')} old",
        "recent tables",
    )


def few_venues(number: int) -> Doubt | None:
    """Returns the doubt that the median of few venues casts; None: there are enough."""
    if number >= LEAST_VENUES:
        return None
    return Doubt(
        Certainty.LOW,
        f"fewer than {LEAST_VENUES} venues have a known IM",
        f"{LEAST_VENUES} venues of known IM",
    )


def certainty_of(agreeing: int, models: int, doubts: Iterable[Doubt]) -> tuple[Certainty, str]:
    """Returns the certainty, and in words what lowers it and what it would be without that.

    Of ``models`` that cover both sides, ``agreeing`` agree with the interval of the threshold.
    """
    level, disagreement = _by_models(agreeing, models)
    reasons = list(doubts)
    lowest = max((level, *(own.limit for own in reasons)), key=list(Certainty).index)
    words = [own.reason for own in reasons]
    if lowest is level:
        words = [*filter(None, (disagreement,)), *words]
        return level, f"{level}{f', because {join_words(words)}' if words else ''}"
    remedies = join_words([own.remedy for own in reasons])
    but = f", because {disagreement}" if disagreement else ""
    return (
        lowest,
        f"{lowest}, because {join_words(words)}; it would be {level} with {remedies}{but}",
    )


def _by_models(agreeing: int, models: int) -> tuple[Certainty, str]:
    """Returns the certainty by the models alone, and what lowers it; empty if nothing does."""
    if not models:
        return Certainty.LOW, "no model without a tool covers both sides"
    if agreeing == models:
        return Certainty.HIGH, ""
    agree = _agree_text(agreeing, models)
    return (Certainty.MEDIUM if 2 * agreeing > models else Certainty.LOW), agree


def _agree_text(agreeing: int, models: int) -> str:
    """Returns how many of several models agree with the interval, of which not all do."""
    if not agreeing:
        none = "the only model does not agree" if models == 1 else f"none of {models} models agrees"
        return f"{none} with the interval"
    verb = "agrees" if agreeing == 1 else "agree"
    return f"only {agreeing} of {counted(models, 'model')} {verb} with the interval"
