"""`verify` names every changed object of an archive and no unaffected one.

The expected names follow from how the archive was built, independently of the archive's own code.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from harmonize.archive.archive import Archive, ArchiveError
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

TIMES = 850
"""Corruptions of each of twelve kinds: more than ten thousand."""

Files = Mapping[str, bytes]
Chance = random.Random


class Intact(NamedTuple):
    """An intact archive: files, manifests that require each pack, the pruned pack, the base."""

    archive: Archive
    files: Files
    required_by: Mapping[str, frozenset[int]]
    pruned: str
    base: str

    def orphaned(self, *names: str) -> set[str]:
        """Returns the packs reported if these files cannot be read as manifests."""
        lost = {int(name[-13:-5]) for name in names if name.startswith("manifests/")}
        packs = {pack for pack, numbers in self.required_by.items() if numbers <= lost}
        if PRUNING in lost and DROPPED not in lost:
            packs.add(self.pruned)
        return packs


class Corruption(NamedTuple):
    """Files to write (None: to delete), and the exact set of objects that `verify` must name."""

    files: Mapping[str, bytes | None]
    expected: set[str]


def manifest(number: int) -> str:
    return f"manifests/{number:08}.json"


DROPPED, PRUNING, LAST, STRANGE = 6, 7, 9, 15


@pytest.fixture
def intact(tmp_path: Path) -> Intact:
    """Returns an archive of packs without base, with base, shared and pruned."""
    archive = Archive.create(tmp_path / "a")
    base = archive.append(night(0))
    on_base = archive.append(night(1), base)
    plain = archive.append(snapshot(1, "bybit"))
    shared = archive.append(noise(0, 80, "gate"))
    archive.append(later(noise(0, 80, "gate")))
    dropped = archive.append(noise(1, 80, "gate"))
    assert archive.prune([shared, dropped], NOON, "too old") == (dropped.pack,)
    on_base_too = archive.append(night(2), on_base)
    newest = archive.append(snapshot(5, "bybit"))
    assert (on_base.base, on_base_too.base, newest.base) == (base.pack, base.pack, "")
    required_by = {
        base.pack: {1, 2, 8},
        on_base.pack: {2},
        plain.pack: {3},
        shared.pack: {4, 5},
        on_base_too.pack: {8},
        newest.pack: {LAST},
    }
    return Intact(
        archive,
        MappingProxyType(tree(path_of(archive))),
        MappingProxyType(
            {f"packs/{pack}.zst": frozenset(numbers) for pack, numbers in required_by.items()}
        ),
        f"packs/{dropped.pack}.zst",
        f"packs/{base.pack}.zst",
    )


# The kinds


def changed(
    intact: Intact, chance: Chance, change: Callable[[bytearray, Chance], None]
) -> Corruption:
    name, content = chance.choice(list(intact.files.items()))
    corrupted = bytearray(content)
    change(corrupted, chance)
    assert corrupted != content
    return Corruption({name: bytes(corrupted)}, {name, *intact.orphaned(name)})


def flip_a_bit(intact: Intact, chance: Chance) -> Corruption:
    def flip(content: bytearray, chance: Chance) -> None:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)

    return changed(intact, chance, flip)


def change_a_byte(intact: Intact, chance: Chance) -> Corruption:
    def change(content: bytearray, chance: Chance) -> None:
        content[chance.randrange(len(content))] ^= chance.randrange(1, 256)

    return changed(intact, chance, change)


def truncate(intact: Intact, chance: Chance) -> Corruption:
    def cut(content: bytearray, chance: Chance) -> None:
        del content[chance.randrange(len(content)) :]

    return changed(intact, chance, cut)


def append_bytes(intact: Intact, chance: Chance) -> Corruption:
    def extend(content: bytearray, chance: Chance) -> None:
        content += chance.choice((b"\n", b"\0", b" ", bytes(content), chance.randbytes(9)))

    return changed(intact, chance, extend)


def insert_a_byte(intact: Intact, chance: Chance) -> Corruption:
    def insert(content: bytearray, chance: Chance) -> None:
        content.insert(
            chance.randrange(len(content)), chance.choice((9, 32, chance.randrange(256)))
        )

    return changed(intact, chance, insert)


def remove_a_byte(intact: Intact, chance: Chance) -> Corruption:
    def remove(content: bytearray, chance: Chance) -> None:
        del content[chance.randrange(len(content))]

    return changed(intact, chance, remove)


def missing(intact: Intact, name: str) -> set[str]:
    """Returns the objects reported if a file is missing.

    A missing newest manifest is reported only through the packs that it alone requires.
    """
    return {name, *intact.orphaned(name)} - {manifest(LAST)}


def delete(intact: Intact, chance: Chance) -> Corruption:
    name = chance.choice(list(intact.files))
    return Corruption({name: None}, missing(intact, name))


def swap_two(intact: Intact, chance: Chance) -> Corruption:
    first, second = chance.sample(list(intact.files), 2)
    files = {first: intact.files[second], second: intact.files[first]}
    return Corruption(files, {first, second, *intact.orphaned(first, second)})


def foreign_name(intact: Intact, chance: Chance) -> str:
    """Returns a name that no object of the archive has."""
    letters = "".join(chance.choices("0123456789abcdef", k=64))
    names = (
        letters[:9],
        "packs.zst",
        f"packs/{letters}.zst",
        f"packs/{letters}",
        f"packs/{letters}.tmp.zst",
        "packs/format.json",
        f"{intact.base}.bak",
        intact.pruned,
        "manifests/00000000.json",
        f"manifests/{letters}.json",
        manifest(1).replace("/0", "/"),
        f"{manifest(1)}~",
    )
    return chance.choice(names)


def rename(intact: Intact, chance: Chance) -> Corruption:
    name, to = chance.choice(list(intact.files)), foreign_name(intact, chance)
    return Corruption({name: None, to: intact.files[name]}, {*missing(intact, name), to})


def renumber(intact: Intact, chance: Chance) -> Corruption:
    number, to = chance.randint(1, LAST), chance.randint(LAST + 1, STRANGE)
    name = manifest(number)
    expected = {name, manifest(to), *intact.orphaned(name)}
    if number < LAST and to > LAST + 1:
        expected.add(manifest(LAST + 1))
    return Corruption({name: None, manifest(to): intact.files[name]}, expected)


def duplicate(intact: Intact, chance: Chance) -> Corruption:
    number, to = chance.randint(1, LAST), chance.randint(1, STRANGE)
    to = LAST + 1 if to == number else to
    expected = {manifest(to), *intact.orphaned(manifest(to))}
    if to > LAST + 1:
        expected.add(manifest(LAST + 1))
    return Corruption({manifest(to): intact.files[manifest(number)]}, expected)


def add_a_foreign_object(intact: Intact, chance: Chance) -> Corruption:
    name = foreign_name(intact, chance)
    return Corruption(
        {name: chance.choice((b"", b"?", chance.choice(list(intact.files.values()))))}, {name}
    )


KINDS = (
    flip_a_bit,
    change_a_byte,
    truncate,
    append_bytes,
    insert_a_byte,
    remove_a_byte,
    delete,
    swap_two,
    rename,
    renumber,
    duplicate,
    add_a_foreign_object,
)


def write_files(folder: Path, files: Mapping[str, bytes | None]) -> None:
    for name, content in files.items():
        if content is None:
            (folder / name).unlink(missing_ok=True)
        else:
            (folder / name).write_bytes(content)


def corruptions(
    intact: Intact, kind: Callable[[Intact, Chance], Corruption]
) -> Iterator[Corruption]:
    """Yields corruptions of a kind, each applied to the files until the next corruption."""
    chance = random.Random(kind.__name__)  # noqa: S311 - a repeatable choice, not a secret
    for _ in range(TIMES):
        corruption = kind(intact, chance)
        write_files(path_of(intact.archive), corruption.files)
        yield corruption
        write_files(
            path_of(intact.archive), {name: intact.files.get(name) for name in corruption.files}
        )


@pytest.mark.sample(4)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_corruption_is_reported_and_nothing_else(
    intact: Intact, kind: Callable[[Intact, Chance], Corruption]
) -> None:
    assert intact.archive.verify() == ()
    for number, corruption in enumerate(corruptions(intact, kind)):
        problems = intact.archive.verify()
        assert {problem.where for problem in problems} == corruption.expected, number
        assert len(problems) == len(corruption.expected), number
        assert not any("\n" in problem.what for problem in problems)
    assert intact.archive.verify() == ()


def test_a_damaged_base_is_reported_once_without_its_dependents(intact: Intact) -> None:
    path = path_of(intact.archive) / intact.base
    path.write_bytes(intact.files[intact.base] + b"\0")
    assert [problem.where for problem in intact.archive.verify()] == [intact.base]
    path.unlink()
    problems = intact.archive.verify()
    assert [(problem.where, problem.what) for problem in problems] == [(intact.base, "is missing")]


def test_a_damaged_pack_and_its_damaged_base_are_both_reported(intact: Intact) -> None:
    (on_base,) = (pack for pack, numbers in intact.required_by.items() if numbers == {2})
    for name in (intact.base, on_base):
        (path_of(intact.archive) / name).write_bytes(intact.files[name][:-1])
    assert faulty_objects(intact.archive) == {intact.base, on_base}


def test_a_missing_pack_of_several_snapshots_is_reported_once(intact: Intact) -> None:
    entry = intact.archive.entries()[4]
    (path_of(intact.archive) / f"packs/{entry.pack}.zst").unlink()
    assert len(intact.archive.verify()) == 1


def test_reading_a_dependent_of_a_damaged_base_names_the_base(
    intact: Intact,
) -> None:
    entries = intact.archive.entries()
    path = path_of(intact.archive) / intact.base
    path.write_bytes(b"damaged")
    with pytest.raises(ArchiveError, match=f"{intact.base}: is damaged"):
        intact.archive.read(entries[1])
    assert intact.archive.read(entries[2]) == snapshot(1, "bybit")


@pytest.mark.parametrize(
    "damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"?")]
)
def test_a_missing_or_damaged_base_is_not_used(
    intact: Intact, damage: Callable[[Path], object]
) -> None:
    entries = intact.archive.entries()
    damage(path_of(intact.archive) / intact.base)
    added = intact.archive.append(night(3), entries[0])
    assert added.base == ""
    assert intact.archive.read(added) == night(3)
    assert faulty_objects(intact.archive) == {intact.base}
