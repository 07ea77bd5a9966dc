"""Bytes to values and back: every form that is hashed, signed or kept for good."""
