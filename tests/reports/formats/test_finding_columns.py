"""Every flat format, read by another program, contains the findings and is harmless."""

import csv
import json
import re
import zipfile
from dataclasses import replace
from io import BytesIO, StringIO
from xml.etree.ElementTree import fromstring

import jsonschema
import openpyxl
import pyarrow.parquet
import pytest
from openpyxl.utils.escape import unescape

from harmonize.document import AuditDocument, Finding, Level, Verdict, decoded, to_json
from harmonize.text.sanitize import plain
from reports.finding_order import sort_by_severity
from reports.formats import sarif
from reports.formats.finding_columns import COLUMNS, finding_row, neutralize_formula
from reports.registry import render
from tests.support import sample_documents
from tests.support.sample_documents import ESCAPE, FORMULA, SCRIPT, empty, sample
from tests.test_architecture import ROOT

DOCUMENT = sample()
ALL = (*DOCUMENT.findings, *DOCUMENT.waived)
NAMES = [column.name for column in COLUMNS]
HOSTILE = (
    *(SCRIPT, ESCAPE, FORMULA, "@SUM(1)", "%0A::error::x", "]]>", "a | b", "a\n::error::b"),
    *("[a](http://evil.test)", "{0}", "https://evil.test", "www.evil.test", "\\[a](b)", "\x00"),
)


def text(name: str, document: AuditDocument = DOCUMENT) -> str:
    return render(name, document).decode()


def spreadsheet(finding: Finding) -> list[object]:
    return [
        neutralize_formula(cell) if isinstance(cell, str) else cell for cell in finding_row(finding)
    ]


def test_csv_reads_back_cell_by_cell() -> None:
    heading, *lines = csv.reader(StringIO(text("csv")))
    assert heading == NAMES
    assert len(lines) == len(ALL)
    for line, finding in zip(lines, ALL, strict=True):
        expected = ["" if cell is None else str(cell) for cell in spreadsheet(finding)]
        assert line == expected


@pytest.mark.parametrize(
    "hostile",
    [
        FORMULA,
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "\r=1",
        "  =1",
        *(f"{chr(0xFEE0 + ord(sign))}1" for sign in "=+-@"),
    ],
)
def test_no_text_is_a_formula(hostile: str) -> None:
    neutral = neutralize_formula(hostile)
    assert neutral.removeprefix("'") == plain(hostile)
    assert neutral[0] in "'\\"  # quoted, or the control character is an escape now


@pytest.mark.parametrize("harmless", ["", "BTC/USDT:USDT", "−12 %", "a=b", "1"])
def test_other_text_is_left_alone(harmless: str) -> None:
    assert neutralize_formula(harmless) == harmless


def test_json_lines_are_the_findings_of_the_document() -> None:
    whole = decoded(json.loads(to_json(DOCUMENT)))
    assert [json.loads(line) for line in text("jsonl").splitlines()] == (
        whole["findings"] + whole["waived"]
    )


def test_parquet_is_typed_and_says_its_units_and_where_it_comes_from() -> None:
    table = pyarrow.parquet.read_table(BytesIO(render("parquet", DOCUMENT)))
    assert table.column_names == NAMES
    assert [str(item.type) for item in table.schema] == [
        "double" if column.is_numeric else "string" for column in COLUMNS
    ]
    assert [tuple(item.values()) for item in table.to_pylist()] == [
        finding_row(item) for item in ALL
    ]
    for item, column in zip(table.schema, COLUMNS, strict=True):
        assert item.metadata[b"means"].decode() == column.meaning
        assert item.metadata[b"unit"].decode() == column.unit
    assert table.schema.metadata[b"as_of"].decode() == DOCUMENT.as_of
    assert table.schema.metadata[b"snapshots"].decode().split() == [
        item.sha256 for item in DOCUMENT.snapshots
    ]


def test_the_workbook_has_typed_cells_a_frozen_head_and_no_formula() -> None:
    book = openpyxl.load_workbook(BytesIO(render("xlsx", DOCUMENT)))
    assert book.sheetnames == ["Findings", "Rule sets", "Waivers", "Dictionary", "Provenance"]
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert not [cell.coordinate for line in sheet for cell in line if cell.data_type == "f"]
    heading, *lines = book["Findings"].iter_rows(values_only=True)
    assert list(heading) == NAMES
    for line, finding in zip(lines, ALL, strict=True):
        assert list(line) == [None if item in {None, ""} else item for item in spreadsheet(finding)]
    numbers = [place for place, column in enumerate(COLUMNS) if column.is_numeric]
    first = next(book["Findings"].iter_rows(min_row=2, max_row=2))
    assert {first[place].data_type for place in numbers} == {"n"}
    described = [line[0] for line in book["Dictionary"].iter_rows(min_row=2, values_only=True)]
    assert described == NAMES
    hashes = {line[5] for line in book["Provenance"].iter_rows(min_row=2, values_only=True)}
    assert {item.sha256 for item in DOCUMENT.snapshots} <= hashes
    assert book.properties.created.isoformat()[:10] == DOCUMENT.as_of[:10]


def test_the_workbook_names_every_rule_set_and_every_payload() -> None:
    book = openpyxl.load_workbook(BytesIO(render("xlsx", DOCUMENT)))
    _, *rule_rows = book["Rule sets"].iter_rows(values_only=True)
    assert list(dict.fromkeys((line[0], line[2]) for line in rule_rows)) == [
        (item.id, item.title) for item in DOCUMENT.rule_sets
    ]
    heading, *lines = book["Provenance"].iter_rows(values_only=True)
    rows = [dict(zip(heading, line, strict=True)) for line in lines]
    snapshots = [item for item in rows if item["item"] == "snapshot"]
    assert [(item["venue"], item["age_days"], item["stale"]) for item in snapshots] == [
        (item.venue, item.age_days, "yes" if item.stale else "no") for item in DOCUMENT.snapshots
    ]
    payloads = [item for item in rows if item["item"] == "payload"]
    assert [(item["call"], item["origin"], item["sha256"]) for item in payloads] == [
        (item.call, item.origin, item.sha256)
        for snapshot in DOCUMENT.snapshots
        for item in snapshot.payloads
    ]


def test_a_whole_number_is_a_number_and_what_is_not_finite_is_an_empty_cell() -> None:
    finding = replace(DOCUMENT.findings[0], notional=1000, deviation=float("inf"))
    book = openpyxl.load_workbook(BytesIO(render("xlsx", replace(empty(), findings=(finding,)))))
    _, line = book["Findings"].iter_rows(max_row=2, values_only=True)
    assert line[NAMES.index("notional_usd")] == 1000
    assert line[NAMES.index("deviation")] is None


def test_rows_of_findings_are_compact_and_their_text_is_read_back_as_it_is() -> None:
    finding = replace(DOCUMENT.findings[0], message="a _x0041_ < b & c", notional=0.1 + 0.2)
    content = render("xlsx", replace(empty(), findings=(finding,) * 3, waived=()))
    with zipfile.ZipFile(BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    rows = re.findall(r"<row>(.*?)</row>", sheet)
    assert len(rows) == 3
    assert all(row.count("<c") == len(NAMES) and ' r="' not in row for row in rows)
    assert 'ref="A1:X4"' in sheet
    assert "a _x005F_x0041_ &lt; b &amp; c" in rows[0]
    book = openpyxl.load_workbook(BytesIO(content))
    line = list(book["Findings"].iter_rows(values_only=True))[3]
    assert unescape(line[NAMES.index("message")]) == "a _x0041_ < b & c"
    assert line[NAMES.index("notional_usd")] == 0.1 + 0.2


def test_the_workbook_carries_no_time_of_its_own() -> None:
    with zipfile.ZipFile(BytesIO(render("xlsx", DOCUMENT))) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = archive.read("docProps/core.xml").decode()
    assert DOCUMENT.as_of[:19] in core


def test_sarif_keeps_its_schema() -> None:
    schema = json.loads((ROOT / "tests/vectors/sarif-2.1.0.json").read_text())
    for document in (DOCUMENT, empty()):
        jsonschema.validate(json.loads(text("sarif", document)), schema)


def test_sarif_says_what_failed_what_is_known_and_what_is_waived() -> None:
    (run,) = json.loads(text("sarif"))["runs"]
    results = run["results"]
    in_order = (*sort_by_severity(DOCUMENT.findings), *sort_by_severity(DOCUMENT.waived))
    assert set(in_order) == set(ALL)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result, finding in zip(results, in_order, strict=True):
        assert rules[result["ruleIndex"]] == result["ruleId"] == finding.code
        assert result["partialFingerprints"] == {
            "harmonize/v1": finding.fingerprint,
            "primaryLocationLineHash": f"{finding.fingerprint}:1",
        }
        assert (result["level"] == "none") == (result["kind"] != "fail")
        unescaped = re.sub(r"\\([\\\[\]])", r"\1", result["message"]["text"])
        assert unescaped == plain(finding.message)
    states = {result["partialFingerprints"]["harmonize/v1"]: result for result in results}
    assert states[ALL[0].fingerprint]["baselineState"] == "updated"
    assert results[-1]["suppressions"][0]["justification"] == ALL[-1].waiver
    assert "suppressions" not in results[0]
    assert "invocations" not in run


def locations(document: AuditDocument) -> list[tuple[str, int, int]]:
    (run,) = json.loads(text("sarif", document))["runs"]
    physical = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert all(place["artifactLocation"]["uriBaseId"] == "%SRCROOT%" for place in physical)
    return [
        (
            place["artifactLocation"]["uri"],
            place["region"]["startLine"],
            place["region"]["startColumn"],
        )
        for place in physical
    ]


def test_every_result_has_a_path_in_the_repository() -> None:
    for uri, line, column in locations(DOCUMENT):
        assert re.fullmatch(r"(payloads|rules)/[A-Za-z0-9._~%/-]+|\.harmonize\.yaml", uri)
        assert line >= 1
        assert column >= 1


def located(**parts: str) -> tuple[str, int, int]:
    finding = replace(DOCUMENT.findings[0], **{"venue": "", "symbol": "", **parts})  # type: ignore[arg-type]
    (place,) = locations(replace(DOCUMENT, findings=(finding,), waived=()))
    return place


def test_a_result_is_located_at_the_payload_the_rule_set_or_the_configuration() -> None:
    schedule = DOCUMENT.schedules[0]
    payloads = {
        payload.sha256: payload.call.partition("(")[0]
        for snapshot in DOCUMENT.snapshots
        for payload in snapshot.payloads
    }
    row = replace(schedule, evidence=(replace(schedule.evidence[0], sha256=next(iter(payloads))),))
    (finding, *_) = DOCUMENT.findings
    own = replace(finding, venue=row.venue, symbol=row.symbol, profile=row.profile)
    document = replace(DOCUMENT, schedules=(row,), findings=(own,), waived=())
    call = next(iter(payloads.values()))
    assert locations(document) == [(f"payloads/{row.venue}/{call}.json", 1, 1)]
    assert located(venue="okx") == ("payloads/okx.json", 1, 1)
    assert located(rule_set="esma-retail") == ("rules/esma-retail.yaml", 1, 1)
    assert located(rule_set="") == (".harmonize.yaml", 1, 1)


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (".harmonize.yaml:12:3: the waiver has expired", (".harmonize.yaml", 12, 3)),
        ("config/my margins.yaml:4:1: the waiver", ("config/my%20margins.yaml", 4, 1)),
        ("/home/somebody/margins.yml:4:1: the waiver", ("margins.yml", 4, 1)),
        ("../margins.yaml:4:1: the waiver", ("margins.yaml", 4, 1)),
        ("./margins.yaml:4:1: the waiver", ("margins.yaml", 4, 1)),
        ("margins.yaml:0:1: no line", ("rules/x.yaml", 1, 1)),
        ("no place", ("rules/x.yaml", 1, 1)),
    ],
)
def test_a_message_that_begins_with_a_place_locates_the_result(
    message: str, place: tuple[str, int, int]
) -> None:
    assert located(message=message, rule_set="x") == place


@pytest.mark.parametrize(
    ("venue", "uri"),
    [
        ("..", "payloads/_.json"),
        ("../../etc", "payloads/..%2F..%2Fetc.json"),
        ("a b:c?d#e", "payloads/a%20b%3Ac%3Fd%23e.json"),
        ("龙", "payloads/%E9%BE%99.json"),
    ],
)
def test_a_path_of_hostile_text_stays_in_its_folder(venue: str, uri: str) -> None:
    assert located(venue=venue)[0] == uri


def test_every_rule_says_where_its_page_is() -> None:
    (run,) = json.loads(text("sarif"))["runs"]
    for rule in run["tool"]["driver"]["rules"]:
        assert re.fullmatch(
            r"pkg:pypi/harmonize-margins@[A-Za-z0-9.%~_-]+#docs/checks\.md", rule["helpUri"]
        )
        assert f"docs/checks.md#{rule['id'].lower()}-{rule['name']}" in rule["help"]["text"]
        assert rule["fullDescription"]["text"]


def test_sarif_keeps_the_most_severe_results_and_tells_how_many_it_omits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert sarif.MAX_RESULTS == 25_000
    monkeypatch.setattr(sarif, "MAX_RESULTS", 3)
    (run,) = json.loads(text("sarif"))["runs"]
    kept = [result["partialFingerprints"]["harmonize/v1"] for result in run["results"]]
    expected = sort_by_severity(DOCUMENT.findings)[:3]
    assert kept == [finding.fingerprint for finding in expected]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {
        finding.code for finding in expected
    }
    (invocation,) = run["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert invocation["executionSuccessful"] is True
    assert notification["message"]["text"] == (
        f"{len(ALL) - 3}\u00a0less severe findings omitted: code scanning accepts 3 results; "
        "use another format, or select venues and rule sets"
    )
    schema = json.loads((ROOT / "tests/vectors/sarif-2.1.0.json").read_text())
    jsonschema.validate({"version": "2.1.0", "runs": [run]}, schema)


def test_junit_counts_what_it_holds() -> None:
    root = fromstring(text("junit"))  # noqa: S314 - our own
    cases = root.findall(".//testcase")
    assert len(cases) == len(ALL) == int(root.get("tests", ""))
    assert len(root.findall(".//failure")) == int(root.get("failures", ""))
    assert len(root.findall(".//skipped")) == int(root.get("skipped", ""))
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite)
        assert int(suite.get("failures", "")) == len(suite.findall(".//failure"))
    messages = [item.get("message", "") for item in root.findall(".//skipped")]
    assert any(item.startswith("waived: ") for item in messages)


def test_annotations_are_one_line_each_and_hold_no_other_command() -> None:
    lines = text("github").splitlines()
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)
    assert len(lines) == len(DOCUMENT.findings)
    assert text("github", empty()) == "::notice title=harmonize::no findings\n"


def test_an_annotation_escapes_what_the_runner_would_obey() -> None:
    finding = sample_documents.finding(
        1,
        Level.ERROR,
        Verdict.BREACH,
        venue="a:b,c",
        message="IM 1 % is low%0A::error::injected\n::warning::too",
    )
    line = text("github", replace(empty(), findings=(finding,)))
    assert line == (
        "::error title=MH301 initial-diverges a%3Ab%2Cc BTC/USDT::IM 1 %25 is low%250A::error"
        "::injected\\n::warning::too\n"
    )


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_does_no_harm_in_any_format(hostile: str) -> None:
    finding = replace(
        DOCUMENT.findings[0], venue=hostile, symbol=hostile, message=hostile, waiver=hostile
    )
    document = replace(empty(), findings=(finding,), waived=(replace(finding, fingerprint="f"),))
    table = pyarrow.parquet.read_table(BytesIO(render("parquet", document)))
    assert table["message"].to_pylist() == [hostile] * 2
    assert [json.loads(item)["message"] for item in text("jsonl", document).split("\n")[:-1]] == (
        [hostile] * 2
    )
    lines = list(csv.reader(StringIO(text("csv", document))))
    assert [line[NAMES.index("message")] for line in lines[1:]] == [neutralize_formula(hostile)] * 2
    sheet = openpyxl.load_workbook(BytesIO(render("xlsx", document)))["Findings"]
    cells = [cell for line in sheet for cell in line]
    assert not [item for item in cells if item.data_type == "f" or item.hyperlink]
    assert neutralize_formula(hostile) in {item.value for item in cells}
    (case, waived) = fromstring(text("junit", document)).iter("testcase")  # noqa: S314 - our own
    assert case.find("failure").get("message") == plain(hostile)  # type: ignore[union-attr] # it failed
    assert waived.find("skipped") is not None
    assert len(text("github", document).split("\n")) == 2
    assert len(json.loads(text("sarif", document))["runs"][0]["results"]) == 2


@pytest.mark.parametrize(
    ("sent", "escaped"),
    [
        ("[a](http://evil.test)", "\\[a\\](http://evil.test)"),
        ("\\[a](b)", "\\\\\\[a\\](b)"),
        ("{0}", "{{0}}"),
        ("a\u202eb\x1b", "a\\\\u202eb\\\\x1b"),
    ],
)
def test_a_viewer_of_sarif_finds_no_link_and_no_placeholder(sent: str, escaped: str) -> None:
    finding = replace(DOCUMENT.findings[0], message=sent)
    (run,) = json.loads(text("sarif", replace(empty(), findings=(finding,))))["runs"]
    assert run["results"][0]["message"]["text"] == escaped


@pytest.mark.parametrize("sent", HOSTILE)
def test_markdown_makes_neither_a_link_nor_a_cell_of_hostile_text(sent: str) -> None:
    finding = replace(DOCUMENT.findings[0], message=sent)
    page = text("markdown", replace(empty(), findings=(finding,)))
    (line,) = [row for row in page.split("\n") if row.startswith("| warning | MH301 | under")]
    unescaped = re.sub(r"\\.", "", line)
    assert unescaped.count("|") == 7
    assert not re.search(r"[<\[]|://|www\.", unescaped)


def test_markdown_gives_the_title_and_the_sources_of_a_rule_set() -> None:
    page = text("markdown")
    assert "- **synthetic-baseline** 0.1, Synthetic baseline; schedule, benchmark\n" in page
    assert "- **synthetic-cap** 2.0, Synthetic leverage cap; cap, statutory\n" in page
    assert "  - secondary: A quotation of it\n" in page


def test_markdown_shows_hostile_text_as_text() -> None:
    page = text("markdown")
    assert SCRIPT not in page
    assert "\\<script\\>" in page
    for line in page.splitlines():
        if line.startswith("| error | MH401 | breach"):
            assert line.replace("\\|", "").count("|") == 7


def test_a_document_without_findings_is_written_in_every_format() -> None:
    for name in ("csv", "jsonl", "markdown", "sarif", "junit", "github", "xlsx", "parquet"):
        assert isinstance(render(name, empty()), bytes)
