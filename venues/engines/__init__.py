"""Parsers for payload formats shared by several venues."""
