"""Canonical identity numbers, VOPRF and pseudonyms."""
