"""The command credit-registry: one file a verb."""

from client_sdk.cli.app import app, main

__all__ = ["app", "main"]
