"""Reporting: portfolio files, pre-flight checks, batches and the outbox."""
