"""Gathers payloads from venues; the only package that makes network calls to them."""
