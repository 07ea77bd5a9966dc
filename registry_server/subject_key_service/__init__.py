"""The subject key service: evaluates blinded identity numbers; a separate program, run by another operator."""

from registry_server.serving.hinted import HintedError

__all__ = ["BACKUP", "INSTALL", "SetupError"]

# What to do next where these files are missing or damaged.
BACKUP = "put the keys back from their backup (`key restore`): without them no pseudonym can be made."
INSTALL = "run `subject-key-service install` with the files that the registry's operator gave back."


class SetupError(HintedError):
    """A setting, a key or a file of the key service is missing or not in order; never shows a secret."""
