"""Every check, in one tuple; ``explain`` gives a check's page."""

from inspect import cleandoc

from harmonize.checks import cap, disclosure, divergence, feed, structure
from harmonize.checks.examined import Check

CHECKS = (
    Check("MH101", "tiers-do-not-tile", structure.tiers_tile),
    Check("MH102", "maintenance-above-initial", structure.maintenance_above_initial),
    Check("MH103", "rate-falls-with-size", structure.rate_falls),
    Check("MH104", "maintenance-cliff", structure.maintenance_cliff),
    Check("MH105", "initial-cliff", structure.initial_cliff),
    Check("MH106", "deduction-differs", structure.deduction_differs),
    Check("MH201", "maintenance-unknown", disclosure.maintenance_unknown),
    Check("MH202", "initial-unknown", disclosure.initial_unknown),
    Check("MH203", "capacity-unknown", disclosure.capacity_unknown),
    Check("MH204", "margin-derived", disclosure.margin_derived),
    Check("MH301", "initial-diverges", divergence.initial_diverges),
    Check("MH302", "maintenance-diverges", divergence.maintenance_diverges),
    Check("MH401", "initial-below-cap", cap.initial_below_cap),
    Check("MH402", "maintenance-below-cap", cap.maintenance_below_cap),
    Check("MH901", "unreadable", feed.unreadable),
    Check("MH902", "stale", feed.stale),
    Check("MH903", "venue-not-observed", feed.not_observed),
)


def find(code: str) -> Check | None:
    """Find a check by its code, in any case; None when there is none."""
    return next((check for check in CHECKS if check.code == code.upper()), None)


def explain(check: Check) -> str:
    """Give a check's page in Markdown: its code, name, and the docstring of its function."""
    return f"# {check.code} {check.name}\n\n{cleandoc(check.run.__doc__ or '')}\n"
