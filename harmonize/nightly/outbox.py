"""Delivers a notice to the remaining channels and records each success."""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from harmonize.config.channels import Channel
from harmonize.config.run_settings import RunSettings
from harmonize.document import Level
from harmonize.document.night import Night
from harmonize.nightly import notice as notices
from harmonize.nightly.notice import Notice
from harmonize.nightly.site import Site, SiteError

Sender = Callable[[Notice, Sequence[Channel]], Sequence[tuple[int, str]]]
"""Sends a notice. Returns the failures: the channel's index in the argument, and a reason in one line."""

ABORTED_RECORD = "stopped.json"
"""The delivery record of an aborted night, in the site's folder."""


@dataclass(frozen=True, slots=True)
class PendingNotice:
    """A notice and its delivery record: ``undelivered`` are the indices of the remaining channels.

    ``path`` is the place of the record in the site, ``digest`` identifies the content of the notice.
    """

    notice: Notice
    path: str
    digest: str
    undelivered: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _DeliveryRecord:
    """Digest of a notice, the kinds of its channels and the indices of the remaining ones."""

    digest: str
    channels: tuple[str, ...]
    undelivered: tuple[int, ...]


def record_pending(night: Night, settings: RunSettings, site: Site) -> PendingNotice | None:
    """Records that a night needs a notice, so that no crash loses it; None without a need.

    Channels that received the notice in an earlier run are not pending. Raises SiteError.
    """
    pending = _pending(night, settings, site, _record_path(night), _link(night, settings))
    if pending is not None:
        _save(pending, settings, site)
    return pending


def pending_of_earlier(night: Night, settings: RunSettings, site: Site) -> PendingNotice | None:
    """Returns the notice of an earlier night with remaining channels. Raises SiteError."""
    path = _record_path(night)
    record = _read_record(site, path)
    if record is None:
        return None
    pending = _pending(night, settings, site, path, _link(night, settings))
    return pending if pending is not None and _matches(record, pending, settings) else None


def notify_aborted(
    night: Night, settings: RunSettings, site: Site, send: Sender
) -> tuple[str, ...]:
    """Delivers the notice of an aborted night, once per error and night; returns the failures.

    If the site cannot be written, every run delivers the notice.
    """
    try:
        pending = _pending(night, settings, site, ABORTED_RECORD, settings.base_url)
    except SiteError:
        pending = _new_pending(night, settings, ABORTED_RECORD, settings.base_url)
    return () if pending is None else deliver(pending, settings, site, send)


def deliver(
    pending: PendingNotice, settings: RunSettings, site: Site, send: Sender
) -> tuple[str, ...]:
    """Delivers a notice to the remaining channels and records each success; a line per failure."""
    failures = []
    undelivered = list(pending.undelivered)
    for index in pending.undelivered:
        channel = settings.notify.channels[index]
        reasons = [reason for _, reason in send(pending.notice, [channel])]
        failures += [
            f"run.notify.channels[{index}] ({channel.KIND}): {reason}" for reason in reasons
        ]
        if not reasons:
            undelivered.remove(index)
            with suppress(SiteError):  # without the record, the next run delivers it again
                _save(replace(pending, undelivered=tuple(undelivered)), settings, site)
    return tuple(failures)


def _record_path(night: Night) -> str:
    return f"nights/{night.night}/notified.json"


def _link(night: Night, settings: RunSettings) -> str:
    return f"{settings.base_url}/nights/{night.night}/" if settings.base_url else ""


def _pending(
    night: Night, settings: RunSettings, site: Site, path: str, link: str
) -> PendingNotice | None:
    """Returns the notice of a night for the channels that the record at ``path`` leaves open."""
    pending = _new_pending(night, settings, path, link)
    if pending is None:
        return None
    record = _read_record(site, path)
    if record is None or not _matches(record, pending, settings):
        return pending
    return replace(
        pending,
        undelivered=tuple(index for index in pending.undelivered if index in record.undelivered),
    )


def _new_pending(night: Night, settings: RunSettings, path: str, link: str) -> PendingNotice | None:
    """Returns the notice of a night with every channel pending; None if the night needs none."""
    notify = settings.notify
    if not notify.channels or not notices.should_notify(night, Level(notify.level), notify.on):
        return None
    every_channel = tuple(range(len(notify.channels)))
    return PendingNotice(notices.notice(night, link), path, _digest(night), every_channel)


def _matches(record: _DeliveryRecord, pending: PendingNotice, settings: RunSettings) -> bool:
    return (record.digest, record.channels) == (pending.digest, _channel_kinds(settings))


def _digest(night: Night) -> str:
    """Returns a digest of the content without the times, so that a repeated run has the same."""
    content = (
        night.night,
        night.errors,
        sorted(
            (finding.fingerprint, finding.state, finding.level.value)
            for finding in night.new_findings
        ),
        [asdict(change, dict_factory=_recorded_names) for change in night.changes],
        # Records of earlier versions keep their digest.
        *(
            [[(own.code, own.underlying) for own in night.ended_signals]]
            * bool(night.ended_signals)
        ),
    )
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _recorded_names(members: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Returns members under their names of 0.4.0, so that its delivery records keep their digest."""
    return {
        "figure" if name == "margin_type" else name: value
        for name, value in members
        if name not in _ADDED_LATER
    }


_ADDED_LATER = frozenset(
    {
        "replaced",
        "underlying_before",
        "before_kind",
        "after_kind",
        "before_from",
        "after_from",
    }
)
"""Fields of changes that 0.4.0 does not have."""


def _channel_kinds(settings: RunSettings) -> tuple[str, ...]:
    return tuple(channel.KIND for channel in settings.notify.channels)


def _save(pending: PendingNotice, settings: RunSettings, site: Site) -> None:
    record = {
        "notice": pending.digest,
        "channels": _channel_kinds(settings),
        "untold": pending.undelivered,
    }
    site.write(pending.path, f"{json.dumps(record)}\n".encode())


def _read_record(site: Site, path: str) -> _DeliveryRecord | None:
    """Reads a delivery record; None if it is missing or cannot be read."""
    with suppress(ValueError, KeyError, TypeError):
        record = json.loads(site.read(path) or b"null")
        return _DeliveryRecord(record["notice"], tuple(record["channels"]), tuple(record["untold"]))
    return None
