"""Limits of each token: requests and bytes under way at one time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOST_BYTES", "MOST_REQUESTS", "TokenLimitError", "TokenLimits", "TokenUse"]

# Of one token, at one time.
MOST_REQUESTS = 32
MOST_BYTES = 96 * 1024 * 1024
# Of all tokens together; each takes a thread while it is answered.
_MOST_TOGETHER = 64


class TokenLimitError(Exception):
    """A token has too much under way.

    Attributes:
        rule: which limit.
        want: how much is allowed.
    """

    def __init__(self, rule: str, want: str) -> None:
        super().__init__(rule)
        self.rule, self.want = rule, want


@dataclass(slots=True)
class TokenUse:
    """What one token has under way."""

    requests: int = 0
    bytes: int = 0


class TokenLimits:
    """Counts what is under way; used in one event loop."""

    def __init__(self) -> None:
        self._uses: dict[str, TokenUse] = {}

    @contextmanager
    def request(self, name: str) -> Iterator[TokenUse]:
        """Count a request of a token while it is under way.

        Raises:
            TokenLimitError: the token, or all together, have too many.
        """
        use = self._uses.setdefault(name, TokenUse())
        if use.requests >= MOST_REQUESTS:
            raise TokenLimitError("limit.requests", f"at most {MOST_REQUESTS} requests of a token at one time")
        if sum(one.requests for one in self._uses.values()) >= _MOST_TOGETHER:
            raise TokenLimitError("limit.together", f"at most {_MOST_TOGETHER} requests of all tokens at one time")
        use.requests += 1
        try:
            yield use
        finally:
            use.requests -= 1
            if not use.requests:
                del self._uses[name]

    @contextmanager
    def body(self, use: TokenUse) -> Iterator[TokenBytes]:
        """Count the bytes of a body while its request is under way."""
        counted = TokenBytes(use)
        try:
            yield counted
        finally:
            use.bytes -= counted.count


@dataclass(slots=True)
class TokenBytes:
    """The bytes of one body.

    Attributes:
        use: of the token.
        count: how many were read.
    """

    use: TokenUse
    count: int = 0

    def add(self, count: int) -> None:
        """Count further bytes.

        Raises:
            TokenLimitError: the token has too many under way.
        """
        if self.use.bytes + count > MOST_BYTES:
            raise TokenLimitError("limit.bytes", f"at most {MOST_BYTES:,} bytes of a token at one time")
        self.use.bytes += count
        self.count += count
