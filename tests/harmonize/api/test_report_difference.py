"""The first difference between two versions of a file, in one line that shows what differs."""

import gzip

import pytest

from harmonize.api.report_difference import first_difference

LONG = "margin,Venue," + "x" * 200


@pytest.mark.parametrize(
    ("expected", "found", "line"),
    [
        (
            '<td id="a">1</td><td id="cell-okx">1.5 %</td>',
            '<td id="a">1</td><td id="cell-okx">9.5 %</td>',
            "#cell-okx: expected '1.5 %', found '9.5 %'",
        ),
        ("a,b\n1,2\n", "a,b\n1,3\n", "line 2, character 3: expected '1,2', found '1,3'"),
        ("a,b\n1,2\n", "a,b\n1,2\n3", "line 3, character 1: expected '', found '3'"),
        (
            f"{LONG}1.5,{'y' * 200}\n",
            f"{LONG}9.5,{'y' * 200}\n",
            (
                f"line 1, character 214: expected '…{'x' * 40}1.5,{'y' * 76}…', "
                f"found '…{'x' * 40}9.5,{'y' * 76}…'"
            ),
        ),
    ],
)
def test_the_part_that_differs_is_shown(expected: str, found: str, line: str) -> None:
    assert first_difference(expected.encode(), found.encode()) == line
    packed = [gzip.compress(text.encode(), mtime=0) for text in (expected, found)]
    assert first_difference(*packed) == line


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (b"\x89PNG\0\1", b"\x89PNG\0\2!"),
        (b"PK\3\4\xff", b"PK\3\4\xfe"),
        (b"PK\3\4\xff", b"text"),
        (gzip.compress(b"same", mtime=0), gzip.compress(b"same", mtime=1)),
        (gzip.compress(b"same", mtime=0), gzip.compress(b"same", mtime=0)[:-4]),
        (gzip.compress(b"\xff\0", mtime=0), gzip.compress(b"\xfe\0", mtime=0)),
    ],
)
def test_what_is_no_text_is_described_by_size_and_hash(expected: bytes, found: bytes) -> None:
    line = first_difference(expected, found)
    assert line.isascii()
    assert line.startswith("expected ")
    assert line.count(" bytes with SHA-256 ") == 2
    before, after = line.split(", found ")
    assert before.removeprefix("expected ") != after
