"""Whatever is changed in an archive, `verify` names it, and nothing that is not touched by it.

What must be named is said here by another rule than the archive's own: from what the archive was
built of, not from what it reads.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from harmonize.archive.archive import Archive, ArchiveError
from tests.support.archives import NOON, later, night, noise, path_of, places, snapshot, tree

TIMES = 850
"""Corruptions of each of twelve kinds: more than ten thousand."""

Files = Mapping[str, bytes]
Chance = random.Random


class Sound(NamedTuple):
    """A sound archive: its files, which manifests vouch for each pack, the pruned one, the base."""

    archive: Archive
    files: Files
    vouched: Mapping[str, frozenset[int]]
    pruned: str
    base: str

    def without(self, *names: str) -> set[str]:
        """What shows in packs if these files cannot be read as manifests."""
        lost = {int(one[-13:-5]) for one in names if one.startswith("manifests/")}
        shows = {pack for pack, numbers in self.vouched.items() if numbers <= lost}
        if PRUNING in lost and DROPPED not in lost:
            shows.add(self.pruned)
        return shows


class Corruption(NamedTuple):
    """Files to write (None: to delete), and what must be named then, neither more nor less."""

    files: Mapping[str, bytes | None]
    named: set[str]


def manifest(number: int) -> str:
    return f"manifests/{number:08}.json"


DROPPED, PRUNING, LAST, STRANGE = 6, 7, 9, 15


@pytest.fixture
def sound(tmp_path: Path) -> Sound:
    """Packs that stand alone, on a base, shared, and pruned; and the record of the pruning."""
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
    vouched = {
        base.pack: {1, 2, 8},
        on_base.pack: {2},
        plain.pack: {3},
        shared.pack: {4, 5},
        on_base_too.pack: {8},
        newest.pack: {LAST},
    }
    return Sound(
        archive,
        MappingProxyType(tree(path_of(archive))),
        MappingProxyType({f"packs/{one}.zst": frozenset(by) for one, by in vouched.items()}),
        f"packs/{dropped.pack}.zst",
        f"packs/{base.pack}.zst",
    )


# The kinds


def changed(
    sound: Sound, chance: Chance, change: Callable[[bytearray, Chance], None]
) -> Corruption:
    name, content = chance.choice(list(sound.files.items()))
    other = bytearray(content)
    change(other, chance)
    assert other != content
    return Corruption({name: bytes(other)}, {name, *sound.without(name)})


def flip_a_bit(sound: Sound, chance: Chance) -> Corruption:
    def flip(content: bytearray, chance: Chance) -> None:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)

    return changed(sound, chance, flip)


def change_a_byte(sound: Sound, chance: Chance) -> Corruption:
    def change(content: bytearray, chance: Chance) -> None:
        content[chance.randrange(len(content))] ^= chance.randrange(1, 256)

    return changed(sound, chance, change)


def truncate(sound: Sound, chance: Chance) -> Corruption:
    def cut(content: bytearray, chance: Chance) -> None:
        del content[chance.randrange(len(content)) :]

    return changed(sound, chance, cut)


def append_bytes(sound: Sound, chance: Chance) -> Corruption:
    def extend(content: bytearray, chance: Chance) -> None:
        content += chance.choice((b"\n", b"\0", b" ", bytes(content), chance.randbytes(9)))

    return changed(sound, chance, extend)


def insert_a_byte(sound: Sound, chance: Chance) -> Corruption:
    def insert(content: bytearray, chance: Chance) -> None:
        content.insert(
            chance.randrange(len(content)), chance.choice((9, 32, chance.randrange(256)))
        )

    return changed(sound, chance, insert)


def remove_a_byte(sound: Sound, chance: Chance) -> Corruption:
    def remove(content: bytearray, chance: Chance) -> None:
        del content[chance.randrange(len(content))]

    return changed(sound, chance, remove)


def gone(sound: Sound, name: str) -> set[str]:
    """What shows where a file is gone; the newest manifest only by what it alone vouched for."""
    return {name, *sound.without(name)} - {manifest(LAST)}


def delete(sound: Sound, chance: Chance) -> Corruption:
    name = chance.choice(list(sound.files))
    return Corruption({name: None}, gone(sound, name))


def swap_two(sound: Sound, chance: Chance) -> Corruption:
    one, two = chance.sample(list(sound.files), 2)
    files = {one: sound.files[two], two: sound.files[one]}
    return Corruption(files, {one, two, *sound.without(one, two)})


def strange(sound: Sound, chance: Chance) -> str:
    """A name that nothing has."""
    letters = "".join(chance.choices("0123456789abcdef", k=64))
    names = (
        letters[:9],
        "packs.zst",
        f"packs/{letters}.zst",
        f"packs/{letters}",
        f"packs/{letters}.tmp.zst",
        "packs/format.json",
        f"{sound.base}.bak",
        sound.pruned,
        "manifests/00000000.json",
        f"manifests/{letters}.json",
        manifest(1).replace("/0", "/"),
        f"{manifest(1)}~",
    )
    return chance.choice(names)


def rename(sound: Sound, chance: Chance) -> Corruption:
    name, to = chance.choice(list(sound.files)), strange(sound, chance)
    return Corruption({name: None, to: sound.files[name]}, {*gone(sound, name), to})


def renumber(sound: Sound, chance: Chance) -> Corruption:
    number, to = chance.randint(1, LAST), chance.randint(LAST + 1, STRANGE)
    name = manifest(number)
    named = {name, manifest(to), *sound.without(name)}
    if number < LAST and to > LAST + 1:
        named.add(manifest(LAST + 1))
    return Corruption({name: None, manifest(to): sound.files[name]}, named)


def duplicate(sound: Sound, chance: Chance) -> Corruption:
    number, to = chance.randint(1, LAST), chance.randint(1, STRANGE)
    to = LAST + 1 if to == number else to
    named = {manifest(to), *sound.without(manifest(to))}
    if to > LAST + 1:
        named.add(manifest(LAST + 1))
    return Corruption({manifest(to): sound.files[manifest(number)]}, named)


def add_a_stranger(sound: Sound, chance: Chance) -> Corruption:
    name = strange(sound, chance)
    return Corruption(
        {name: chance.choice((b"", b"?", chance.choice(list(sound.files.values()))))}, {name}
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
    add_a_stranger,
)


def written(folder: Path, files: Mapping[str, bytes | None]) -> None:
    for name, content in files.items():
        if content is None:
            (folder / name).unlink(missing_ok=True)
        else:
            (folder / name).write_bytes(content)


def corruptions(sound: Sound, kind: Callable[[Sound, Chance], Corruption]) -> Iterator[Corruption]:
    """Corruptions of a kind, each done to the files while it is looked at."""
    chance = random.Random(kind.__name__)  # noqa: S311 - a repeatable choice, not a secret
    for _ in range(TIMES):
        one = kind(sound, chance)
        written(path_of(sound.archive), one.files)
        yield one
        written(path_of(sound.archive), {name: sound.files.get(name) for name in one.files})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_corruption_is_missed_and_nothing_else_is_named(
    sound: Sound, kind: Callable[[Sound, Chance], Corruption]
) -> None:
    assert sound.archive.verify() == ()
    for number, one in enumerate(corruptions(sound, kind)):
        problems = sound.archive.verify()
        assert {problem.where for problem in problems} == one.named, number
        assert len(problems) == len(one.named), number
        assert not any("\n" in problem.what for problem in problems)
    assert sound.archive.verify() == ()


def test_a_base_that_is_damaged_is_named_once_and_what_rests_on_it_is_not(sound: Sound) -> None:
    path = path_of(sound.archive) / sound.base
    path.write_bytes(sound.files[sound.base] + b"\0")
    assert [one.where for one in sound.archive.verify()] == [sound.base]
    path.unlink()
    problems = sound.archive.verify()
    assert [(one.where, one.what) for one in problems] == [(sound.base, "is missing")]


def test_a_pack_and_its_base_that_are_both_damaged_are_both_named(sound: Sound) -> None:
    (resting,) = (pack for pack, by in sound.vouched.items() if by == {2})
    for name in (sound.base, resting):
        (path_of(sound.archive) / name).write_bytes(sound.files[name][:-1])
    assert places(sound.archive) == {sound.base, resting}


def test_a_pack_that_three_snapshots_share_is_named_once(sound: Sound) -> None:
    entry = sound.archive.entries()[4]
    (path_of(sound.archive) / f"packs/{entry.pack}.zst").unlink()
    assert len(sound.archive.verify()) == 1


def test_what_rests_on_a_damaged_base_cannot_be_read_and_the_base_is_said_to_be_why(
    sound: Sound,
) -> None:
    entries = sound.archive.entries()
    path = path_of(sound.archive) / sound.base
    path.write_bytes(b"damaged")
    with pytest.raises(ArchiveError, match=f"{sound.base}: is damaged"):
        sound.archive.read(entries[1])
    assert sound.archive.read(entries[2]) == snapshot(1, "bybit")


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_bytes(b"?")])
def test_no_pack_is_put_on_a_base_that_is_missing_or_damaged(
    sound: Sound, harm: Callable[[Path], object]
) -> None:
    entries = sound.archive.entries()
    harm(path_of(sound.archive) / sound.base)
    added = sound.archive.append(night(3), entries[0])
    assert added.base == ""
    assert sound.archive.read(added) == night(3)
    assert places(sound.archive) == {sound.base}
