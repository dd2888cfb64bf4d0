"""Renderers of the audit document. A renderer formats and never evaluates."""
