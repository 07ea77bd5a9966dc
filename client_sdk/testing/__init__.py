"""A real registry on this machine for an integrator's tests: child processes in a temporary folder.

    from client_sdk.testing import TestRegistry

    with TestRegistry() as registry, registry.client("lender-1") as client:
        client.report(...)

It is the real thing run small: three administrators with a threshold of two, a registry on SQLite and two key services,
each a program of its own with mutual TLS between all of them, and members that were enrolled by acts. It needs the
server: ``pip install "credit-registry[server]"``.

The programs are forked from a process that has loaded them once. It stays until this process ends, so that a second
registry is ready sooner than the first; the programs themselves end with their registry.
"""

from client_sdk.testing.registry import TestRegistry

__all__ = ["TestRegistry"]
