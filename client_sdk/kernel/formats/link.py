"""Link: which record a leaf is about, and its number among the record's versions or annotations (proto/README.md 2, 5).

An act that erases names its records itself and is no link of their chains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import LapseLeaf, StatementLeaf
from client_sdk.kernel.formats.statement import Annotation, Statement

if TYPE_CHECKING:
    from client_sdk.kernel.formats.leaf import Leaf
    from client_sdk.kernel.formats.statement import RecordKey

__all__ = ["Link", "link_of"]


class Link(NamedTuple):
    """A leaf in the chain of a record.

    Attributes:
        record: which record.
        version: of a statement; 0 for every other leaf.
        annotation: number of an annotation or of a RESTRICTED lapse; 0 for every other leaf.
    """

    record: RecordKey
    version: int = 0
    annotation: int = 0


def link_of(leaf: Leaf) -> Link | None:
    """Return the link of a leaf; None for acknowledgements, acts and HEADs.

    Raises:
        FormatError: what the leaf holds is not in its form.
    """
    match leaf:
        case StatementLeaf(payload_type=dsse.STATEMENT, payload=payload):
            statement = Statement.parse(payload)
            return Link(statement.key, version=statement.version)
        case StatementLeaf(payload_type=dsse.ANNOTATION, payload=payload):
            annotation = Annotation.parse(payload)
            return Link(annotation.key, annotation=annotation.number)
        case LapseLeaf(payload=payload):
            lapse = Lapse.parse(payload)
            return Link(lapse.key, annotation=lapse.number)
        case _:
            return None
