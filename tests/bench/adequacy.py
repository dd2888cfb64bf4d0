"""How long ``harmonize adequacy`` takes on the whole recorded archive, and its parts."""

import sys
import time
from collections.abc import Callable
from statistics import median

from harmonize.adequacy.venue_risks import RiskTerms, venue_risks
from harmonize.api.adequacy import judge_adequacy
from harmonize.api.adequacy_prices import read_prices
from harmonize.api.audit import Question, read_with_history

RUNS = 3
GOAL = 6.0
"""Largest time in seconds for every venue and underlying with prices."""

_BTC = Question(venues=("binance",), underlyings=("BTC",))


def main() -> None:
    """Print the median time of whole answers and of their parts."""
    _say(f"{'margins against prices':<58} {'median s':>9}")
    _, as_of = read_with_history(Question())
    prices, _ = read_prices(Question(), as_of, None)
    candles = sum(part.times.size for own in prices.values() for part in own)
    _report("schedules and recent changes read", lambda: read_with_history(Question()))
    _report(f"{candles:,} candles read", lambda: read_prices(Question(), as_of, None))
    _report(
        f"moves of {len(prices)} underlyings measured",
        lambda: [
            venue_risks(own, ("binance", "bybit", "okx"), asset, RiskTerms(as_of))
            for asset, own in prices.items()
        ],
    )
    _report(
        "whole answer: binance, BTC, with the margins of each day", lambda: judge_adequacy(_BTC)
    )
    answer = judge_adequacy(Question())
    whole = _report(
        f"whole answer: every venue, {len(answer.verdicts)} verdicts",
        lambda: judge_adequacy(Question()),
    )
    _say(f"{'goal of the whole answer':<58} {GOAL:>9.2f}  {'met' if whole <= GOAL else 'missed'}")


def _report(name: str, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    _say(f"{name:<58} {median(seconds):>9.2f}")
    return median(seconds)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
