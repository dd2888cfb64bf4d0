"""Findings as a typed Parquet table, with units and provenance in its metadata."""

from io import BytesIO

from harmonize.document import AuditDocument
from reports.formats.finding_columns import COLUMNS, finding_rows


def parquet(document: AuditDocument) -> bytes:
    """Renders one table; text is unchanged, because programs read it, not spreadsheets."""
    import pyarrow as pa  # noqa: PLC0415 - heavy; only this format needs it
    from pyarrow import parquet as files  # noqa: PLC0415 - as above

    columns = list(zip(*finding_rows(document), strict=True)) or [()] * len(COLUMNS)
    fields = [
        pa.field(
            column.name,
            pa.float64() if column.is_numeric else pa.string(),
            metadata={"unit": column.unit, "means": column.meaning},
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
            "snapshots": " ".join(snapshot.sha256 for snapshot in document.snapshots),
        },
    )
    arrays = [
        pa.array(cells, column_field.type)
        for cells, column_field in zip(columns, fields, strict=True)
    ]
    buffer = BytesIO()
    files.write_table(pa.table(arrays, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()
