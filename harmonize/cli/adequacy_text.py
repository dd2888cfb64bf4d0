"""Verdicts on margins, their backtest and the series behind them as text for a terminal."""

from collections.abc import Iterator, Sequence

from harmonize.adequacy.backtests import Zone
from harmonize.adequacy.clearing import PhaseResults
from harmonize.adequacy.close_out import WindowCoverage
from harmonize.adequacy.coverage import Coverage
from harmonize.adequacy.holding_time import Crossing, HoldingTime, TimeBound
from harmonize.adequacy.severity import (
    every_window,
    has_size_verdict,
    headline,
    is_coarse,
    worst_days,
)
from harmonize.adequacy.table_history import TableBacktest
from harmonize.adequacy.verdict import Adequacy
from harmonize.api.adequacy import AdequacyAnswer, NotObservable, SeriesAnswer
from harmonize.api.adequacy_history import HistoryBacktest
from harmonize.api.adequacy_object import age_days
from harmonize.api.adequacy_rows import verdict_sentences
from harmonize.api.adequacy_table import defect_texts
from harmonize.cli.compare_text import aligned
from harmonize.core.schedule import Unknown
from harmonize.market.card import SeriesCard
from harmonize.market.prices import interval_text
from harmonize.text import numbers
from harmonize.text.messages import counted, percent, window_text
from harmonize.text.sanitize import one_line
from harmonize.text.words import first_words, margin_abbreviation

_MOST_SENTENCES = 4
"""Largest number of verdicts whose sentences follow the table."""

_MOST_REASONS = 8
_MOST_DAYS = 3
_MOST_NAMES = 4

_ONE_CANDLE = "*"
"""Mark of a share over one candle, which is no verdict on the size."""

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_SIGNS = {TimeBound.SHORTER: "< ", TimeBound.LONGER: "> ", TimeBound.MEASURED: ""}

Cells = tuple[str, ...]


def adequacy_text(answer: AdequacyAnswer) -> str:
    """Returns the verdicts in a table, worst first, sentences on few of them, and what is unknown."""
    terms = answer.terms
    sizes = ", ".join(numbers.usd(size) for size in terms.notionals)
    verdicts = f"{counted(len(answer.verdicts), 'verdict')} on positions of {sizes}"
    lines = [
        f"as of {answer.as_of:%Y-%m-%d}, read from {answer.archive}",
        f"{verdicts} against the {terms.level * 100:g} % move, worst first",
        "",
        *_verdict_table(answer),
        *_legend(answer),
        *_sentences(answer),
    ]
    if answer.history:
        lines += _history(answer)
    lines += _absent(answer)
    return _joined(lines)


def series_text(answer: SeriesAnswer) -> str:
    """Returns a line per series: identity, span, gaps and defects."""
    heads = (
        *("venue", "kind", "symbol", "underlying", "coins", "interval", "candles"),
        *("first", "end", "gaps", "missing", "defects"),
    )
    lines = [
        f"as of {answer.as_of:%Y-%m-%d}, read from {answer.archive}",
        f"{counted(len(answer.cards), 'series', 'series')} of prices",
        "",
        *aligned(heads, [_card(card) for card in answer.cards], right={4, 6, 9, 10}),
    ]
    return _joined(lines)


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{one_line(line)}\n" for line in lines).replace(numbers.NBSP, " ")


def _verdict_table(answer: AdequacyAnswer) -> Iterator[str]:
    heads = (
        *("underlying", "venue", "contract", "side", "size", "IM", "MM", "IM − MM holds"),
        *("MM holds", "IM holds", "over MM after liquidation", "in all windows"),
        *("IM over 1, 2, 5 days", "worst days", "table", "age", "prices"),
    )
    yield from aligned(heads, [_cells(v, answer) for v in answer.verdicts], right={4, 5, 6})


def _cells(verdict: Adequacy, answer: AdequacyAnswer) -> Cells:
    position = verdict.position
    return (
        position.underlying,
        position.venue,
        f"{position.symbol} ({position.profile})",
        verdict.side.value,
        numbers.usd(position.notional),
        _rate(position.initial),
        _rate(position.maintenance),
        _holding(verdict.holding.buffer),
        _holding(verdict.holding.maintenance),
        _holding(verdict.holding.initial),
        _headline(verdict),
        _share(every_window(verdict)),
        _clearing(verdict),
        ", ".join(day.isoformat() for day in worst_days(verdict)[:_MOST_DAYS]) or "–",
        position.precision.day_text(position.observed_at),
        _age(verdict, answer),
        _series(verdict),
    )


def _age(verdict: Adequacy, answer: AdequacyAnswer) -> str:
    """Returns the age of a table in days; at least, if its observation has no earliest date."""
    position = verdict.position
    is_bound = position.precision.older_end(position.observed_at) is None
    return f"{'≥ ' if is_bound else ''}{age_days(verdict, answer.as_of):.0f} d"


def _rate(rate: float | Unknown) -> str:
    return "–" if isinstance(rate, Unknown) else percent(rate)


def _holding(answer: HoldingTime | Unknown) -> str:
    if isinstance(answer, Unknown):
        return "–"
    root = f"√t {_duration(answer.by_square_root)}"
    if answer.time.bound is not TimeBound.MEASURED:
        return f"{_crossing(answer.time)}, {root}"
    band = f"{_crossing(answer.shortest)} to {_crossing(answer.longest)}"
    return f"{_crossing(answer.time)} ({band}), {root}"


def _crossing(crossing: Crossing) -> str:
    return f"{_SIGNS[crossing.bound]}{_duration(crossing.seconds)}"


def _duration(seconds: float) -> str:
    """Returns a length of time with two significant digits: ``12 min``, ``3.4 h``."""
    unit, length = next(((name, size) for name, size in _UNITS if seconds >= size), _UNITS[-1])
    return f"{float(f'{seconds / length:.2g}'):,g} {unit}"


def _headline(verdict: Adequacy) -> str:
    result, covered = verdict.close_out.result, headline(verdict)
    if isinstance(result, Unknown) or isinstance(covered, Unknown):
        return "–"
    bound = "≥ " if verdict.close_out.is_at_least else ""
    mark = "" if has_size_verdict(verdict) else f" {_ONE_CANDLE}"
    return f"{bound}{_share(covered)} of {covered.observations:,} in {window_text(result.seconds)}{mark}"


def _share(covered: Coverage | Unknown) -> str:
    if isinstance(covered, Unknown):
        return "–"
    if covered.rate_at_most is not None:
        return f"0 %, ≤ {percent(covered.rate_at_most)}"
    return percent(covered.breach_rate)


def _clearing(verdict: Adequacy) -> str:
    if isinstance(verdict.clearing, Unknown):
        return "–"
    cells = []
    for horizon in verdict.clearing:
        share = horizon.coverage
        text = "–" if isinstance(share, Unknown) else percent(share.achieved)
        zone = f" {horizon.tests.zone.value}" if isinstance(horizon.tests, PhaseResults) else ""
        cells.append(f"{text}{zone}")
    return ", ".join(cells)


def _series(verdict: Adequacy) -> str:
    """Returns the series of the close-out, otherwise that of the holding time of IM."""
    covered = every_window(verdict)
    if isinstance(covered, Coverage):
        return str(covered.series)
    initial = verdict.holding.initial
    return "–" if isinstance(initial, Unknown) else ", ".join(map(str, initial.series))


def _legend(answer: AdequacyAnswer) -> Iterator[str]:
    zones = ", ".join(zone.value for zone in Zone)
    yield ""
    yield (
        "holds: time at which the move reaches the margin, its 95 % interval, and √t, the time by the "
        "square root of time from the one-day move"
    )
    yield (
        "over MM: share of liquidations at full leverage (a candle that closes beyond IM − MM) after "
        "which the price moved on by more than MM, and share of all windows of that length"
    )
    yield f"IM over 1, 2, 5 days: share of moves that IM covered, and the traffic light ({zones})"
    if not all(map(has_size_verdict, answer.verdicts)):
        yield (
            f"{_ONE_CANDLE} over one candle, no verdict on the size: the volume of the venue's own "
            "perpetual is unknown"
        )
    if any(v.close_out.is_at_least for v in answer.verdicts):
        yield "≥ closing takes longer than the window: the share is a lower bound"
    if any(_is_daily(v) for v in answer.verdicts):
        yield (
            "verdicts from daily candles come last: within a day the price exceeds most margins, which "
            "says nothing about a liquidation"
        )


def _is_daily(verdict: Adequacy) -> bool:
    return isinstance(verdict.close_out.one_candle, WindowCoverage) and is_coarse(verdict)


def _sentences(answer: AdequacyAnswer) -> Iterator[str]:
    if len(answer.verdicts) > _MOST_SENTENCES:
        return
    for verdict in answer.verdicts:
        texts = verdict_sentences(verdict, answer.terms)
        yield ""
        yield from (texts.holding, texts.close_out, texts.clearing)


def _history(answer: AdequacyAnswer) -> Iterator[str]:
    first, position = answer.history[0], answer.verdicts[0].position
    bound = "; some dates are upper bounds" if first.is_bound else ""
    yield ""
    yield (
        f"{position.venue} {position.symbol} against the margins of each day: {first.tables} "
        f"tables, observed from {first.first:%Y-%m-%d} to {first.last:%Y-%m-%d}{bound}"
    )
    for test in answer.history:
        yield ""
        yield _test_name(test)
        years = sorted({year.year for size in test.sizes for year in size.years})
        heads = ("year", *(numbers.usd(size.notional) for size in test.sizes))
        rows = [
            *((str(year), *(_breaches(test, size, year) for size in test.sizes)) for year in years),
            ("not observed", *(f"{size.not_observed:,}" for size in test.sizes)),
        ]
        yield from aligned(heads, rows, right=frozenset(range(1, len(heads))))


def _test_name(test: HistoryBacktest) -> str:
    margin, window = margin_abbreviation(test.margin_type), window_text(test.seconds)
    moves = f"moves beyond {margin} over {window}"
    if test.margin_type == "maintenance":
        moves = f"moves beyond {margin} within {window}"
    after = ", after a liquidation" if test.after_liquidation else ""
    return f"{test.side}: {moves}{after}, of {test.series}"


def _breaches(test: HistoryBacktest, size: TableBacktest, year: int) -> str:
    own = next((row for row in size.years if row.year == year), None)
    if own is None:
        return "–"
    count = f"{own.breaches:,} of {own.observations:,}"
    share = test.breach_share(own)
    return count if share is None else f"{count} ({percent(share)})"


def _absent(answer: AdequacyAnswer) -> Iterator[str]:
    """Yields the reasons why positions have no verdict, most frequent first."""
    by_reason: dict[str, list[NotObservable]] = {}
    for row in answer.not_observable:
        by_reason.setdefault(row.reason, []).append(row)
    if by_reason:
        total = len(answer.not_observable)
        yield ""
        yield f"not observable: {counted(total, 'position')}"
    ordered = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    for reason, rows in ordered[:_MOST_REASONS]:
        names = dict.fromkeys(f"{row.venue} {row.underlying}" for row in rows)
        yield f"{len(rows):>5}  {reason}: {first_words(names, _MOST_NAMES)}"
    if len(ordered) > _MOST_REASONS:
        yield f"       and {counted(len(ordered) - _MOST_REASONS, 'further reason')}"
    if answer.without_prices:
        count = counted(len(answer.without_prices), "underlying")
        yield ""
        yield f"without prices: {count}: {first_words(answer.without_prices, _MOST_NAMES)}"


def _card(card: SeriesCard) -> Cells:
    identity = card.id
    return (
        identity.venue,
        identity.kind.value,
        identity.symbol,
        identity.underlying.asset,
        f"{identity.underlying.multiplier:,}",
        interval_text(identity.interval),
        f"{card.candles:,}",
        f"{card.first:%Y-%m-%d}" if card.first else "–",
        f"{card.end:%Y-%m-%d}" if card.end else "–",
        f"{len(card.gaps):,}",
        f"{card.missing:,}",
        "; ".join(defect_texts(card)) or "–",
    )
