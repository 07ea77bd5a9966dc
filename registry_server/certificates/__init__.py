"""The registry's certificate authority, for TLS between its members."""
