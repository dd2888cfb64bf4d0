"""An archive on an object store behaves as in a folder, on a real server and in memory."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from harmonize.api.audit import Question, open_sources
from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.archive.storage import LocalStorage, storage_at
from tests.support.archives import (
    NOON,
    faulty_objects,
    later,
    night,
    noise,
    path_of,
    snapshot,
    tree,
)
from tests.support.object_store import SECRET, Store, StoredObjects, serving
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """Yields one server for the tests of this module, which use separate buckets."""
    with serving() as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment().items():
            patch.setenv(name, value)
        clear_connections()
        yield server
        clear_connections()


def clear_connections() -> None:
    """Drops the cached connections of fsspec, which are bound to one server."""
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture(params=["s3", "memory"])
def url(request: pytest.FixtureRequest, store: Store) -> str:
    """Returns a URL that no other test uses."""
    bucket = f"b{uuid4().hex}"
    if request.param == "s3":
        StoredObjects.at("s3://").system.mkdir(bucket)
    assert store.url
    return f"{request.param}://{bucket}/margins"


@pytest.fixture
def bucket(store: Store) -> str:
    """Returns a URL of the server that no other test uses."""
    assert store.url
    name = f"b{uuid4().hex}"
    StoredObjects.at("s3://").system.mkdir(name)
    return f"s3://{name}/deep/margins"


def fill(archive: Archive) -> list[Entry]:
    """Appends packs without base, with base, and shared."""
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
    objects = StoredObjects.at(url)
    assert objects.tree() == tree(path_of(local))
    assert fill(remote) == fill(local)
    assert objects.tree() == tree(path_of(local))
    entries = local.entries()
    for archive in (remote, local):
        assert archive.prune(entries[1:3], NOON, "too old") == (entries[1].pack,)
        assert archive.prune(entries[1:3], NOON, "too old") == ()
    assert objects.tree() == tree(path_of(local))
    assert remote.append(night(1), entries[0]) == local.append(night(1), entries[0])
    assert objects.tree() == tree(path_of(local))


def test_a_snapshot_appended_to_a_store_reads_back(url: str) -> None:
    fill(Archive.create(url))
    archive = Archive.open(url)
    entries = archive.entries()
    assert [archive.read(entry) for entry in entries[:3]] == [
        night(0),
        night(1),
        noise(2, 300, "gate"),
    ]
    assert archive.verify() == ()
    assert archive.append(noise(3, 300, "gate")) == entries[-1]
    archive.prune(entries, NOON, "all")
    assert all(entry.pruned for entry in Archive.open(url).entries())
    assert archive.verify() == ()
    assert sorted(StoredObjects.at(url).tree()) == [
        "format.json",
        *(f"manifests/{number:08}.json" for number in range(1, 7)),
    ]


def test_every_corruption_of_a_store_is_detected(url: str) -> None:
    archive = Archive.create(url)
    fill(archive)
    archive.prune(archive.entries()[4:], NOON, "too old")
    archive.append(snapshot(9))
    objects = StoredObjects.at(url)
    files = objects.tree()
    newest = f"packs/{archive.entries()[-1].pack}.zst"
    for number, (name, content) in enumerate(files.items()):
        middle = number % len(content)
        flipped = bytes([*content[:middle], content[middle] ^ 1, *content[middle + 1 :]])
        for damaged in (flipped, content[:-1], b"", content + b"\n"):
            objects.put(name, damaged)
            assert name in faulty_objects(archive)
        objects.delete(name)
        assert (newest if name == "manifests/00000007.json" else name) in faulty_objects(archive)
        objects.put(name, content)
    for foreign in ("notes", "packs/notes", "manifests/notes", f"packs/{'a' * 64}.zst"):
        objects.put(foreign, b"?")
        assert faulty_objects(archive) == {foreign}
        objects.delete(foreign)
    assert archive.verify() == ()


def test_a_missing_base_of_a_store_is_reported_alone(url: str) -> None:
    archive = Archive.create(url)
    base = fill(archive)[0]
    StoredObjects.at(url).delete(f"packs/{base.pack}.zst")
    (problem,) = archive.verify()
    assert (problem.where, problem.what) == (f"packs/{base.pack}.zst", "is missing")


def test_an_archive_is_created_once_per_location(url: str) -> None:
    assert Archive.find(url) is None
    assert fill(Archive.open_or_create(url))
    assert len(Archive.open_or_create(f"{url}/").entries()) == 5
    with pytest.raises(ArchiveError, match=r"already contains format\.json"):
        Archive.create(url)


def test_folder_markers_and_temporary_names_are_ignored(bucket: str) -> None:
    archive = Archive.create(bucket)
    archive.append(night(0))
    objects = StoredObjects.at(bucket)
    for name in ("", "packs/", "manifests/", "packs/0123.tmp"):
        objects.put(name, b"")
    assert archive.verify() == ()
    assert len(archive.entries()) == 1


def test_an_incremental_listing_requests_only_the_last_and_new_manifests(
    store: Store, bucket: str
) -> None:
    archive = Archive.create(bucket)
    fill(archive)
    catalog = archive.listing()
    archive.append(night(9))
    store.requests.clear()
    assert len(archive.listing(catalog).entries) == 6
    requested = {name for name in store.requests if name.endswith(".json")}
    assert requested == {"GET 00000005.json", "GET 00000006.json"}


# Several writers, and answers that get lost


def test_concurrent_writers_on_a_store_lose_nothing(bucket: str) -> None:
    Archive.create(bucket)

    def write(venue: str) -> list[Entry]:
        own = Archive.open(bucket)
        return [own.append(snapshot(day, venue)) for day in range(12)]

    with ThreadPoolExecutor(2) as pool:
        appended = [entry for entries in pool.map(write, ("okx", "bybit")) for entry in entries]
    archive = Archive.open(bucket)
    assert archive.entries() == tuple(sorted(appended, key=lambda entry: entry.sequence))
    assert [entry.sequence for entry in archive.entries()] == list(range(1, 25))
    assert archive.verify() == ()


def test_of_two_concurrent_creations_on_a_store_one_fails(bucket: str) -> None:
    def make(_: int) -> str:
        try:
            return str(Archive.create(bucket).place)
        except ArchiveError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        messages = sorted(pool.map(make, range(2)), key=len)
    assert messages[0] == bucket
    assert messages[1].startswith(f"{bucket}")
    assert (
        "already contains" in messages[1] or "cannot create an archive: At least one" in messages[1]
    )


def test_a_manifest_with_a_lost_response_exists_once(store: Store, bucket: str) -> None:
    archive = Archive.create(bucket)
    store.responses_to_lose = 1
    entry = archive.append(night(0))
    assert store.responses_to_lose == 0
    assert archive.entries() == (entry,)
    store.responses_to_lose = 1
    assert archive.prune([entry], NOON, "too old") == (entry.pack,)
    assert store.responses_to_lose == 0
    assert sorted(StoredObjects.at(bucket).tree()) == [
        "format.json",
        "manifests/00000001.json",
        "manifests/00000002.json",
    ]
    assert archive.verify() == ()


# What goes wrong


def error_message(act: Callable[[], object]) -> str:
    """Returns the message of the ArchiveError, after checking for one line without secrets."""
    with pytest.raises(ArchiveError) as caught:
        act()
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in message
    return message


def test_a_missing_bucket_is_reported_and_not_created(store: Store) -> None:
    assert store.url
    url = f"s3://b{uuid4().hex}/margins"
    assert error_message(lambda: Archive.open(url)) == (
        f"{url}: cannot be opened as an archive: format.json is missing"
    )
    assert Archive.find(url) is None
    for make in (Archive.create, Archive.open_or_create):
        message = error_message(lambda make=make: make(url))  # type: ignore[misc] # a default of the loop
        assert message == f"{url}: cannot create an archive: The specified bucket does not exist"
    assert not StoredObjects.at("s3://").system.exists(url.rsplit("/", 1)[0])


@pytest.mark.parametrize("url", ["s3://", "s3:///", "s3://Not_A_Bucket!/margins", "s3:///margins"])
def test_a_url_without_a_bucket_is_refused(store: Store, url: str) -> None:
    assert store.url
    for act in (Archive.open, Archive.create, Archive.open_or_create):
        assert error_message(lambda act=act: act(url)).startswith("s3://")  # type: ignore[misc] # as above


def test_a_denied_access_is_reported(store: Store) -> None:
    assert store.url
    url = "s3://denied/margins"
    for act, name in (
        (Archive.open, ": cannot be opened as an archive: format.json cannot be read"),
        (Archive.find, " cannot be listed"),
        (Archive.open_or_create, " cannot be listed"),
        (Archive.create, " cannot be listed"),
    ):
        message = error_message(lambda act=act: act(url))  # type: ignore[misc] # as above
        assert message.startswith(url)
        assert message.replace(f"{url}:", "").strip().startswith(name.removeprefix(":").strip())
        assert "Access Denied" in message or "Forbidden" in message


def test_a_stopped_server_is_reported(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as stopped_server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stopped_server.url)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        clear_connections()
        StoredObjects.at("s3://").system.mkdir("soon-gone")
        archive = Archive.create("s3://soon-gone/margins")
        entry = archive.append(night(0))
    for act in (
        lambda: archive.read(entry),
        lambda: archive.append(night(1), entry),
        lambda: archive.prune([entry], NOON, "old"),
        lambda: Archive.find("s3://soon-gone/margins"),
    ):
        message = error_message(act)
        assert message.startswith("s3://soon-gone/margins")
        assert "Could not connect to the endpoint URL" in message
        assert "?" not in message
    assert [problem.where for problem in archive.verify()] == ["format.json", "manifests"]
    clear_connections()
    assert store.url


@pytest.mark.parametrize(
    ("url", "printed"),
    [
        ("s3://user:password@bucket/margins", "s3://bucket/margins"),
        ("s3://bucket/margins?token=password", "s3://bucket/margins"),
        ("s3://user:password@bucket/margins?token=password#password", "s3://bucket/margins"),
        ("nosuch://user:password@host:22/a", "nosuch://host:22/a"),
        ("nosuch://host?password", "nosuch://host"),
        ("memory://user:p@ssword@host/a", "memory://host/a"),
    ],
)
def test_a_url_is_printed_without_its_secrets(store: Store, url: str, printed: str) -> None:
    assert store.url
    message = error_message(lambda: Archive.open(url))
    assert message.startswith(f"{printed}: ")
    assert "ssword" not in message


def test_the_name_of_a_source_contains_no_password() -> None:
    url = f"memory://user:password@{uuid4().hex}/margins"
    fill(Archive.create(url))
    (source,) = open_sources(Question(archive=url), ROOT)
    assert source.name == url.replace("user:password@", "")
    assert len(source.entries) == 5


def test_an_unknown_protocol_is_reported() -> None:
    message = error_message(lambda: Archive.open("nosuch://x"))
    assert message == (
        "nosuch://x: cannot be opened: Protocol not known: nosuch; "
        "install the fsspec file system for nosuch://"
    )


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    assert storage_at(f"file://{tmp_path}") == LocalStorage(tmp_path)
    archive = Archive.create(f"file://{tmp_path}/a")
    archive.append(night(0))
    assert Archive.open(tmp_path / "a").verify() == ()


# The command line


def harmonize(
    store: Store, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **store.environment(), "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", "harmonize", *arguments]
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert "Traceback" not in result.stderr
    assert SECRET not in result.stdout + result.stderr
    return result


def test_the_command_line_lists_and_verifies_an_archive_on_a_store(
    store: Store, bucket: str
) -> None:
    entries = fill(Archive.create(bucket))
    listed = harmonize(store, "--archive", bucket, "archive", "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert [line.split()[-1] for line in listed.stdout.splitlines()] == [
        entry.digest[:16] for entry in entries
    ]
    verified = harmonize(store, "archive", "verify", HARMONIZE_ARCHIVE=bucket)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout == "5 snapshots verified\n"
    StoredObjects.at(bucket).put("manifests/00000002.json", b"damaged")
    verified = harmonize(store, "--archive", bucket, "archive", "verify")
    assert verified.returncode == 3
    assert verified.stdout == ""
    assert verified.stderr.startswith("error: manifests/00000002.json: is damaged: ")


def test_the_command_line_reports_an_error_in_one_line(store: Store, tmp_path: Path) -> None:
    (tmp_path / "s3fs.py").write_text("raise ImportError('none')\n")
    path_without_s3fs = f"{tmp_path}{os.pathsep}{ROOT}"
    for url, variables, message in (
        ("s3://denied/margins", {}, "Access Denied"),
        ("s3://u:password@denied/margins?password", {}, "s3://denied/margins"),
        (
            "nosuch://x",
            {},
            "Protocol not known: nosuch; install the fsspec file system for nosuch://",
        ),
        (
            "s3://x/y",
            {"PYTHONPATH": path_without_s3fs},
            "Install s3fs to access S3; pip install 'harmonize-margins[s3]'",
        ),
    ):
        for command in ("list", "verify"):
            result = harmonize(store, "--archive", url, "archive", command, **variables)
            assert result.returncode == 3
            assert result.stdout == ""
            (line,) = result.stderr.splitlines()
            assert message in line
            assert "password" not in line
