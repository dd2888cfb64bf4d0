"""The findings as a Parquet table, typed, with units and provenance in its metadata."""

from io import BytesIO

from harmonize.document import AuditDocument
from reports.formats.finding_columns import COLUMNS, rows


def parquet(document: AuditDocument) -> bytes:
    """Write one table; text is as the document has it, for programs and not for spreadsheets."""
    import pyarrow as pa  # noqa: PLC0415 - heavy; only this format needs it
    from pyarrow import parquet as files  # noqa: PLC0415 - as above

    held = list(zip(*rows(document), strict=True)) or [()] * len(COLUMNS)
    fields = [
        pa.field(
            column.name,
            pa.float64() if column.numeric else pa.string(),
            metadata={"unit": column.unit, "means": column.means},
        )
        for column in COLUMNS
    ]
    schema = pa.schema(
        fields,
        metadata={
            "tool": f"{document.tool.name} {document.tool.version}",
            "as_of": document.as_of,
            "archive": document.archive,
            "document_schema": document.schema_version,
            "snapshots": " ".join(one.sha256 for one in document.snapshots),
        },
    )
    arrays = [pa.array(cells, one.type) for cells, one in zip(held, fields, strict=True)]
    written = BytesIO()
    files.write_table(pa.table(arrays, schema=schema), written, compression="zstd")
    return written.getvalue()
