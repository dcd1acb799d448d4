"""Rows that are visible in several namespaces, by consent."""
