"""The command ``registry-server``: init, serve, db, fsck, clock, certify."""

from registry_server.cli.main import app, main

__all__ = ["app", "main"]
