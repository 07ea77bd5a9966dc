"""Verification of log content: directory, record chains, live records, HEADs and evidence."""
