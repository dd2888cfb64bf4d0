"""Replies of venues that page, filter or list their recordings; all others reply as recorded."""
