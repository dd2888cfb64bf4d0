"""Upgrade of audit documents and nights of earlier versions to the current field names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_MARGIN_TYPE = {"figure": "margin_type"}
_INTERVAL = {"least": "interval_lower", "most": "interval_upper"}
_INDEX = {**_MARGIN_TYPE, **_INTERVAL, "against": "reference"}
_VENUES = {"cheapest": "lowest_venues", "dearest": "highest_venues"}

RENAMED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "": {
            "ladder": "notional_grid",
            "heat_notional": "heat_map_notional",
            "gaps": "spreads",
            "past": "history",
            "hurdle_rate": "cost_of_capital",
        },
        "snapshots.payloads": {"dating": "date_basis"},
        "rule_sets": {"about": "description"},
        "schedules": {"rule": "tier_rule"},
        "schedules.evidence.columns": {"figure": "quantity"},
        "findings": {**_MARGIN_TYPE, "divergence": "deviation"},
        "waived": {**_MARGIN_TYPE, "divergence": "deviation"},
        "waivers": {"may_worsen": "allowed_worsening"},
        "baseline": {"gone": "resolved"},
        "divergences": _MARGIN_TYPE,
        "divergences.points": {"divergence": "deviation"},
        "comparisons.members": {"counted": "included", "reason": "exclusion_reason"},
        "spreads": _MARGIN_TYPE,
        "spreads.intervals": _VENUES,
        "spreads.points": {**_VENUES, "least": "lowest", "most": "highest"},
        "arbitrages": _MARGIN_TYPE,
        "arbitrages.points": {
            "split": "optimal_split",
            "bound": "lower_bound",
            "single": "best_single",
            "single_venues": "best_single_venues",
            "shadow_price": "marginal_rate",
            "parts": "allocation",
            "same_table": "reference_split",
        },
        "liquidations": {
            "counted": "included",
            "leverage_is": "leverage_basis",
            "long": "adverse_move_long",
            "short": "adverse_move_short",
        },
        "indices": {**_INDEX, "without": "leave_one_out", "without_venue": "leave_one_out_venue"},
        "index_summaries": _INDEX,
        "curves": {**_MARGIN_TYPE, "counted": "included", "reference": "is_reference"},
        "history": {"courses": "series", "stress": "stress_windows"},
        "history.series": {**_MARGIN_TYPE, "marks": "points"},
    }
)
"""New names of the fields of version 1, per collection. Paths use the new names."""

RENAMED_IN_NIGHTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "": {"fresh": "new_findings"},
        "venues": {"became": "status"},
        "changes.moved": _MARGIN_TYPE,
        "new_findings": {**_MARGIN_TYPE, "divergence": "deviation"},
    }
)
"""New names of the fields of nights written by versions before 0.5.0."""

_ADDED: Mapping[str, object] = MappingProxyType(
    {
        "unobserved": (),  # since 1.1
        "arbitrages": (),  # since 1.3
        "liquidations": (),  # since 1.3
        "index_summaries": (),  # since 1.3
        "cost_of_capital": 0.0,  # since 1.3; earlier documents contain no annual cost
    }
)
"""Fields that version 1.0 did not have, with the value for documents without them."""


def upgraded(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a document of any version 1.x with the field names of version 2.

    ``document`` is decoded JSON. Values are not changed.
    """
    return {**_ADDED, **_renamed(document, "", RENAMED)}


def upgraded_night(night: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a night of any version with the field names of 0.5.0. Values are not changed."""
    return _renamed(night, "", RENAMED_IN_NIGHTS)


def _renamed(
    row: Mapping[str, Any], path: str, names: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    renamed: dict[str, Any] = {}
    for old, value in row.items():
        name = names.get(path, {}).get(old, old)
        renamed[name] = _nested(value, f"{path}.{name}" if path else name, names)
    return renamed


def _nested(value: object, path: str, names: Mapping[str, Mapping[str, str]]) -> object:
    if isinstance(value, Mapping):
        return _renamed(value, path, names)
    if isinstance(value, list) and any(known.startswith(path) for known in names if known):
        return [_nested(row, path, names) for row in value]
    return value
