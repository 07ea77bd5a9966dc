"""SQL statements that are compiled once for all databases of the tests, not once for each.

SQLAlchemy keeps the text of a statement for each engine, and each test has a database of its own: a fifth of the time
of tests with a registry went into the same texts. Databases of one kind are served by one driver, and on PostgreSQL by
one server, so that the texts are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import Compiled

__all__ = ["share_compiled_statements"]

_STATEMENTS = 2_000


def share_compiled_statements() -> None:
    """Have all engines of this process that use the same driver share what they have compiled."""
    compiled: LRUCache[Any, Compiled] = LRUCache(_STATEMENTS)

    def engine_created(cls: type[DefaultDialect], engine: Engine) -> None:
        engine._compiled_cache = compiled

    # Its key begins with the dialect, of which each engine has one.
    namespace = {
        "__eq__": lambda one, other: type(one) is type(other),
        "__hash__": lambda one: hash(type(one)),
        "engine_created": classmethod(engine_created),
    }
    for name, value in namespace.items():
        setattr(DefaultDialect, name, value)
