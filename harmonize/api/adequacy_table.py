"""Verdicts on margins and cards of series as tables, for spreadsheets."""

from collections.abc import Iterator
from datetime import datetime

from harmonize.adequacy.clearing import ClearingHorizon, PhaseResults
from harmonize.adequacy.close_out import CloseOutTime, WindowCoverage
from harmonize.adequacy.coverage import Breach, Coverage
from harmonize.adequacy.holding_time import HoldingTime, TimeBound
from harmonize.adequacy.severity import every_window, headline, worst_days
from harmonize.adequacy.verdict import Adequacy
from harmonize.api.adequacy import AdequacyAnswer, SeriesAnswer
from harmonize.api.adequacy_object import age_days, interest_age_days, open_interest_time
from harmonize.api.adequacy_rows import verdict_sentences
from harmonize.core.schedule import Unknown, known_or_none
from harmonize.market.card import SeriesCard
from harmonize.market.prices import interval_text
from harmonize.text.messages import iso_utc
from reports.formats.sheets import Cell, Sheet, record_sheet

_Record = dict[str, Cell]


def adequacy_sheets(answer: AdequacyAnswer) -> tuple[Sheet, ...]:
    """Returns verdicts, breaches, the tables of the day, series, and what was not observable."""
    return (
        verdict_sheet(answer),
        record_sheet("Breaches", [row for v in answer.verdicts for row in _breach_rows(v)]),
        record_sheet("Table of the day", list(_history_rows(answer))),
        record_sheet("Series", [_card_record(card) for card in answer.cards]),
        record_sheet("Not observable", list(_absent_rows(answer))),
    )


def verdict_sheet(answer: AdequacyAnswer) -> Sheet:
    """Returns a row per schedule, size and side, worst first.

    Times are in seconds; a bound states whether a time is measured, or beyond the measured horizons.
    """
    return record_sheet("Verdicts", [_record(verdict, answer) for verdict in answer.verdicts])


def series_sheet(answer: SeriesAnswer) -> Sheet:
    """Returns a row per series."""
    return record_sheet("Series", [_card_record(card) for card in answer.cards])


def _identity(verdict: Adequacy) -> _Record:
    position = verdict.position
    return {
        "underlying": position.underlying,
        "venue": position.venue,
        "symbol": position.symbol,
        "profile": position.profile,
        "side": verdict.side.value,
        "notional_usd": position.notional,
    }


def _record(verdict: Adequacy, answer: AdequacyAnswer) -> _Record:
    position, texts = verdict.position, verdict_sentences(verdict, answer.terms)
    prices = verdict.prices
    return (
        _identity(verdict)
        | {
            "initial_rate": known_or_none(position.initial),
            "maintenance_rate": known_or_none(position.maintenance),
            "tier_upper_usd": None if position.tier is None else float(position.tier.upper),
            "observed_at": iso_utc(position.observed_at),
            "observed_from": position.precision.earliest_text(position.observed_at),
            "date_kind": position.precision.kind.value,
            "age_days": age_days(verdict, answer.as_of),
        }
        | _holding("buffer", verdict.holding.buffer)
        | _holding("maintenance", verdict.holding.maintenance)
        | _holding("initial", verdict.holding.initial)
        | _close_out(verdict)
        | _clearing(verdict)
        | _open_interest(verdict, answer.as_of)
        | {
            "worst_days": ", ".join(day.isoformat() for day in worst_days(verdict)),
            "prices": prices.reason if isinstance(prices, Unknown) else "; ".join(prices.reasons),
            "holding_sentence": texts.holding,
            "close_out_sentence": texts.close_out,
            "clearing_sentence": texts.clearing,
        }
    )


def _holding(name: str, answer: HoldingTime | Unknown) -> _Record:
    if isinstance(answer, Unknown):
        empty: _Record = dict.fromkeys(
            f"{name}_{part}"
            for part in (
                "holds_seconds",
                "bound",
                "shortest_seconds",
                "longest_seconds",
                "root_seconds",
            )
        )
        return empty | {f"{name}_unknown_because": answer.reason}
    # An interval that reaches beyond the measured horizons is open.
    longest = None if answer.longest.bound is TimeBound.LONGER else answer.longest.seconds
    return {
        f"{name}_holds_seconds": answer.time.seconds,
        f"{name}_bound": answer.time.bound.value,
        f"{name}_shortest_seconds": None
        if answer.shortest.bound is TimeBound.SHORTER
        else answer.shortest.seconds,
        f"{name}_longest_seconds": longest,
        f"{name}_root_seconds": answer.by_square_root,
        f"{name}_unknown_because": "",
    }


def _close_out(verdict: Adequacy) -> _Record:
    result, time = verdict.close_out.result, verdict.close_out.time
    window = result.seconds if isinstance(result, WindowCoverage) else None
    seconds = time.seconds if isinstance(time, CloseOutTime) else None
    own: _Record = {"close_out_seconds": seconds, "window_seconds": window}
    for name, covered in (
        ("after_liquidation", headline(verdict)),
        ("every_window", every_window(verdict)),
    ):
        own |= _coverage(name, covered)
    return own


def _coverage(name: str, covered: Coverage | Unknown) -> _Record:
    if isinstance(covered, Unknown):
        empty: _Record = dict.fromkeys(
            f"{name}_{part}"
            for part in ("share", "breaches", "observations", "largest_share", "average_share")
        )
        return empty | {f"{name}_unknown_because": covered.reason, f"{name}_series": ""}
    return {
        f"{name}_share": covered.breach_rate,
        f"{name}_breaches": covered.breaches,
        f"{name}_observations": covered.observations,
        f"{name}_largest_share": covered.largest_uncovered,
        f"{name}_average_share": covered.average_uncovered,
        f"{name}_unknown_because": "",
        f"{name}_series": str(covered.series),
    }


def _clearing(verdict: Adequacy) -> _Record:
    if isinstance(verdict.clearing, Unknown):
        return {"clearing_unknown_because": verdict.clearing.reason}
    own: _Record = {"clearing_unknown_because": ""}
    for horizon in verdict.clearing:
        own |= _horizon(horizon)
    return own


def _horizon(horizon: ClearingHorizon) -> _Record:
    name = f"clearing_{horizon.days}d"
    covered = horizon.coverage if isinstance(horizon.coverage, Coverage) else None
    tests = horizon.tests if isinstance(horizon.tests, PhaseResults) else None
    gap = None if isinstance(horizon.gap, Unknown) else horizon.gap
    return {
        f"{name}_covered_share": covered.achieved if covered else None,
        f"{name}_breaches": covered.breaches if covered else None,
        f"{name}_observations": covered.observations if covered else None,
        f"{name}_zone": tests.zone.value if tests else "",
        f"{name}_kupiec_p": tests.number.lowest if tests else None,
        f"{name}_christoffersen_p": tests.order.lowest if tests else None,
        f"{name}_z2_p": tests.shortfall.lowest if tests else None,
        f"{name}_under_usd": gap.under if gap else None,
        f"{name}_over_usd": gap.over if gap else None,
    }


def _open_interest(verdict: Adequacy, as_of: datetime) -> _Record:
    """Returns the day and age of the open interest by which USD are stated."""
    observed_at = open_interest_time(verdict)
    return {
        "open_interest_day": "" if observed_at is None else observed_at.date().isoformat(),
        "open_interest_age_days": interest_age_days(verdict, as_of),
    }


def _breach_rows(verdict: Adequacy) -> Iterator[_Record]:
    """Yields the worst breaches of each answer, with the two candles and the tier."""
    answers: list[tuple[str, Coverage | Unknown]] = [
        ("after liquidation", headline(verdict)),
        ("all windows", every_window(verdict)),
    ]
    if not isinstance(verdict.clearing, Unknown):
        answers += [(f"clearing, {h.days} days", h.coverage) for h in verdict.clearing]
    tier = verdict.position.tier
    upper = None if tier is None else float(tier.upper)
    for name, covered in answers:
        if isinstance(covered, Coverage):
            for breach in covered.worst:
                yield _identity(verdict) | {"test": name, "tier_upper_usd": upper} | _breach(breach)


def _breach(breach: Breach) -> _Record:
    return {
        "margin_rate": breach.margin_rate,
        "move_rate": breach.loss,
        "uncovered_rate": breach.uncovered,
        "series": str(breach.series),
        "first_candle": iso_utc(breach.start),
        "first_close": breach.start_close,
        "last_candle": iso_utc(breach.end),
        "price": breach.price.value,
        "last_price": breach.end_price,
        "files": "; ".join(breach.sources),
    }


def _history_rows(answer: AdequacyAnswer) -> Iterator[_Record]:
    for test in answer.history:
        for size in test.sizes:
            for year in size.years:
                yield {
                    "margin_type": test.margin_type,
                    "side": test.side.value,
                    "seconds": test.seconds,
                    "after_liquidation": test.after_liquidation,
                    "notional_usd": size.notional,
                    "year": year.year,
                    "observations": year.observations,
                    "breaches": year.breaches,
                    "breach_share": test.breach_share(year),
                    "lowest_rate": year.lowest_rate,
                    "highest_rate": year.highest_rate,
                    "largest_uncovered_rate": year.largest_uncovered,
                    "average_uncovered_rate": year.average_uncovered,
                    "series": str(test.series),
                }


def _card_record(card: SeriesCard) -> _Record:
    identity = card.id
    return {
        "venue": identity.venue,
        "kind": identity.kind.value,
        "symbol": identity.symbol,
        "underlying": identity.underlying.asset,
        "multiplier": identity.underlying.multiplier,
        "quote": identity.quote,
        "interval": interval_text(identity.interval),
        "candles": card.candles,
        "first": iso_utc(card.first) if card.first else "",
        "end": iso_utc(card.end) if card.end else "",
        "gaps": len(card.gaps),
        "missing": card.missing,
        "idle": card.idle,
        "defects": "; ".join(defect_texts(card)),
        "files": "; ".join(card.sources),
    }


def defect_texts(card: SeriesCard) -> tuple[str, ...]:
    """Returns the defects of a series: kind, number of candles and day of the first."""
    return tuple(f"{d.kind.value}: {d.count:,} from {d.first:%Y-%m-%d}" for d in card.defects)


def _absent_rows(answer: AdequacyAnswer) -> Iterator[_Record]:
    for row in answer.not_observable:
        yield {
            "underlying": row.underlying,
            "venue": row.venue,
            "symbol": row.symbol,
            "notional_usd": row.notional,
            "reason": row.reason,
        }
    for asset in answer.without_prices:
        yield {"underlying": asset, "reason": "no prices"}
