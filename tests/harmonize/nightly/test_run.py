"""The nightly cycle: idempotent, resumed after any interruption, and notified."""

import gzip
import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from harmonize.api.audit import Question, RequestError
from harmonize.archive.archive import Archive, ArchiveError
from harmonize.config.channels import Channel, Command, Slack, Webhook
from harmonize.config.run_settings import NotificationSettings, RetentionSettings, RunSettings
from harmonize.core.payload import Payload, Snapshot
from harmonize.document import AuditDocument, Level
from harmonize.document.change import ChangeKind
from harmonize.document.night import Night
from harmonize.nightly import outbox
from harmonize.nightly import run as nightly
from harmonize.nightly.notice import Notice
from harmonize.nightly.site import Site, SiteError
from tests.harmonize.nightly.test_year import BASE, altered
from venues.gathering.outcome import Failed

FIRST = datetime(2027, 11, 29, 1, 15, tzinfo=UTC)
"""The third night from here is in the next month."""

CHANNELS: tuple[Channel, ...] = (Command(("true",)), Webhook("http://127.0.0.1:9/"))
EVERYTHING = ("new", "worse", "errors", "changes")
VENUE = "dydx"


class PowerCutError(Exception):
    """The machine stops."""


def spaced(snapshot: Snapshot, spaces: int) -> Snapshot:
    """Returns the snapshot with other bytes, so that no two nights share a pack."""
    (payload,) = snapshot.payloads
    content = payload.content + b" " * spaces
    sent = Payload.of(payload.venue, payload.call, payload.observed_at, payload.provenance, content)
    return replace(snapshot, payloads=(sent,))


@dataclass
class World:
    """Venues, a clock, channels that may fail, and the delivered notices."""

    folder: Path
    clock: datetime = FIRST
    factor: Decimal = Decimal(1)
    venues: tuple[str, ...] = (VENUE,)
    failing: set[str] = field(default_factory=set)
    reached: bool = True
    requested: list[tuple[str, ...]] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    delivered: list[tuple[str, str]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    takes: timedelta = timedelta(seconds=5)

    @property
    def archive(self) -> Path:
        """The place of the archive."""
        return self.folder / "archive"

    def gather(self, venues: tuple[str, ...]) -> bool:
        """Archives the venues' responses."""
        self.requested.append(venues)
        if not self.reached:
            return False
        archive = Archive.open_or_create(self.archive)
        newest = {entry.venue: entry for entry in archive.entries() if not entry.failed}
        for venue in venues:
            at = self.clock + self.takes
            if venue in self.failing:
                archive.append(Failed(venue, at, "status 503", 3, 1.0).snapshot)
            else:
                snapshot = altered(BASE[venue], {"BTC": self.factor}, at)
                archive.append(spaced(snapshot, at.day), newest.get(venue))
        return True

    def send(self, notice: Notice, channels: Sequence[Channel]) -> list[tuple[int, str]]:
        """Delivers a notice, unless the channel is dead."""
        failed = []
        for place, channel in enumerate(channels):
            if channel.KIND in self.dead:
                failed.append((place, "answered 503"))
            else:
                self.delivered.append((channel.KIND, notice.night))
                self.notices.append(notice)
        return failed

    def site(self) -> Site:
        """Returns the site of these nights."""
        return Site(self.folder / "site")

    def run(
        self,
        *,
        keep: RetentionSettings | None = None,
        nights: int | None = None,
        on: tuple[str, ...] = EVERYTHING,
        fail_on: Level | None = Level.ERROR,
        channels: tuple[Channel, ...] = CHANNELS,
    ) -> nightly.RunResult:
        """Runs a night."""
        question = Question(
            archive=self.archive,
            venues=self.venues,
            underlyings=("BTC",),
            rules=("harmonized-baseline",),
        )
        settings = RunSettings(
            notify=NotificationSettings(on=on, level="info", channels=channels),
            keep=keep,
            nights=nights,
        )
        task = nightly.Task(question, self.site(), settings, fail_on)
        return nightly.run(
            task, nightly.RunServices(lambda: self.clock, self.gather, PAGES, self.send)
        )

    def night(self, factor: int | str | None = None, **options: object) -> nightly.RunResult:
        """Runs the next night, with ``factor`` times the recorded margins."""
        self.clock += timedelta(days=1)
        if factor is not None:
            self.factor = Decimal(factor)
        return self.run(**options)  # type: ignore[arg-type]


def _report(document: AuditDocument) -> bytes:
    return f"{document.as_of} {len(document.findings)}".encode()


PAGES = nightly.SiteRenderers(
    report=_report,
    folder=lambda document: [("index.html", _report(document))],
    changes=lambda nights, months: f"{[night.night for night in nights]} {months}".encode(),
    month=lambda month, nights, around: (
        f"{month} {[night.night for night in nights]} {around}".encode()
    ),
    feed=lambda nights: f"{[(night.night, len(night.changes)) for night in nights]}".encode(),
    latest=lambda night: json.dumps({"night": night.night, "as_of": night.as_of}).encode(),
)


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a world after two quiet nights, to be copied."""
    made = World(tmp_path_factory.mktemp("two"))
    made.run()
    made.night()
    return made.folder


def after_two(two: Path, folder: Path) -> World:
    shutil.copytree(two, folder, dirs_exist_ok=True)
    return World(folder, clock=FIRST + timedelta(days=1))


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def published(world: World) -> dict[str, bytes]:
    """Returns every file of the site, decompressed, without the place of the archive."""
    return {
        name: (gzip.decompress(content) if name.endswith(".gz") else content).replace(
            str(world.folder).encode(), b""
        )
        for name, content in files(world.folder / "site").items()
    }


def entries(world: World) -> list[tuple[str, datetime, str]]:
    archive = Archive.open(world.archive)
    assert archive.verify() == ()
    return [(entry.venue, entry.observed_at, entry.digest) for entry in archive.entries()]


def test_a_first_night_has_nothing_new(world: World) -> None:
    result = world.run()
    assert (result.night.changes, result.night.new_findings, result.night.errors) == ((), (), ())
    assert sum(result.night.counts.values()) > 0
    assert (result.exit_code, world.delivered) == (0, [])
    assert result.night.night == "2027-11-29"
    assert result.night.as_of == "2027-11-29T01:15:05Z"


def test_long_calculations_have_the_workers_of_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(1) as pool:
        opened: list[object] = []

        def answered(_: Question, executor: object, **_options: object) -> None:
            opened.append(executor)
            message = "stop"
            raise RequestError(message)

        monkeypatch.setattr(nightly, "answer", answered)
        task = nightly.Task(
            Question(archive=world.archive, venues=(VENUE,)), world.site(), RunSettings()
        )
        services = nightly.RunServices(
            lambda: FIRST, world.gather, PAGES, world.send, lambda: nullcontext(pool)
        )
        with pytest.raises(nightly.RunAbortedError, match="stop"):
            nightly.run(task, services)
        assert opened == [pool]


def test_the_same_night_twice_is_once(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    first = world.night(4)
    assert {change.kind for change in first.night.changes} == {ChangeKind.TIGHTER}
    site_files, archived = files(world.folder / "site"), entries(world)
    world.clock += timedelta(hours=2)
    second = world.run()
    assert second == first
    assert files(world.folder / "site") == site_files
    assert entries(world) == archived
    assert world.requested == [(VENUE,)]
    assert world.delivered == [("command", "2027-12-01"), ("webhook", "2027-12-01")]


def test_a_night_has_the_changes_since_the_previous_run_after_missed_nights(
    two: Path, tmp_path: Path
) -> None:
    world = after_two(two, tmp_path)
    world.clock += timedelta(days=3)
    missed = world.night(4)
    assert [change.kind for change in missed.night.changes] == [ChangeKind.TIGHTER]
    assert world.night().night.changes == ()
    assert [change.kind for change in world.night(1).night.changes] == [ChangeKind.LOOSER]


def _broken(
    real: Callable[..., None], remaining: list[int], site: Site, name: str, at: bytes
) -> None:
    """Writes files until a power cut, at which half of a file is written."""
    remaining[0] -= 1
    if remaining[0] == 0:
        path = site.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f".{path.name}.part").write_bytes(at[: len(at) // 2])
        raise PowerCutError
    real(site, name, at)


def test_a_night_that_broke_off_at_any_write_is_resumed_as_if_it_had_not(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file half written after complete ones; a notice may repeat, and is never lost."""
    sound = after_two(two, tmp_path / "sound")
    sound.night(4)
    expected, archived = published(sound), entries(sound)
    real, broken = Site.write, 0
    for number in range(1, 40):
        world = after_two(two, tmp_path / f"{number}")
        remaining = [number]
        monkeypatch.setattr(
            Site, "write", lambda *a, remaining=remaining: _broken(real, remaining, *a)
        )
        try:
            world.night(4)
        except PowerCutError:
            broken += 1
        monkeypatch.setattr(Site, "write", real)
        if remaining[0] > 0:
            break
        world.clock += timedelta(minutes=20)
        world.run()
        assert published(world) == expected, number
        assert entries(world) == archived, number
        assert set(world.delivered) == set(sound.delivered), number
        assert len(world.delivered) <= len(sound.delivered) + 1, (
            number
        )  # only the notice in delivery
    assert broken == 13  # the record of the notice counts twice


@pytest.mark.parametrize("step", ["gather", "send", "prune", "pruned", "prune_site"])
def test_a_night_that_broke_off_between_two_steps_is_resumed(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    options = {"keep": RetentionSettings(daily=1), "nights": 1}
    sound = after_two(two, tmp_path / "sound")
    world = after_two(two, tmp_path / "world")
    for copy in (sound, world):
        copy.night()
        copy.night()
    sound.night(4, **options)
    holder, name, before = {
        "gather": (World, "gather", False),
        "send": (World, "send", False),
        "prune": (Archive, "prune", True),
        "pruned": (Archive, "prune", False),
        "prune_site": (Site, "prune", True),
    }[step]
    real = getattr(holder, name)

    def cut(*arguments: object, **named: object) -> None:
        if not before:
            real(*arguments, **named)
        raise PowerCutError

    monkeypatch.setattr(holder, name, cut)
    with pytest.raises(PowerCutError):
        world.night(4, **options)
    monkeypatch.setattr(holder, name, real)
    world.clock += timedelta(minutes=20)
    world.run(**options)  # type: ignore[arg-type]
    assert published(world) == published(sound)
    assert [entry[:2] for entry in entries(world)] == [entry[:2] for entry in entries(sound)]
    assert set(world.delivered) == set(sound.delivered)
    assert len(world.delivered) - len(sound.delivered) == (step == "send")


def test_a_notice_that_a_crash_kept_back_goes_out_on_the_next_night(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = after_two(two, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "deliver", _cut)
        with pytest.raises(PowerCutError):
            world.night(4)
    world.night()
    assert world.delivered == [("command", "2027-12-01"), ("webhook", "2027-12-01")]


def _cut(*_: object) -> None:
    raise PowerCutError


def test_a_dead_channel_alone_is_tried_again(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    world.dead = {"webhook"}
    result = world.night(4)
    assert result.undelivered == ("run.notify.channels[1] (webhook): answered 503",)
    assert (result.night.exit_code, result.exit_code) == (0, 5)
    assert json.loads((world.folder / "site/latest.json").read_bytes())["night"] == "2027-12-01"
    assert world.run().exit_code == 5
    world.dead = set()
    assert world.run().exit_code == 0
    assert world.delivered == [("command", "2027-12-01"), ("webhook", "2027-12-01")]
    world.run()
    world.night()
    assert len(world.delivered) == 2


def test_what_a_channel_missed_it_gets_on_the_next_night(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    world.dead = {"webhook"}
    world.night(4)
    world.dead = set()
    assert world.night().exit_code == 0
    assert world.delivered == [("command", "2027-12-01"), ("webhook", "2027-12-01")]
    changed = after_two(two, tmp_path / "changed")
    changed.dead = {"webhook"}
    changed.night(4)
    changed.dead = set()
    changed.night(channels=(Command(("true",)), Slack("http://127.0.0.1:9/")))
    assert changed.delivered == [
        ("command", "2027-12-01")
    ]  # the undelivered channel is no longer configured


def test_a_repeated_night_with_other_content_is_notified_again(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    world.failing = {VENUE}
    result = world.night()
    assert result.exit_code == 3
    assert [venue.status for venue in result.night.venues] == ["failed"]
    world.clock += timedelta(minutes=20)
    assert world.run().exit_code == 3  # a repeated failure is no new content
    assert len(world.delivered) == 2
    world.failing = set()
    world.factor = Decimal(4)
    assert world.run().exit_code == 0
    assert len(world.delivered) == 4


@pytest.mark.parametrize(
    ("scenario", "trouble", "code"),
    [
        (("1", Level.INFO), "", 0),
        (("0.25", Level.INFO), "", 1),
        (("0.25", None), "", 0),
        (("0.25", Level.INFO), "failing", 3),
        (("0.25", Level.INFO), "dead", 5),
        (("0.25", Level.INFO), "failing, dead", 5),
    ],
)
def test_the_exit_code_is_5_before_3_before_1(
    two: Path, tmp_path: Path, scenario: tuple[str, Level | None], trouble: str, code: int
) -> None:
    world = after_two(two, tmp_path)
    world.venues = (VENUE, "hyperliquid")
    world.run(channels=())
    world.failing = {"hyperliquid"} if "failing" in trouble else set()
    world.dead = {"webhook"} if "dead" in trouble else set()
    result = world.night(scenario[0], fail_on=scenario[1])
    assert bool(result.night.new_findings) == (scenario[0] == "0.25")
    assert result.exit_code == code


def test_a_night_goes_from_noon_to_noon_utc(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    world.clock = datetime(2027, 12, 5, 11, 59, 59, tzinfo=UTC) - world.takes
    assert world.run().night.night == "2027-12-05"
    world.clock = datetime(2027, 12, 5, 12, tzinfo=UTC)
    night = world.run().night
    assert night.night == "2027-12-06"
    assert [(venue.status, venue.reason) for venue in night.venues] == [("held", "")]
    assert night.as_of == "2027-12-05T12:00:00Z"  # the start of the night: nothing is newer
    assert night.errors == ()
    world.clock = datetime(2027, 12, 5, 23, 59, 59, tzinfo=UTC)
    assert world.run().night.venues[0].status == "gathered"


def test_what_is_gathered_after_noon_is_of_the_night_that_gathered_it(
    two: Path, tmp_path: Path
) -> None:
    world = after_two(two, tmp_path)
    world.clock = datetime(2027, 12, 5, 11, 50, tzinfo=UTC)
    world.takes = timedelta(minutes=30)
    world.factor = Decimal(4)
    night = world.run().night
    assert (night.night, night.as_of) == ("2027-12-05", "2027-12-05T12:20:00Z")
    assert night.venues[0].status == "gathered"
    assert len(night.changes) == 1
    world.clock += timedelta(hours=1)
    later = world.run().night
    assert (later.night, later.changes) == ("2027-12-06", ())


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "Pacific/Niue"])
def test_the_time_zone_of_the_machine_has_no_effect(two: Path, tmp_path: Path, zone: str) -> None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - used by this test only

    world = after_two(two, tmp_path)
    world.clock = datetime(2028, 3, 26, 1, 30, tzinfo=UTC).astimezone(ZoneInfo(zone))
    assert world.run().night.night == "2028-03-26"


def test_without_a_reachable_venue_archived_data_is_used(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    world.reached = False
    result = world.night(4)
    assert result.night.errors == ("no venue is reachable; using archived data",)
    assert (result.exit_code, result.night.changes) == (3, ())
    assert result.night.as_of == "2027-11-30T12:00:00Z"
    site_files = files(world.folder / "site")
    world.clock += timedelta(minutes=20)
    assert world.run() == result
    assert files(world.folder / "site") == site_files
    assert len(world.delivered) == 2
    world.reached = True
    assert len(world.run().night.changes) == 1


def test_a_clock_that_was_ahead_is_reported_once_and_a_repeated_night_is_equal(
    two: Path, tmp_path: Path
) -> None:
    world = after_two(two, tmp_path)
    world.clock += timedelta(days=90)
    assert world.run().night.errors == ()
    world.clock -= timedelta(days=90)
    first = world.night(4)
    (line,) = first.night.errors
    assert line.startswith("the clock says 2027-12-01, before the recorded night of 2028-02-28; ")
    assert len(first.night.changes) == 1
    world.clock += timedelta(minutes=5)
    assert world.run() == first
    after = world.night()
    assert (after.night.errors, after.night.changes) == ((), ())


def test_a_clock_ahead_for_longer_than_a_page_shows_repeats_no_change(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "NIGHTS_SHOWN", 3)
    world = after_two(two, tmp_path)
    world.clock += timedelta(days=900)
    for _ in range(4):
        world.night()
    world.clock -= timedelta(days=900)
    assert len(world.night(4).night.changes) == 1
    night = world.night().night
    assert (night.changes, night.errors) == ((), ())


def test_a_clock_that_goes_back_onto_a_night_overwrites_nothing(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    site_files = files(world.folder / "site/nights/2027-11-29")
    world.clock = FIRST + timedelta(minutes=1)
    world.failing = {VENUE}
    shutil.rmtree(world.folder / "site/nights/2027-11-30")  # so that the night is newest by name
    world.site().write("latest.json", b'{"night": "2027-11-30"}')
    assert world.run().night.night == "2027-11-29.1"
    assert files(world.folder / "site/nights/2027-11-29") == site_files
    assert world.run().night.night == "2027-11-29.1"


def test_a_night_that_broke_off_under_a_wrong_clock_keeps_its_name(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = after_two(two, tmp_path)
    world.clock += timedelta(days=90)
    world.run()
    world.clock = FIRST + timedelta(days=5)
    with monkeypatch.context() as patched:
        patched.setattr(nightly, "_write_changes", _cut)
        with pytest.raises(PowerCutError):
            world.run()
    world.clock += timedelta(minutes=5)
    assert world.run().night.night == "2027-12-04"
    assert world.site().nights() == ["2027-11-29", "2027-11-30", "2027-12-04", "2028-02-28"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'{"night": 1}'])
def test_a_night_that_cannot_be_read_is_passed_over(
    two: Path, tmp_path: Path, content: bytes
) -> None:
    world = after_two(two, tmp_path)
    (world.folder / "site/nights/2027-11-30/night.json").write_bytes(content)
    (world.folder / "site/latest.json").write_bytes(content)
    result = world.night(4)
    assert len(result.night.changes) == 1
    assert result.exit_code == 0
    assert (world.folder / "site/changes/2027-12.html").exists()


@pytest.mark.parametrize(
    "content", [b"", b"text", gzip.compress(b"{}", mtime=0), gzip.compress(b"[" * 9, mtime=0)]
)
def test_unreadable_findings_of_the_previous_night_are_an_error(
    two: Path, tmp_path: Path, content: bytes
) -> None:
    world = after_two(two, tmp_path)
    (world.folder / "site/nights/2027-11-30/baseline.json.gz").write_bytes(content)
    result = world.night("0.25")
    assert result.night.new_findings
    assert result.exit_code == 3
    (line,) = result.night.errors
    assert line.startswith("the findings of the night of 2027-11-30 cannot be read; ")
    assert line.endswith("relative to the night of 2027-11-29")
    for night in ("2027-11-29", "2027-11-30", "2027-12-01"):
        (world.folder / f"site/nights/{night}/baseline.json.gz").unlink()
    (line,) = world.night().night.errors
    assert line == "no findings of an earlier night can be read; new findings are unknown"


def test_retention_prunes_archive_and_site_and_leaves_both_intact(world: World) -> None:
    world.run(keep=RetentionSettings(daily=2), nights=2)
    for number in range(5):
        world.night(4 if number == 1 else None, keep=RetentionSettings(daily=2), nights=2)
    archive = Archive.open(world.archive)
    assert archive.verify() == ()
    pruned = [bool(entry.pruned) for entry in archive.entries()]
    # The first snapshot, the change and the one before it, and the last two days remain.
    assert pruned == [False, False, False, True, False, False]
    site = world.site()
    whole = [night for night in site.nights() if site.read(f"nights/{night}/index.html")]
    assert whole == site.nights()[-2:]
    assert all(site.night(night) for night in site.nights())
    assert not list((world.folder / "site/nights/2027-11-29").glob("[!n]*"))


def test_a_night_keeps_the_index_of_every_day(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    shutil.rmtree(world.archive / "derived" / "index")
    assert world.night().notes == ()
    assert list((world.archive / "derived" / "index").glob("*.parquet"))


@pytest.mark.parametrize(
    "error",
    [ArchiveError("x", "a pack is missing"), OSError(28, "No space left on device"), TypeError()],
)
def test_an_index_that_cannot_be_kept_fails_no_night(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(_: Question) -> None:
        raise error

    monkeypatch.setattr(nightly, "keep_index", fails)
    world = after_two(two, tmp_path)
    result = world.night("0.25", nights=1)
    (line,) = result.notes
    assert line.startswith("index over time not kept: ")
    assert "\n" not in line
    assert result.exit_code == 0
    assert [night for _, night in world.delivered] == [result.night.night] * len(CHANNELS)
    assert not list((world.folder / "site/nights/2027-11-29").glob("[!n]*")), "the site is pruned"


def test_a_site_that_keeps_one_night_is_idempotent(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    first = world.night("0.25", nights=1)
    assert first.night.new_findings
    site_files = files(world.folder / "site")
    assert world.run(nights=1) == first
    assert files(world.folder / "site") == site_files


def test_pruning_keeps_the_night_just_written_after_the_clock_went_back(
    two: Path, tmp_path: Path
) -> None:
    world = after_two(two, tmp_path)
    world.clock = FIRST - timedelta(days=40)
    result = world.run(nights=1)
    assert world.site().read(f"nights/{result.night.night}/index.html") is not None


def _empty(world: World) -> None:
    shutil.rmtree(world.archive)
    world.reached = False


def _spoil(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(b"\xff")


def _block(site: Path) -> None:
    shutil.rmtree(site)
    site.write_bytes(b"a file stands here")


STOPS: dict[str, Callable[[World], None]] = {
    "empty": _empty,
    "archive": lambda world: _spoil(world.archive / "format.json"),
    "manifest": lambda world: _spoil(max((world.archive / "manifests").iterdir())),
    "site": lambda world: _block(world.folder / "site"),
}


@pytest.mark.parametrize("name", STOPS)
def test_an_error_that_aborts_the_night_is_notified(two: Path, tmp_path: Path, name: str) -> None:
    world = after_two(two, tmp_path)
    STOPS[name](world)
    with pytest.raises(nightly.RunAbortedError) as stopped:
        world.night()
    line = str(stopped.value)
    assert "\n" not in line
    assert stopped.value.exit_code == 3
    assert world.delivered == [("command", "2027-12-01"), ("webhook", "2027-12-01")]
    assert line in world.notices[0].lines[0]
    assert world.notices[0].exit_code == 3
    world.dead = {"webhook"}
    with pytest.raises(nightly.RunAbortedError) as again:
        world.run()
    # Delivered once if the site can record it, otherwise by every run.
    assert again.value.exit_code == (5 if name == "site" else 3)
    assert len(world.delivered) == (3 if name == "site" else 2)


def test_a_site_that_cannot_be_written_loses_no_snapshot(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    archived, site = entries(world), world.folder / "site"
    site.rename(world.folder / "aside")
    site.write_bytes(b"a file stands here")
    with pytest.raises(nightly.RunAbortedError, match="Not a directory; "):
        world.night(4)
    site.unlink()
    (world.folder / "aside").rename(site)
    world.clock += timedelta(minutes=20)
    result = world.run()
    assert len(entries(world)) == len(archived) + 1
    assert len(result.night.changes) == 1


def test_a_folder_of_the_site_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    site = Site(tmp_path)
    (tmp_path / "nights").write_bytes(b"")
    with pytest.raises(SiteError, match="Not a directory"):
        site.nights()
    (tmp_path / "latest.json").mkdir()
    with pytest.raises(SiteError, match=r"latest\.json: cannot read the file: Is a directory; "):
        site.latest()


def test_a_latest_night_that_is_no_name_of_one_is_none(tmp_path: Path) -> None:
    (tmp_path / "latest.json").write_bytes(b'{"night": "../../etc"}')
    assert not Site(tmp_path).latest()


def test_a_failed_venue_keeps_its_last_observation(two: Path, tmp_path: Path) -> None:
    world = after_two(two, tmp_path)
    world.failing = {VENUE}
    (row,) = world.night().night.venues
    assert (row.status, row.observed_at) == ("failed", "2027-11-30T01:15:05Z")
    assert "503" in row.reason


def recorded_access(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records every file of the site that is read or written from here on."""
    accesses: list[str] = []
    for name in ("read", "write"):
        real = getattr(Site, name)

        def noting(
            site: Site, path: str, *rest: bytes, real: object = real, how: str = name
        ) -> object:
            accesses.append(f"{how} {path}")
            return real(site, path, *rest)  # type: ignore[operator]

        monkeypatch.setattr(Site, name, noting)
    return accesses


def test_a_late_night_reads_and_writes_what_an_early_one_does(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Night 400 against night 40, after more copies of a night than a page shows."""
    counts = {}
    for before in (40, 400):
        world = after_two(two, tmp_path / f"{before}")
        _older(world, before)
        with monkeypatch.context() as patched:
            accesses = recorded_access(patched)
            world.clock = datetime(2027, 12, 20, 1, 15, tzinfo=UTC)
            world.run(nights=30)
            counts[before] = len(accesses)
    assert counts[400] == counts[40]
    assert counts[40] < 150


def _older(world: World, number: int) -> None:
    site = world.site()
    night = site.night("2027-11-29")
    assert isinstance(night, Night)
    for back in range(1, number):
        day = f"{FIRST - timedelta(days=back):%Y-%m-%d}"
        site.write_night(replace(night, night=day, sequence=0))
