import json
import re
import subprocess
import sys

import pytest

from harmonize.document import to_json
from reports.registry import BINARY, FORMATS, UnknownFormatError, render, renderer
from tests.support.sample_documents import sample


def test_an_unknown_format_names_those_that_there_are() -> None:
    with pytest.raises(UnknownFormatError) as raised:
        renderer("pdf")
    assert str(raised.value) == (
        "unknown format 'pdf'; use csv, github, html, json, jsonl, junit, markdown, "
        "parquet, sarif, table, xlsx"
    )


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_the_same_bytes_for_the_same_document(name: str) -> None:
    rendered = render(name, sample())
    assert rendered == render(name, sample())
    assert name in BINARY or rendered.endswith(b"\n")


def test_json_is_the_document() -> None:
    assert render("json", sample()) == to_json(sample())
    assert json.loads(render("json", sample()))["tool"]["name"] == "harmonize"


def test_to_know_the_formats_loads_no_library() -> None:
    program = "import sys, reports.registry; print(sorted(sys.modules))"
    completed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    modules = set(re.findall(r"'(\w+)'", completed.stdout))
    assert not modules & {"matplotlib", "numpy", "jinja2", "rich", "pydantic"}
    assert "reports" in modules
