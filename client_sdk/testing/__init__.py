"""A real registry on this machine for an integrator's tests: child processes in a temporary folder.

    from client_sdk.testing import TestRegistry

    with TestRegistry() as registry, registry.client("lender-1") as client:
        client.report(...)

It is the real thing run small: three administrators with a threshold of two, a registry on SQLite and two key services,
each a program of its own with mutual TLS between all of them, and members that were enrolled by acts. It needs the
server: ``pip install "credit-registry[server]"``.

The programs are forked from a process that has loaded them once. It stays until this process ends, so that a second
registry is ready sooner than the first; the programs themselves end with their registry.

Under pytest the fixtures of ``client_sdk.testing.plugin`` are there without an import.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from client_sdk.testing.registry import TestRegistry

__all__ = ["TestRegistry"]


def __getattr__(name: str) -> object:
    # Loaded when it is first used: pytest imports this package for its plugin in every run of every project.
    if name != "TestRegistry":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from client_sdk.testing.registry import TestRegistry  # noqa: PLC0415 - see above

    globals()[name] = TestRegistry
    return TestRegistry
