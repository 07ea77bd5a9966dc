"""Receipts: a leaf, its place and the checkpoint that covers it (proto/README.md 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from registry_server.sequencing.items import Place

if TYPE_CHECKING:
    from registry_server.sequencing.view import View

__all__ = ["LeafReceipt", "Place", "receipt_at"]


class LeafReceipt(NamedTuple):
    """Inclusion receipt of a leaf.

    Attributes:
        leaf: the leaf.
        leaf_index: its place.
        path: to the root of the checkpoint, leaf's sibling first.
        checkpoint: signed note.
    """

    leaf: bytes
    leaf_index: int
    path: tuple[bytes, ...]
    checkpoint: bytes


def receipt_at(view: View, leaf_index: int) -> LeafReceipt:
    """Return the receipt of a leaf that a view's log holds."""
    return LeafReceipt(
        view.leaves_at([leaf_index])[leaf_index], leaf_index, view.inclusion(leaf_index), view.checkpoint
    )
