"""The subject key service: evaluates blinded identity numbers; a separate program, run by another operator."""

__all__ = ["SetupError"]


class SetupError(Exception):
    """A setting, a key or a file of the key service is missing or not in order; never shows a secret."""
