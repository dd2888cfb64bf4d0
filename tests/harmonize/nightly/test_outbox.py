"""Delivery records on disk: the form of 0.4.0 is written and read."""

import json
from pathlib import Path

import pytest

from harmonize.config.channels import Command, Slack, Webhook
from harmonize.config.run_settings import NotificationSettings, RunSettings
from harmonize.nightly import outbox
from harmonize.nightly.site import Site
from tests.support.nights import ALERT_NIGHT, QUIET_NIGHT

SETTINGS = RunSettings(
    notify=NotificationSettings(
        on=("new", "worse", "errors", "changes"),
        level="info",
        channels=(Command(("true",)), Webhook("http://127.0.0.1:9/")),
    )
)
DIGEST = "ea89adee78c51fca94b96d056927b0f27ca81fa8a890907f01e1b9da791f7e92"
"""Digest of the loud night by version 0.4.0."""

RECORD = {"notice": DIGEST, "channels": ["command", "webhook"], "untold": [1]}
PATH = "nights/2026-11-20/notified.json"


def site_with(folder: Path, record: object) -> Site:
    site = Site(folder)
    site.write(PATH, json.dumps(record).encode())
    return site


def test_a_record_of_040_names_the_remaining_channels(tmp_path: Path) -> None:
    pending = outbox.pending_of_earlier(ALERT_NIGHT, SETTINGS, site_with(tmp_path, RECORD))
    assert pending is not None
    assert (pending.digest, pending.undelivered) == (DIGEST, (1,))


def test_a_record_is_written_in_the_form_of_040(tmp_path: Path) -> None:
    site = Site(tmp_path)
    pending = outbox.record_pending(ALERT_NIGHT, SETTINGS, site)
    assert pending is not None
    assert json.loads(site.read(PATH) or b"") == {**RECORD, "untold": [0, 1]}
    failures = outbox.deliver(pending, SETTINGS, site, lambda _, __: ())
    assert failures == ()
    assert json.loads(site.read(PATH) or b"") == {**RECORD, "untold": []}


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        {**RECORD, "untold": 1},
        {**RECORD, "notice": "0"},
        {**RECORD, "channels": ["command"]},
    ],
)
def test_a_record_of_another_notice_or_form_has_no_remaining_channels(
    tmp_path: Path, record: object
) -> None:
    assert outbox.pending_of_earlier(ALERT_NIGHT, SETTINGS, site_with(tmp_path, record)) is None


def test_other_channels_get_the_complete_notice(tmp_path: Path) -> None:
    channels = (Command(("true",)), Slack("http://127.0.0.1:9/"))
    settings = RunSettings(
        notify=NotificationSettings(on=("new",), level="info", channels=channels)
    )
    pending = outbox.record_pending(ALERT_NIGHT, settings, site_with(tmp_path, RECORD))
    assert pending is not None
    assert pending.undelivered == (0, 1)


def test_a_quiet_night_has_no_notice(tmp_path: Path) -> None:
    assert outbox.record_pending(QUIET_NIGHT, SETTINGS, Site(tmp_path)) is None
