"""Renderers of the audit document: each reads it, none decides."""
