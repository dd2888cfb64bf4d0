"""MH911: contracts that no longer trade on the date of the audit."""

from collections.abc import Iterator

from harmonize.checks.base import AuditContext, Check, Draft, for_schedule
from harmonize.document import Level, Verdict


def contract_not_trading(context: AuditContext) -> Iterator[Draft]:
    """A contract no longer trades on the date of the audit.

    ## What it checks
    The expiry of every dated contract against the date of the audit. Of perpetuals whose margins have
    not changed for a year, whether the venue lists the same asset under another code.

    ## Why it matters
    Nobody can open a position in an ended contract. Its margins stay in the history, and are excluded
    from comparisons, caps and all other findings. A contract that was closed when it was observed has
    no schedule, and no finding.

    ## Formula
    Expiry ≤ date of the audit. Inferred: no change for 365 days before the observation, and the table
    of assets (`harmonize assets`) names two codes for the asset, of which the other one was listed or
    changed since and is no former code.

    ## Example
    A contract that expired on 2026-09-25, in an audit as of 2026-11-29. FTM on Binance, unchanged since
    December 2024, beside S.

    ## Citation
    The symbol or the expiry of the contract; the inference is a convention of this tool.
    """
    contracts = {s.key[:2]: s for s in reversed(context.schedules) if s.not_trading}
    for schedule in contracts.values():
        draft = Draft(Verdict.NOT_APPLICABLE, Level.INFO, "", schedule.not_trading)
        yield for_schedule(schedule, draft)._replace(profile="")


CHECKS = (Check("MH911", "contract-not-trading", contract_not_trading),)
