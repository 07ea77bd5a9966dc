"""Auditing: fetch the log, verify it completely and report findings."""
