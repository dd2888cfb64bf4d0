"""A small section on daily thresholds that contains every kind of row."""

from dataclasses import replace
from datetime import date, timedelta

from harmonize.document import (
    AuditDocument,
    CalibrationReviewRow,
    EpisodeModelRow,
    EpisodeRow,
    GateConditionRow,
    GateRow,
    HitRateRow,
    NoThresholdRow,
    ReviewSideRow,
    SignalEvidenceRow,
    SignalRow,
    ThresholdAdviceRow,
    ThresholdLossRow,
    ThresholdModelRow,
    ThresholdPathRow,
    ThresholdRow,
    ThresholdSection,
    ThresholdSeriesRow,
    ThresholdSizeRow,
    ThresholdValueRow,
    ThresholdVenueRow,
    ThresholdVolumeRow,
    UncomparedModelRow,
    UntestedUnderlyingRow,
)
from tests.support.sample_documents import SCRIPT, sample

CODES = ("MH511", "MH512", "MH513", "MH514", "MH515")

SLOW, FAST, NORMAL = (
    "historical simulation, 365 days",
    "GARCH(1,1)-t, filtered",
    "EWMA 0.94, normal",
)
BUFFER = "buffer of 25 %"


def evidence(day: str, underlying: str = "BTC", proposal: float | None = 0.09) -> SignalEvidenceRow:
    """Returns evidence of a signal on a day."""
    text = "fast margin 9.0 %, above 1.25 × 7.0 % by the formula of harmonized-baseline, recalculated daily"
    return SignalEvidenceRow(underlying, day, 0.09, 0.0875, proposal, text)


def signal(code: str, *found: SignalEvidenceRow) -> SignalRow:
    """Returns a signal with a record, on for the evidence."""
    return SignalRow(
        signal=code,
        days=2_000,
        days_on=100,
        runs=12,
        followed=0.25,
        any_day=0.05,
        first_breaches=20,
        foretold=3,
        by_chance=0.2,
        p_value=0.7,
        foresight="confirms but does not foresee",
        evidence=found,
        separate_runs=10,
        confirming_p=0.013,
    )


def signals(on: str = "", *found: SignalEvidenceRow, ends: str = "2026-03-09") -> ThresholdSection:
    """Returns a section with one signal on, on prices that end on a day."""
    rows = tuple(signal(code, *(found if code == on else ())) for code in CODES)
    return ThresholdSection(level=0.99, rows=(row("BTC", ends),), signals=rows)


def row(underlying: str, day: str) -> ThresholdRow:
    """Returns the threshold of an underlying on a day."""
    sentence = f"{underlying}: the median IM of 3 venues at $1,000,000, 5.0 %, should rise; certainty high."
    return ThresholdRow(
        underlying=underlying,
        day=day,
        threshold=0.071,
        threshold_reason="",
        values=(
            ThresholdValueRow(SLOW, "none", 0.065, 0.065, 0.06),
            ThresholdValueRow(SLOW, BUFFER, 0.071, 0.071, 0.07),
            ThresholdValueRow(FAST, "none", None, None, 0.05, "the fit did not converge"),
        ),
        series=(ThresholdSeriesRow("binance perp BTCUSDT 1d", "2020-01-01", day, 2_200),),
        returns=2_200,
        age_days=1,
        tested_days=1_825,
        first_tested="2021-03-10",
        last_tested="2026-03-08",
        reference=0.1,
        reference_reason="",
        venues=3,
        venues_unknown=1,
        lowest=0.01,
        lowest_venue="okx",
        median=0.05,
        highest=0.2,
        highest_venue="bybit",
        advice=(
            ThresholdAdviceRow(
                subject="median IM of 3 venues",
                required=0.05,
                lower=0.061,
                upper=0.082,
                move="should rise",
                certainty="high",
                agreeing=2,
                models=2,
                sentence=sentence,
                threshold=0.072,
                sample="the last 365 returns",
                falling=0,
                staying=0,
                rising=2,
                certainty_text="high",
            ),
        ),
        path=path(day),
        venue_rates=(
            venue_rate("bybit", 0.2, "2025-11-20T10:00:00Z"),
            venue_rate("htx", None, "2024-01-01T00:00:00Z", "IM is not observed"),
            venue_rate("kraken", 0.05, "2025-11-12T00:00:00Z"),
            venue_rate("okx", 0.01, "2025-11-18T00:00:00Z"),
        ),
        sizes=(size(1e5, 1.0031), size(1e6, 1.0313), size(1e8, None)),
        size_volumes=(
            ThresholdVolumeRow("bybit perp BTCUSDT 1d", "2021-03-10", "2023-01-30", 692),
            ThresholdVolumeRow("binance perp BTCUSDT 1d", "2023-01-31", day, 1_134),
        ),
        size_notes=("order books of the past are not archived",),
    )


def size(notional: float, largest: float | None) -> ThresholdSizeRow:
    """Returns the threshold of a size; None: nothing was traded before some day."""
    return ThresholdSizeRow(
        notional=notional,
        by_volume=0.072,
        at_once=None,
        days=1_825,
        smallest_factor=1.0005,
        largest_factor=largest,
        largest_day="2022-12-27",
        largest_volume=104.7e6,
        largest_series="bybit perp BTCUSDT 1d",
        peak_to_trough=1.41,
        unsized_peak_to_trough=1.4,
        rise_30d=0.2337,
        unsized_rise_30d=0.2445,
        at_once_reason="no order book on BTC by 2025-11-20",
    )


def path(last: str, days: int = 20) -> ThresholdPathRow:
    """Returns a path to a day, with a day without a rate and a loss on each side."""
    end = date.fromisoformat(last)
    first = end - timedelta(days=days - 1)
    default: list[float | None] = [0.071] * days
    default[7] = None
    fast = tuple(0.05 + 0.002 * (place % 20) for place in range(days))
    fall, rise = (first + timedelta(days=place) for place in (9, 12))
    losses = (
        ThresholdLossRow(fall.isoformat(), "long", 0.0834),
        ThresholdLossRow(rise.isoformat(), "short", 0.0951),
    )
    sized: list[float | None] = [None if rate is None else 0.0713 for rate in default]
    sized[0] = None
    volume = (None, *[9.02e9] * (days - 1))
    return ThresholdPathRow(
        first.isoformat(), tuple(default), fast, losses, sized=tuple(sized), volume=volume
    )


def side(underlying: str, name: str, moves: int, breaches: int) -> ReviewSideRow:
    """Returns one side of a review, which has a test from 100 moves on."""
    is_tested = moves >= 100
    return ReviewSideRow(
        underlying=underlying,
        side=name,
        first_day="2026-03-03",
        last_day="2026-03-25",
        moves=moves,
        breaches=breaches,
        coverage=1 - breaches / moves if is_tested else None,
        p_value=0.0001 if is_tested else None,
        too_many=is_tested and breaches > moves / 100,
        mean_margin=0.1,
        worst_day="2026-03-05" if breaches else "",
        worst_loss=0.39 if breaches else None,
        worst_margin=0.12 if breaches else None,
    )


def sample_review() -> CalibrationReviewRow:
    """Returns a review with too few moves since the last version, and one side with too many breaches."""
    return CalibrationReviewRow(
        rule_set="harmonized-baseline",
        version="2026.11",
        made_on="2026-03-03",
        day="2026-03-25",
        day_reason="the day of the audit: 2 of 3 assets have prices at most 30 days old",
        horizon_days=1,
        next_on="2026-06-24",
        since=(side("BTC", "long", 22, 1), side("BTC", "short", 22, 0)),
        in_past=(side("BTC", "long", 2_000, 40), side("BTC", "short", 2_000, 12)),
        untested=(
            UntestedUnderlyingRow(
                "ETH", "since the last version", "no move began after 2026-03-03"
            ),
            UntestedUnderlyingRow(SCRIPT, "since the last version", "no recent prices"),
            UntestedUnderlyingRow(SCRIPT, "formula in the past", "no recent prices"),
        ),
    )


def venue_rate(
    venue: str, initial: float | None, observed_at: str, reason: str = ""
) -> ThresholdVenueRow:
    """Returns the IM of a venue, observed exactly at a time."""
    return ThresholdVenueRow(
        venue, "BTC/USDT:USDT", initial, observed_at, observed_at, "exact", reason
    )


def model(name: str, tool: str, cost: float, rise: float, fails: str = "") -> ThresholdModelRow:
    """Returns one compared path."""
    return ThresholdModelRow(
        model=name,
        tool=tool,
        mean_margin=cost,
        rise_30d=rise,
        is_calm=rise <= 0.25,
        is_default=(name, tool) == (SLOW, BUFFER),
        hits=(
            HitRateRow("long", 0.011, 0.008, 0.015),
            HitRateRow("short", None, None, None, "12 days, 30 are required"),
        ),
        too_many=1,
        sides=4,
        fails=fails,
    )


def gate(
    name: str, *, is_offered: bool, is_benchmark: bool = False, level: float = 0.99
) -> GateRow:
    """Returns the result of the gate on a model."""
    conditions = (
        GateConditionRow("better than the benchmark", is_offered, 0.02, "p 0.02", "p below 0.05"),
        GateConditionRow(
            "covers the level", is_met=True, figure=0.011, text="1.1 %", requirement="not above 1 %"
        ),
        GateConditionRow(
            "covers each side", is_offered, None, "observed on 3 of 4", "at most 0 of 4 rejected"
        ),
    )
    return GateRow(name, is_offered, is_benchmark, conditions, level)


def episode(underlying: str = "BTC") -> EpisodeRow:
    """Returns an episode with a venue between two observations."""
    return EpisodeRow(
        episode="FTX",
        underlying=underlying,
        first_day="2022-11-08",
        last_day="2022-11-10",
        series="binance perp BTCUSDT 1d",
        worst_day="2022-11-09",
        worst_return=-0.14,
        models=(
            EpisodeModelRow(FAST, 0.06, 0.12, "2022-11-10", "model on 2022-11-10; binance later"),
            EpisodeModelRow(SLOW, 0.09, 0.09, "", "neither was seen to rise"),
        ),
        venue="binance",
        symbol="BTC/USDT:USDT",
        venue_eve=0.008,
        venue_eve_at="2022-10-20T00:00:00Z",
        rose_after="2022-10-20T00:00:00Z",
        rose_by="2022-12-18T00:00:00Z",
        venue_largest=0.01,
    )


def unseen_episode() -> EpisodeRow:
    """Returns an episode before the first observation of the venue."""
    return replace(
        episode(),
        episode="March 2020",
        venue="",
        symbol="",
        venue_eve=None,
        venue_eve_at="",
        rose_after="",
        rose_by="",
        venue_largest=None,
        venue_reason="binance was first observed 2022-02-12, after the episode began",
    )


def threshold_section() -> ThresholdSection:
    """Returns the section on two underlyings, one of them with a hostile name."""
    return ThresholdSection(
        level=0.99,
        horizon_days=1,
        notional=1e6,
        calm_rise=0.25,
        has_default=True,
        default_model=SLOW,
        default_tool=BUFFER,
        default_reason=f"{SLOW}, {BUFFER}: mean margin 8.0 %",
        rows=(row("BTC", "2025-11-20"), row(SCRIPT, "2025-03-01")),
        models=(
            model(NORMAL, "none", 0.06, 0.9, "long: breaches at least 1.4 %, nominal 1.0 %"),
            model(SLOW, "none", 0.075, 0.4),
            model(SLOW, BUFFER, 0.08, 0.2),
        ),
        gate=(
            gate(SLOW, is_offered=True),
            gate(NORMAL, is_offered=False),
            gate(FAST, is_offered=False, is_benchmark=True),
            gate(SLOW, is_offered=False, level=0.995),
            gate(NORMAL, is_offered=False, level=0.995),
        ),
        not_compared=(
            UncomparedModelRow("implied volatility", "tested on fewer days than the other models"),
        ),
        signals=(
            signal("MH511", evidence("2025-11-20"), evidence("2025-03-01", SCRIPT, None)),
            *(signal(code) for code in CODES[1:4]),
            replace(
                signal("MH515"),
                days=None,
                days_on=None,
                runs=None,
                separate_runs=None,
                confirming_p=None,
                reason="no asset",
                foresight="",
            ),
        ),
        episodes=(unseen_episode(), episode(), episode(SCRIPT)),
        without=(NoThresholdRow("NEW", "12 returns, 365 are required"),),
        not_judged=(NoThresholdRow(SCRIPT, "no path of quantile regression"),),
        notes=("survivors only: 2 assets with archived prices",),
        fast_model=FAST,
        review=sample_review(),
    )


def with_thresholds() -> AuditDocument:
    """The small document with daily thresholds."""
    return replace(sample(), thresholds=threshold_section())


MODELS = (
    *("historical simulation, 365 days", "historical simulation, 1,095 days"),
    *("EWMA 0.94, normal", "EWMA 0.97, normal", "EWMA 0.94, filtered", "EWMA 0.97, filtered"),
    *(
        "GARCH(1,1)-t, filtered",
        "peaks over threshold",
        "implied volatility",
        "quantile regression",
    ),
    "quantile regression and GARCH, average",
)

TOOLS = (
    *("none", BUFFER, "buffer of 25 % that is used up", "25 % weight of stressed observations"),
    *("ten-year floor", "speed limit"),
)

EPISODES = ("March 2020", "May 2021", "LUNA", "FTX", "August 2024", "October 2025")

ASSETS = (
    *(
        "AAVE",
        "ADA",
        "APT",
        "ARB",
        "AVAX",
        "BNB",
        "BTC",
        "CRV",
        "DOGE",
        "DOT",
        "ENA",
        "ETH",
        "HBAR",
    ),
    *("LDO", "LINK", "LTC", "NEAR", "ONDO", "OP", "PEPE", "SEI", "SNX", "SOL", "SUI", "TRX", "UNI"),
    *("XRP", "ZEC"),
)


def large_section() -> ThresholdSection:
    """Returns a section as large as that of the recorded archive."""
    own = threshold_section()
    values = tuple(ThresholdValueRow(model, "none", 0.1234, 0.1234, 0.1) for model in MODELS)
    models = tuple(EpisodeModelRow(name, 0.06, 0.12, "2022-11-10", "") for name in MODELS[:8])
    episodes = (
        replace(
            episode(asset) if number > 1 else unseen_episode(),
            episode=name,
            underlying=asset,
            models=models,
        )
        for number, name in enumerate(EPISODES)
        for asset in ASSETS
    )
    return replace(
        own,
        rows=tuple(
            replace(row(asset, "2026-03-25"), values=values, path=path("2026-03-25", 365))
            for asset in ASSETS
        ),
        models=tuple(
            replace(
                model(name, tool, 0.05 + 0.004 * place, 0.02 * (place + 1) * (1 + 2 * number)),
                fails="long: breaches at least 1.4 %, nominal 1.0 %" if place < len(TOOLS) else "",
            )
            for place, name in enumerate(MODELS)
            for number, tool in enumerate(TOOLS)
        ),
        gate=tuple(
            gate(name, is_offered=name == MODELS[-1], is_benchmark=name == FAST) for name in MODELS
        ),
        review=replace(
            own.review or sample_review(),
            in_past=tuple(
                side(asset, name, 2_000, 12) for asset in ASSETS for name in ("long", "short")
            ),
        ),
        signals=tuple(
            signal(code, *(evidence("2026-03-25", asset) for asset in ASSETS[:4])) for code in CODES
        ),
        episodes=tuple(episodes),
    )
