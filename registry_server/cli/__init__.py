"""The command registry-server."""
