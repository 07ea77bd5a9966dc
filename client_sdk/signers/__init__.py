"""Signers whose private key is held by a device or by an agent, and never by this process."""
