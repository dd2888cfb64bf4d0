"""An archive on an object store: the same laws as in a folder, over a real server and in memory."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from harmonize.api.audit import Question, sources_of
from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.archive.storage import Local, objects_at
from tests.support.archives import NOON, later, night, noise, path_of, places, snapshot, tree
from tests.support.object_store import SECRET, Held, Store, serving
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """One server for the tests of this module; a bucket each."""
    with serving() as found, pytest.MonkeyPatch.context() as patch:
        for name, value in found.environment().items():
            patch.setenv(name, value)
        forget()
        yield found
        forget()


def forget() -> None:
    """Drop the connections that fsspec keeps, which know one server."""
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture(params=["s3", "memory"])
def url(request: pytest.FixtureRequest, store: Store) -> str:
    """A place that nothing else uses."""
    bucket = f"b{uuid4().hex}"
    if request.param == "s3":
        Held.at("s3://").system.mkdir(bucket)
    assert store.url
    return f"{request.param}://{bucket}/margins"


@pytest.fixture
def bucket(store: Store) -> str:
    """A place of the server that nothing else uses."""
    assert store.url
    name = f"b{uuid4().hex}"
    Held.at("s3://").system.mkdir(name)
    return f"s3://{name}/deep/margins"


def fill(archive: Archive) -> list[Entry]:
    """Packs that stand alone, on a base, and shared."""
    base = archive.append(night(0))
    return [
        base,
        archive.append(night(1), base),
        archive.append(noise(2, 300, "gate")),
        archive.append(later(noise(2, 300, "gate"))),
        archive.append(noise(3, 300, "gate")),
    ]


# The laws


def test_a_store_holds_the_same_objects_as_a_folder(url: str, tmp_path: Path) -> None:
    remote, local = Archive.create(url), Archive.create(tmp_path / "a")
    held = Held.at(url)
    assert held.tree() == tree(path_of(local))
    assert fill(remote) == fill(local)
    assert held.tree() == tree(path_of(local))
    entries = local.entries()
    for archive in (remote, local):
        assert archive.prune(entries[1:3], NOON, "too old") == (entries[1].pack,)
        assert archive.prune(entries[1:3], NOON, "too old") == ()
    assert held.tree() == tree(path_of(local))
    assert remote.append(night(1), entries[0]) == local.append(night(1), entries[0])
    assert held.tree() == tree(path_of(local))


def test_what_was_appended_to_a_store_reads_back(url: str) -> None:
    fill(Archive.create(url))
    archive = Archive.open(url)
    entries = archive.entries()
    assert [archive.read(one) for one in entries[:3]] == [night(0), night(1), noise(2, 300, "gate")]
    assert archive.verify() == ()
    assert archive.append(noise(3, 300, "gate")) == entries[-1]
    archive.prune(entries, NOON, "all")
    assert all(one.pruned for one in Archive.open(url).entries())
    assert archive.verify() == ()
    assert sorted(Held.at(url).tree()) == [
        "format.json",
        *(f"manifests/{number:08}.json" for number in range(1, 7)),
    ]


def test_every_corruption_of_a_store_is_found(url: str) -> None:
    archive = Archive.create(url)
    fill(archive)
    archive.prune(archive.entries()[4:], NOON, "too old")
    archive.append(snapshot(9))
    held = Held.at(url)
    files = held.tree()
    newest = f"packs/{archive.entries()[-1].pack}.zst"
    for number, (name, content) in enumerate(files.items()):
        middle = number % len(content)
        other = bytes([*content[:middle], content[middle] ^ 1, *content[middle + 1 :]])
        for damaged in (other, content[:-1], b"", content + b"\n"):
            held.put(name, damaged)
            assert name in places(archive)
        held.delete(name)
        assert (newest if name == "manifests/00000007.json" else name) in places(archive)
        held.put(name, content)
    for stranger in ("notes", "packs/notes", "manifests/notes", f"packs/{'a' * 64}.zst"):
        held.put(stranger, b"?")
        assert places(archive) == {stranger}
        held.delete(stranger)
    assert archive.verify() == ()


def test_the_base_that_a_store_lost_is_named_alone(url: str) -> None:
    archive = Archive.create(url)
    base = fill(archive)[0]
    Held.at(url).delete(f"packs/{base.pack}.zst")
    (problem,) = archive.verify()
    assert (problem.where, problem.what) == (f"packs/{base.pack}.zst", "is missing")


def test_an_archive_is_made_once_in_a_place(url: str) -> None:
    assert Archive.found(url) is None
    assert fill(Archive.opened(url))
    assert len(Archive.opened(f"{url}/").entries()) == 5
    with pytest.raises(ArchiveError, match=r"already holds format\.json"):
        Archive.create(url)


def test_names_that_only_mark_a_folder_or_are_temporary_mean_nothing(bucket: str) -> None:
    archive = Archive.create(bucket)
    archive.append(night(0))
    held = Held.at(bucket)
    for name in ("", "packs/", "manifests/", "packs/0123.tmp"):
        held.put(name, b"")
    assert archive.verify() == ()
    assert len(archive.entries()) == 1


def test_a_listing_that_goes_on_asks_for_the_last_manifest_and_what_is_new(
    store: Store, bucket: str
) -> None:
    archive = Archive.create(bucket)
    fill(archive)
    known = archive.listing()
    archive.append(night(9))
    store.asked.clear()
    assert len(archive.listing(known).entries) == 6
    asked = {name for name in store.asked if name.endswith(".json")}
    assert asked == {"GET 00000005.json", "GET 00000006.json"}


# Several writers, and answers that get lost


def test_writers_on_a_store_at_once_lose_nothing(bucket: str) -> None:
    Archive.create(bucket)

    def write(venue: str) -> list[Entry]:
        mine = Archive.open(bucket)
        return [mine.append(snapshot(day, venue)) for day in range(12)]

    with ThreadPoolExecutor(2) as pool:
        appended = [one for each in pool.map(write, ("okx", "bybit")) for one in each]
    archive = Archive.open(bucket)
    assert archive.entries() == tuple(sorted(appended, key=lambda one: one.sequence))
    assert [one.sequence for one in archive.entries()] == list(range(1, 25))
    assert archive.verify() == ()


def test_of_two_that_make_an_archive_on_a_store_at_once_one_is_told(bucket: str) -> None:
    def make(_: int) -> str:
        try:
            return str(Archive.create(bucket).place)
        except ArchiveError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(make, range(2)), key=len)
    assert told[0] == bucket
    assert told[1].startswith(f"{bucket}")
    assert "already holds" in told[1] or "cannot become an archive: At least one" in told[1]


def test_a_manifest_whose_answer_was_lost_is_there_once(store: Store, bucket: str) -> None:
    archive = Archive.create(bucket)
    store.loses = 1
    entry = archive.append(night(0))
    assert store.loses == 0
    assert archive.entries() == (entry,)
    store.loses = 1
    assert archive.prune([entry], NOON, "too old") == (entry.pack,)
    assert store.loses == 0
    assert sorted(Held.at(bucket).tree()) == [
        "format.json",
        "manifests/00000001.json",
        "manifests/00000002.json",
    ]
    assert archive.verify() == ()


# What goes wrong


def one_line(act: Callable[[], object]) -> str:
    """What an error says: one line, without what must not be seen."""
    with pytest.raises(ArchiveError) as caught:
        act()
    said = str(caught.value)
    assert "\n" not in said
    assert SECRET not in said
    return said


def test_a_bucket_that_is_not_there_is_said_and_not_made(store: Store) -> None:
    assert store.url
    url = f"s3://b{uuid4().hex}/margins"
    assert one_line(lambda: Archive.open(url)) == (
        f"{url}: is not an archive that this version reads: format.json is missing"
    )
    assert Archive.found(url) is None
    for make in (Archive.create, Archive.opened):
        said = one_line(lambda make=make: make(url))  # type: ignore[misc] # a default of the loop
        assert said == f"{url}: cannot become an archive: The specified bucket does not exist"
    assert not Held.at("s3://").system.exists(url.rsplit("/", 1)[0])


@pytest.mark.parametrize("url", ["s3://", "s3:///", "s3://Not_A_Bucket!/margins", "s3:///margins"])
def test_a_url_without_a_bucket_is_refused(store: Store, url: str) -> None:
    assert store.url
    for act in (Archive.open, Archive.create, Archive.opened):
        assert one_line(lambda act=act: act(url)).startswith("s3://")  # type: ignore[misc] # as above


def test_a_store_that_denies_says_so(store: Store) -> None:
    assert store.url
    url = "s3://denied/margins"
    for act, name in (
        (Archive.open, ": is not an archive that this version reads: format.json cannot be read"),
        (Archive.found, " cannot be listed"),
        (Archive.opened, " cannot be listed"),
        (Archive.create, " cannot be listed"),
    ):
        said = one_line(lambda act=act: act(url))  # type: ignore[misc] # as above
        assert said.startswith(url)
        assert said.replace(f"{url}:", "").strip().startswith(name.removeprefix(":").strip())
        assert "Access Denied" in said or "Forbidden" in said


def test_a_server_that_is_gone_is_said(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as other:
        monkeypatch.setenv("AWS_ENDPOINT_URL", other.url)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        forget()
        Held.at("s3://").system.mkdir("soon-gone")
        archive = Archive.create("s3://soon-gone/margins")
        entry = archive.append(night(0))
    for act in (
        lambda: archive.read(entry),
        lambda: archive.append(night(1), entry),
        lambda: archive.prune([entry], NOON, "old"),
        lambda: Archive.found("s3://soon-gone/margins"),
    ):
        said = one_line(act)
        assert said.startswith("s3://soon-gone/margins")
        assert "Could not connect to the endpoint URL" in said
        assert "?" not in said
    assert [one.where for one in archive.verify()] == ["format.json", "manifests"]
    forget()
    assert store.url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://user:password@bucket/margins", "s3://bucket/margins"),
        ("s3://bucket/margins?token=password", "s3://bucket/margins"),
        ("s3://user:password@bucket/margins?token=password#password", "s3://bucket/margins"),
        ("nosuch://user:password@host:22/a", "nosuch://host:22/a"),
        ("nosuch://host?password", "nosuch://host"),
        ("memory://user:p@ssword@host/a", "memory://host/a"),
    ],
)
def test_a_url_is_shown_without_what_is_secret_in_it(store: Store, url: str, shown: str) -> None:
    assert store.url
    said = one_line(lambda: Archive.open(url))
    assert said.startswith(f"{shown}: ")
    assert "ssword" not in said


def test_what_was_read_from_is_said_without_its_password() -> None:
    url = f"memory://user:password@{uuid4().hex}/margins"
    fill(Archive.create(url))
    (source,) = sources_of(Question(archive=url), ROOT)
    assert source.name == url.replace("user:password@", "")
    assert len(source.entries) == 5


def test_a_protocol_that_nothing_opens_is_named() -> None:
    said = one_line(lambda: Archive.open("nosuch://x"))
    assert said == (
        "nosuch://x: cannot be opened: Protocol not known: nosuch; "
        "install what fsspec needs for nosuch://"
    )


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    assert objects_at(f"file://{tmp_path}") == Local(tmp_path)
    archive = Archive.create(f"file://{tmp_path}/a")
    archive.append(night(0))
    assert Archive.open(tmp_path / "a").verify() == ()


# The command line


def harmonize(store: Store, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **store.environment(), "PYTHONPATH": str(ROOT), **more}
    command = [sys.executable, "-m", "harmonize", *arguments]
    found = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert "Traceback" not in found.stderr
    assert SECRET not in found.stdout + found.stderr
    return found


def test_the_command_line_lists_and_verifies_an_archive_on_a_store(
    store: Store, bucket: str
) -> None:
    entries = fill(Archive.create(bucket))
    listed = harmonize(store, "--archive", bucket, "archive", "ls")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert [line.split()[-1] for line in listed.stdout.splitlines()] == [
        one.digest[:16] for one in entries
    ]
    verified = harmonize(store, "archive", "verify", HARMONIZE_ARCHIVE=bucket)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout == "5 snapshots, every byte as it was archived\n"
    Held.at(bucket).put("manifests/00000002.json", b"damaged")
    verified = harmonize(store, "--archive", bucket, "archive", "verify")
    assert verified.returncode == 3
    assert verified.stdout == ""
    assert verified.stderr.startswith("error: manifests/00000002.json: is damaged: ")


def test_the_command_line_says_in_one_line_what_is_wrong(store: Store, tmp_path: Path) -> None:
    (tmp_path / "s3fs.py").write_text("raise ImportError('none')\n")
    without = f"{tmp_path}{os.pathsep}{ROOT}"
    for place, more, said in (
        ("s3://denied/margins", {}, "Access Denied"),
        ("s3://u:password@denied/margins?password", {}, "s3://denied/margins"),
        ("nosuch://x", {}, "Protocol not known: nosuch; install what fsspec needs for nosuch://"),
        (
            "s3://x/y",
            {"PYTHONPATH": without},
            "Install s3fs to access S3; pip install 'harmonize-margins[s3]'",
        ),
    ):
        for command in ("ls", "verify"):
            found = harmonize(store, "--archive", place, "archive", command, **more)
            assert found.returncode == 3
            assert found.stdout == ""
            (line,) = found.stderr.splitlines()
            assert said in line
            assert "password" not in line
