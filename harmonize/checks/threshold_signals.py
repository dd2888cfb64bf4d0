"""MH511 to MH515: signals on thresholds, with evidence, a proposal and the record of each signal."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from harmonize.checks.base import AuditContext, Check, Draft, fingerprint, first_names
from harmonize.document import Level, SignalEvidenceRow, SignalRow, Verdict
from harmonize.document.threshold_sentences import apply_command, record_sentence
from harmonize.history.recent import RECENT_DAYS
from harmonize.text.messages import counted, percent

_NAMED = 12

PRICES_END = "prices end"
"""Subject of the finding on all underlyings whose prices end long before the audit."""

_MOVES_NOTHING = "MH514"
"""Signal whose proposal no command applies."""


def fast_margin_above_threshold(context: AuditContext) -> Iterator[Draft]:
    """The margin that follows volatility is far above the formula margin.

    ## What it checks
    The one-day margin of GARCH(1,1)-t filtered historical simulation at 99 %, against the formula margin:
    the formula of `harmonized-baseline`, recalculated every day from the series that speak for the
    underlying. If the fit failed, filtered EWMA 0.94 stands there, which the evidence names. Signals of a day more than 31 days
    before the audit are not used.

    ## Why it matters
    A threshold from years of history follows a rise of volatility late. The ratio asks a person to look.
    Each finding states the record of the signal, and whether it foresees breaches or only confirms them,
    by a test over its separate runs. A calibration may measure the formula on another, longer series.

    ## Formula
    fast margin > 1.25 × formula margin. One finding per underlying; the proposal is the fast margin.

    ## Example
    On twelve assets up to July 2026 the signal was on for 766 of 16,803 days. A breach followed within
    five days on 13.8 % of them, on 4.1 % of any; it foretold 7 of 111 first breaches, fewer than chance.

    ## Citation
    The ratio is that of the buffer in Delegated Regulation (EU) 153/2013, Art 28(1)(a). The signal is
    defined by this tool.
    """
    for row, found in _current(context, "MH511"):
        remedy = _raise(found)
        yield _draft(context, row, found, Verdict.UNDER, level=Level.WARNING, remedy=remedy)


def breaches_repeated(context: AuditContext) -> Iterator[Draft]:
    """Prices moved beyond the formula margin twice within ten days.

    ## What it checks
    Daily moves, up or down, above the formula of `harmonized-baseline` recalculated every day from the
    series that speak for the underlying. Signals of a day more than 31 days before the audit are not used.

    ## Why it matters
    At 99 % two breaches in ten days have a probability below 2 % if breaches are independent. They
    suggest that the threshold is too low for the present; the record states whether more follow.

    ## Formula
    #{days among the last ten : |return| > formula margin} ≥ 2. One finding per underlying; the
    proposal is the larger of the fast margin (see MH511) and the formula margin.

    ## Example
    On twelve assets up to July 2026 the signal was on for 282 of 16,791 days, in 13 separate runs. A breach
    followed within five days on 13.1 % of them, on 4.1 % of any. It foretold none of 111 first breaches.

    ## Citation
    Christoffersen (1998), Evaluating Interval Forecasts, on clustered breaches. The signal is defined by
    this tool.
    """
    for row, found in _current(context, "MH512"):
        yield _draft(context, row, found, Verdict.UNDER, level=Level.WARNING, remedy=_raise(found))


def threshold_above_need(context: AuditContext) -> Iterator[Draft]:
    """The formula margin was above the need on each of 60 days.

    ## What it checks
    The formula of `harmonized-baseline`, recalculated every day from the series that speak for the
    underlying, against the fast margin of MH511 on the last 60 days. Signals of a day more than 31 days
    before the audit are not used.

    ## Why it matters
    Margin above the need is capital that protects nobody. A threshold that stays above it for months may
    be too high, or a deliberate buffer: a person decides.

    ## Formula
    min over 60 days of (formula margin ÷ fast margin) > 1. One finding per underlying; the proposal is
    the largest fast margin of these days.

    ## Example
    BTC on 1 August 2026: formula margin 8.427 %, at least 1.15 times the need on each of 60 days, of which the
    largest was 7.307 %.

    ## Citation
    Murphy, Vasios and Vause, Bank of England FSP 29 (2014), on the cost of measures against
    procyclicality. The signal is defined by this tool.
    """
    for row, found in _current(context, "MH513"):
        remedy = "" if found.proposal is None else f"could be lowered to {percent(found.proposal)}"
        yield _draft(context, row, found, Verdict.OVER, level=Level.INFO, remedy=remedy)


def history_too_short(context: AuditContext) -> Iterator[Draft]:
    """There are too few returns for a threshold, or none of the last month.

    ## What it checks
    Whether an underlying has the 365 daily returns that a threshold requires, and whether its prices
    reach to within 31 days before the audit. Otherwise the other signals cannot tell of the present.

    ## Why it matters
    A 99 % quantile of fewer than 365 returns depends on fewer than four of them. A signal that is silent
    for want of prices must not read as calm.

    ## Formula
    #returns < 365: one finding per underlying. Last return more than 31 days before the audit: one
    finding for all such underlyings.

    ## Example
    Prices of AVAX that end on 12 November 2025 tell nothing of a day in 2026. The signal has no record of
    breaches, because there is no formula margin while it is on.

    ## Citation
    Delegated Regulation (EU) 153/2013, Art 25(1): a lookback of at least twelve months. Design rule of
    this tool: what is not observable is never reported as compliant.
    """
    row = _row(context, "MH514")
    for found in row.evidence if row else ():
        remedy = "use the class of new assets"
        yield _draft(context, row, found, Verdict.NOT_OBSERVABLE, level=Level.INFO, remedy=remedy)
    ended = [own for own in context.thresholds.rows if not is_recent(own.day, context.as_of)]
    if ended:
        names = first_names([f"{own.underlying} ({own.day})" for own in ended], _NAMED)
        yield Draft(
            Verdict.NOT_OBSERVABLE,
            Level.INFO,
            "",
            f"no signal can tell of the present on {counted(len(ended), 'underlying')} whose prices end "
            f"more than {RECENT_DAYS:g} days before the audit; days of their last thresholds: {names}",
            subject=PRICES_END,
        )


def asset_failing(context: AuditContext) -> Iterator[Draft]:
    """An asset lost so much in a day that its own history cannot tell what follows.

    ## What it checks
    The daily losses of the last ten days against the historical 99 % move of 365 days and against every
    loss before them. Signals of a day more than 31 days before the audit are not used.

    ## Why it matters
    A model of past returns has no example of a failure until it is over. The days after the first loss
    may be far worse than the first, and no threshold from the history covers them.

    ## Formula
    loss > 2 × historical VaR, and loss > every loss before, within ten days. One finding per underlying.
    There is no proposal from the history: margin at the whole position, or close the contract.

    ## Example
    LUNA, May 2022, on the recorded prices: the historical 99 % move was 18.4 %. Then the price fell by 53,
    42, 94 and 99.97 % on four days that followed one another. The signal was on from the day after the
    first. SOL, 9 November 2022: a fall of 42 %, after which no larger one followed.

    ## Citation
    The signal is defined by this tool.
    """
    for row, found in _current(context, "MH515"):
        remedy = "margin at the whole position or close the contract"
        yield _draft(
            context, row, found, Verdict.NOT_OBSERVABLE, level=Level.WARNING, remedy=remedy
        )


def signal_fingerprint(code: str, underlying: str) -> str:
    """Returns the fingerprint of the finding of a signal on an underlying, whether or not it is on."""
    draft = Draft(Verdict.NOT_OBSERVABLE, Level.INFO, "", "", subject=underlying)
    return fingerprint(code, draft)


def is_recent(day: str, as_of: datetime) -> bool:
    """Whether a day of thresholds is close enough to an audit that their signals tell of the present."""
    return day >= (as_of - timedelta(days=RECENT_DAYS)).date().isoformat()


def _row(context: AuditContext, code: str) -> SignalRow | None:
    return next((row for row in context.thresholds.signals if row.signal == code), None)


def _current(context: AuditContext, code: str) -> Iterator[tuple[SignalRow, SignalEvidenceRow]]:
    """Yields the evidence of a signal that is of the last 31 days."""
    row = _row(context, code)
    for found in row.evidence if row else ():
        if row is not None and is_recent(found.day, context.as_of):
            yield row, found


def _raise(found: SignalEvidenceRow) -> str:
    return "" if found.proposal is None else f"raise to {percent(found.proposal)}"


def _draft(  # noqa: PLR0913 - the parts of a finding
    context: AuditContext,
    row: SignalRow | None,
    found: SignalEvidenceRow,
    verdict: Verdict,
    *,
    level: Level,
    remedy: str,
) -> Draft:
    margin = "" if found.proposal is None else " for the formula margin"
    evidence = found.text.removesuffix(f"; {remedy}")
    proposal = f"; proposal{margin}: {remedy}" if remedy else ""
    if proposal and row is not None and row.signal != _MOVES_NOTHING:
        command = apply_command(found.underlying, context.as_of)
        proposal += f"; {command} writes it, if a class changes"
    record = f"; {record_sentence(row)}" if row else ""
    return Draft(
        verdict,
        level,
        "",
        f"{found.underlying} on {found.day}: {evidence}{proposal}{record}",
        underlying=found.underlying,
        remedy=remedy,
        observed_at=f"{found.day}T00:00:00Z",
        subject=found.underlying,
    )


CHECKS = (
    Check("MH511", "fast-margin-above-threshold", fast_margin_above_threshold, status="preview"),
    Check("MH512", "breaches-repeated", breaches_repeated, status="preview"),
    Check("MH513", "threshold-above-need", threshold_above_need, status="preview"),
    Check("MH514", "history-too-short", history_too_short, status="preview"),
    Check("MH515", "asset-failing", asset_failing, status="preview"),
)

SIGNAL_CODES = frozenset(check.code for check in CHECKS)
"""Codes of the signals."""
