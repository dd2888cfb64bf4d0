"""Scenario that a user names: a bundled one, or that of a file."""

import re
from collections.abc import Mapping
from datetime import datetime

from harmonize.api.audit import RequestError
from harmonize.core.yaml_source import YamlSourceError
from harmonize.stress.scenario import Scenario
from harmonize.text.suggest import did_you_mean


def find_scenario(name: str, bundled: Mapping[str, Scenario], text: str | None) -> Scenario:
    """Returns a bundled scenario by name, or that of a YAML text of a file with the name.

    Raises RequestError: an unknown name, or an error in the text with file, line and column.
    """
    from harmonize.stress.scenario import parse_scenario  # noqa: PLC0415 - only files need it

    if text is not None:
        try:
            return parse_scenario(text, name)
        except YamlSourceError as error:
            raise RequestError(str(error)) from None
    if name not in bundled:
        if fall := re.fullmatch(r"-?(\d+(\.\d+)?%)", name):
            message = f"--scenario: {name} is not bundled; use --shock {fall[1]}, or a YAML file"
            raise RequestError(message)
        fix = did_you_mean(name, bundled, f"use one of {', '.join(bundled)}, or a YAML file")
        message = f"--scenario: unknown scenario {name!r}{fix}"
        raise RequestError(message)
    return bundled[name]


def first_mark(scenario: Scenario, latest: datetime) -> datetime:
    """Returns the time of the first mark of a recorded scenario; it has none after ``latest``.

    Raises RequestError: not a time with a time zone, or one that has not come.
    """
    begin = f"scenario {scenario.id}: first_mark:"
    try:
        moment = datetime.fromisoformat(scenario.first_mark)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = (
            f"{begin} expected a time such as 2025-10-10T12:00:00Z, found {scenario.first_mark!r}"
        )
        raise RequestError(message)
    if moment > latest:
        message = (
            f"{begin} expected a time up to {latest:%Y-%m-%d}, found {scenario.first_mark}; "
            "state when the fall was recorded, or use kind: hypothetical"
        )
        raise RequestError(message)
    return moment
