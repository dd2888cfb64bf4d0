"""Delivery records on disk: the form of 0.4.0 is written and read."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harmonize.config.channels import Command, Slack, Webhook
from harmonize.config.run_settings import NotificationSettings, RunSettings
from harmonize.document import Level
from harmonize.document.night import EndedSignal, Night
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


def pending(night: Night, folder: Path) -> outbox.PendingNotice:
    found = outbox.record_pending(night, SETTINGS, Site(folder))
    assert found is not None
    return found


def test_a_notice_with_another_ended_signal_is_another_notice(tmp_path: Path) -> None:
    signals = [
        EndedSignal(code, "asset-failing", Level.WARNING, underlying)
        for code, underlying in (("MH515", "SOL"), ("MH515", "BTC"), ("MH511", "SOL"))
    ]
    nights = [
        replace(ALERT_NIGHT, ended_signals=ended)
        for ended in ((), *((own,) for own in signals), tuple(signals[:2]))
    ]
    digests = {pending(night, tmp_path).digest for night in nights}
    assert len(digests) == len(nights)


def test_a_repeated_night_with_an_ended_signal_is_delivered_once_more(tmp_path: Path) -> None:
    site = Site(tmp_path)
    outbox.deliver(pending(ALERT_NIGHT, tmp_path), SETTINGS, site, lambda _, __: ())
    assert pending(ALERT_NIGHT, tmp_path).undelivered == ()
    ended = EndedSignal("MH515", "asset-failing", Level.WARNING, "SOL")
    repeated = pending(replace(ALERT_NIGHT, ended_signals=(ended,)), tmp_path)
    assert repeated.undelivered == (0, 1)
    outbox.deliver(repeated, SETTINGS, site, lambda _, __: ())
    again = outbox.pending_of_earlier(replace(ALERT_NIGHT, ended_signals=(ended,)), SETTINGS, site)
    assert again is not None
    assert again.undelivered == ()


def test_a_quiet_night_has_no_notice(tmp_path: Path) -> None:
    assert outbox.record_pending(QUIET_NIGHT, SETTINGS, Site(tmp_path)) is None
