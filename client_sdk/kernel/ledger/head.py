"""Validation of the chain of HEADs (proto/README.md 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from client_sdk.kernel.formats.leaf import Head, HeadLeaf

__all__ = ["NO_HEAD", "HeadChain"]

NO_HEAD = bytes(32)


@dataclass(frozen=True, slots=True)
class HeadChain:
    """The newest HEAD of a log, as far as the next one depends on it."""

    size: int = 0
    leaf_hash: bytes = NO_HEAD
    logged_at: int = 0
    inquiry_count: int = 0

    @classmethod
    def of(cls, index: int, leaf: HeadLeaf, head: Head) -> HeadChain:
        """Return the chain that ends in a HEAD at that index."""
        return cls(index + 1, leaf_hash(leaf.encode()), leaf.logged_at, head.inquiry_count)

    def check_next(self, head: Head, newest_act: int, closing_act: int) -> None:
        """Check that a HEAD may follow.

        Args:
            head: the next HEAD.
            newest_act: index of the newest act before it.
            closing_act: index of the newest act before it that closes the registry; 0 for none.

        Raises:
            RuleError: HEAD_CHAIN.
        """
        if head.previous != self.leaf_hash:
            raise _refuse("previous", want="the hash of the HEAD before")
        if head.newest_act != newest_act:
            raise _refuse("newest_act", got=str(head.newest_act), want=str(newest_act))
        if head.closing_act != closing_act:
            raise _refuse("closing_act", got=str(head.closing_act), want=str(closing_act))
        if head.inquiry_count < self.inquiry_count:
            raise _refuse("inquiry_count", got=str(head.inquiry_count), want=f"at least {self.inquiry_count}")


def _refuse(field: str, *, got: str = "", want: str = "") -> RuleError:
    return RuleError(reason="HEAD_CHAIN", field=field, rule="head.chain", got=got, want=want)
