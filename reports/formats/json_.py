"""The audit document itself, as JSON."""

from harmonize.document import AuditDocument, to_json


def json(document: AuditDocument) -> bytes:
    """Renders the document exactly as `to_json` does."""
    return to_json(document)
