"""Registry of all checks, with the page of each check."""

from inspect import cleandoc

from harmonize.checks import (
    adequacy,
    caps,
    changes,
    cross_venue,
    data_quality,
    disclosure,
    divergence,
    identity,
    rule_sets,
    stress,
    threshold_signals,
    tiers,
    trading,
    waivers,
)
from harmonize.checks.base import Check

WAIVER_CHECKS = waivers.CHECKS
"""Checks of the waivers, which run after the findings of all other checks are waived or counted."""

CHECKS = (
    *tiers.CHECKS,
    *disclosure.CHECKS,
    *divergence.CHECKS,
    *caps.CHECKS,
    *adequacy.CHECKS,
    *threshold_signals.CHECKS,
    *stress.CHECKS,
    *changes.CHECKS,
    *cross_venue.CHECKS,
    *WAIVER_CHECKS,
    *rule_sets.CHECKS,
    *data_quality.CHECKS,
    *identity.CHECKS,
    *trading.CHECKS,
)


def find(code: str) -> Check | None:
    """Returns the check with a code or name, in upper or lower case; None if no check has it."""
    names = {code.upper(), code.lower()}
    return next((check for check in CHECKS if {check.code, check.name} & names), None)


def explain(check: Check) -> str:
    """Returns a check's page in Markdown: code, name, docstring of the check, options, status."""
    parts = [f"# {check.code} {check.name}", cleandoc(check.run.__doc__ or "")]
    if check.options:
        options = (
            f"- `{option.name}`: {option.description}. "
            f"Default: {option.default:,g} {option.unit}".rstrip()
            for option in check.options
        )
        parts.append("\n".join(("## Options", *options)))
    parts.append(f"## Status\n{check.status}")
    return "\n\n".join(parts) + "\n"
