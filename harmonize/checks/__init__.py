"""Every check, in one tuple; ``explain`` gives a check's page."""

from inspect import cleandoc

from harmonize.checks import (
    caps,
    changes,
    cross_venue,
    data_quality,
    disclosure,
    divergence,
    rule_sets,
    tiers,
    waivers,
)
from harmonize.checks.base import Check

OF_WAIVERS = waivers.CHECKS
"""Those that are asked once it is known what became of every waiver."""

CHECKS = (
    *tiers.CHECKS,
    *disclosure.CHECKS,
    *divergence.CHECKS,
    *caps.CHECKS,
    *changes.CHECKS,
    *cross_venue.CHECKS,
    *OF_WAIVERS,
    *rule_sets.CHECKS,
    *data_quality.CHECKS,
)


def find(code: str) -> Check | None:
    """Find a check by its code, in any case; None when there is none."""
    return next((check for check in CHECKS if check.code == code.upper()), None)


def explain(check: Check) -> str:
    """Give a check's page in Markdown: code, name, its function's docstring, options and status."""
    parts = [f"# {check.code} {check.name}", cleandoc(check.run.__doc__ or "")]
    if check.options:
        options = (
            f"- `{one.name}`: {one.means}. Default: {one.default:,g} {one.unit}".rstrip()
            for one in check.options
        )
        parts.append("\n".join(("## Options", *options)))
    parts.append(f"## Status\n{check.status}")
    return "\n\n".join(parts) + "\n"
