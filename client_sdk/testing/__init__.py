"""A real registry on this machine for an integrator's tests: child processes in a temporary folder.

    from client_sdk.testing import TestRegistry

    with TestRegistry() as registry, registry.client("lender-1") as client:
        client.report(...)

It is the real thing run small: three administrators with a threshold of two, a registry on SQLite and two key services,
each a program of its own with mutual TLS between all of them, and members that were enrolled by acts. It needs the
server: ``pip install "credit-registry[server]"``.

``invented_person(4711)`` is a person whose number is right by every rule and nobody's, and ``overdue_report(person)``
the report of an overdue loan, which any lender may send.

The programs are forked from a process that has loaded them once. It stays until this process ends, so that a second
registry is ready sooner than the first; the programs themselves end with their registry.

Under pytest the fixtures of ``client_sdk.testing.plugin`` are there without an import.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from client_sdk.invented.people import invented_person
    from client_sdk.invented.reports import overdue_report
    from client_sdk.testing.registry import TestRegistry

__all__ = ["TestRegistry", "invented_person", "overdue_report"]

_HOMES = {
    "TestRegistry": "client_sdk.testing.registry",
    "invented_person": "client_sdk.invented.people",
    "overdue_report": "client_sdk.invented.reports",
}


def __getattr__(name: str) -> object:
    # Loaded when it is first used: pytest imports this package for its plugin in every run of every project.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
