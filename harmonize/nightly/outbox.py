"""Tells a notice to the channels that it has not passed yet, and keeps a record of those it has."""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from harmonize.config.channels import Channel
from harmonize.config.run_settings import RunSettings
from harmonize.document import Level
from harmonize.document.night import Night
from harmonize.nightly import notice
from harmonize.nightly.notice import Notice
from harmonize.nightly.site import Site, SiteError

Sender = Callable[[Notice, Sequence[Channel]], Sequence[tuple[int, str]]]
"""Sends a notice; gives what failed: the place of a channel among those given, and a line why."""

STOPPED = "stopped.json"
"""The record of the notice of a night that stopped, in the site's folder."""


@dataclass(frozen=True, slots=True)
class PendingNotice:
    """A notice and its record: which channels, by their places, it has not passed yet."""

    said: Notice
    path: str
    mark: str
    untold: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    """Which notice was to be told, to channels of which kinds, and the places of those left."""

    notice: str
    channels: tuple[str, ...]
    untold: tuple[int, ...]


def pending(night: Night, settings: RunSettings, site: Site) -> PendingNotice | None:
    """Note that a night is to be told, so that no crash loses it; None where none is to be told.

    Channels that the notice passed in an earlier run are left alone. Raises SiteError.
    """
    link = f"{settings.base_url}/nights/{night.night}/" if settings.base_url else ""
    path = f"nights/{night.night}/notified.json"
    told = _told(night, settings, site, path, link)
    if told is not None:
        _keep(told, settings, site)
    return told


def left(night: Night, settings: RunSettings, site: Site) -> PendingNotice | None:
    """The notice of an earlier night where a channel still waits for it. Raises SiteError."""
    path = f"nights/{night.night}/notified.json"
    record = _record(site, path)
    if record is None:
        return None
    link = f"{settings.base_url}/nights/{night.night}/" if settings.base_url else ""
    told = _told(night, settings, site, path, link)
    same = told is not None and (record.notice, record.channels) == (told.mark, _kinds(settings))
    return told if same else None


def stopped(night: Night, settings: RunSettings, site: Site, send: Sender) -> tuple[str, ...]:
    """Tell of a night that an error stopped, once for the same error of a night.

    A site that cannot be written is no reason to keep silent: then every run tells it.
    """
    try:
        told = _told(night, settings, site, STOPPED, settings.base_url)
    except SiteError:
        told = _fresh(night, settings, STOPPED, settings.base_url)
    return () if told is None else deliver(told, settings, site, send)


def deliver(
    told: PendingNotice, settings: RunSettings, site: Site, send: Sender
) -> tuple[str, ...]:
    """Send a notice, channel by channel, and keep the record after each: a line for each that failed."""
    failed = []
    untold = list(told.untold)
    for place in told.untold:
        channel = settings.notify.channels[place]
        reasons = [reason for _, reason in send(told.said, [channel])]
        failed += [f"run.notify.channels[{place}] ({channel.KIND}): {one}" for one in reasons]
        if not reasons:
            untold.remove(place)
            with suppress(SiteError):  # the notice went out; it comes twice at worst
                _keep(PendingNotice(told.said, told.path, told.mark, tuple(untold)), settings, site)
    return tuple(failed)


def _told(
    night: Night, settings: RunSettings, site: Site, path: str, link: str
) -> PendingNotice | None:
    fresh = _fresh(night, settings, path, link)
    if fresh is None:
        return None
    record = _record(site, path)
    if record is None or (record.notice, record.channels) != (fresh.mark, _kinds(settings)):
        return fresh
    untold = tuple(one for one in fresh.untold if one in record.untold)
    return PendingNotice(fresh.said, path, fresh.mark, untold)


def _fresh(night: Night, settings: RunSettings, path: str, link: str) -> PendingNotice | None:
    """The notice of a night as if no channel had it; None where it is worth none."""
    wanted = settings.notify
    if not wanted.channels or not notice.should_notify(night, Level(wanted.level), wanted.on):
        return None
    everyone = tuple(range(len(wanted.channels)))
    return PendingNotice(notice.notice(night, link), path, _mark(night), everyone)


def _mark(night: Night) -> str:
    """What a notice says, without the times of a run that is repeated: two alike are one."""
    said = (
        night.night,
        night.errors,
        sorted((one.fingerprint, one.state, one.level.value) for one in night.new_findings),
        [asdict(one) for one in night.changes],
    )
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _kinds(settings: RunSettings) -> tuple[str, ...]:
    return tuple(one.KIND for one in settings.notify.channels)


def _keep(told: PendingNotice, settings: RunSettings, site: Site) -> None:
    record = {"notice": told.mark, "channels": _kinds(settings), "untold": told.untold}
    site.write(told.path, f"{json.dumps(record)}\n".encode())


def _record(site: Site, path: str) -> _Record | None:
    """What a record says; None where there is none that can be read."""
    with suppress(ValueError, KeyError, TypeError):
        record = json.loads(site.read(path) or b"null")
        return _Record(record["notice"], tuple(record["channels"]), tuple(record["untold"]))
    return None
