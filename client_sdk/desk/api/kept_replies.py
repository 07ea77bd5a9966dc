"""Replies kept by idempotency key, in memory: the same key with the same request gets the same reply.

Kept for an hour, of each token the newest up to a number of bytes. A restart forgets them: a report that is sent again
rests on the SDK then, which finds that the registry holds it.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client_sdk.desk.api.tokens import ApiToken

__all__ = ["KeptReplies", "KeyInUseError", "KeyTakenError", "Reply"]

KEPT_SECONDS = 3_600.0
MOST_BYTES = 8 * 1024 * 1024
_TOO_MANY, _SERVER_ERROR = 429, 500
_RETRY = b"retry-after"
# What one costs beside its bytes.
_EACH = 512


class KeyTakenError(Exception):
    """The key was used for another request."""


class KeyInUseError(Exception):
    """The first request with this key is still under way."""


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """An answer as it is sent: status, headers, body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def passes(self) -> bool:
        """Whether it may be another one in a moment, and so is not kept."""
        may_be_tried = any(name == _RETRY for name, _ in self.headers)
        return may_be_tried or self.status == _TOO_MANY or self.status >= _SERVER_ERROR


@dataclass(slots=True, repr=False)
class _KeptReply:
    request: bytes
    ends: float
    reply: Reply | None = None

    @property
    def size(self) -> int:
        return _EACH + (0 if self.reply is None else len(self.reply.body))


class _RepliesOfToken:
    """The replies of one token, the oldest first, and how many bytes they are."""

    def __init__(self) -> None:
        self.by_key: OrderedDict[str, _KeptReply] = OrderedDict()
        self._bytes = 0

    def add(self, key: str, kept: _KeptReply) -> None:
        self.by_key[key] = kept
        self._bytes += kept.size

    def remove(self, key: str) -> None:
        self._bytes -= self.by_key.pop(key).size

    def answer(self, key: str, reply: Reply) -> None:
        """Keep the reply of a key, and forget the oldest ones until the others have room."""
        self.by_key[key].reply = reply
        self._bytes += len(reply.body)
        while self._bytes > MOST_BYTES:
            # Before it are those that are under way, and they are few.
            self.remove(next(old for old, one in self.by_key.items() if one.reply is not None))

    def forget_old(self, now: float) -> None:
        while self.by_key and (first := next(iter(self.by_key.items())))[1].ends <= now and first[1].reply is not None:
            self.remove(first[0])


class KeptReplies:
    """The replies of all tokens; used in one event loop.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # A body holds an identity number, whose plain hash could be guessed.
        self._secret = secrets.token_bytes(32)
        # By token as it is now: another one of its name, or with other scopes, gets nothing of its replies.
        self._kept: dict[ApiToken, _RepliesOfToken] = {}

    def begin(self, token: ApiToken, key: str, request: Sequence[bytes]) -> Reply | None:
        """Return the reply that is kept for a key; None where this request is its first.

        Args:
            token: that the request came with.
            key: of the client.
            request: parts of the request that must be the same.

        Raises:
            KeyTakenError: the key was used for another request.
            KeyInUseError: the first request is still under way.
        """
        self.forget_old()
        mine, digest = self._kept.setdefault(token, _RepliesOfToken()), self._digest(request)
        found = mine.by_key.get(key)
        if found is None:
            mine.add(key, _KeptReply(digest, self._clock() + KEPT_SECONDS))
            return None
        if found.request != digest:
            raise KeyTakenError
        if found.reply is None:
            raise KeyInUseError
        return found.reply

    def end(self, token: ApiToken, key: str, reply: Reply | None) -> None:
        """Keep the reply of a first request; None forgets the key, so that it may be tried again."""
        mine = self._kept.get(token)
        if mine is None or key not in mine.by_key:
            return
        if reply is None:
            mine.remove(key)
        else:
            mine.answer(key, reply)

    def forget_old(self) -> None:
        """Forget what is over."""
        now = self._clock()
        for token in list(self._kept):
            mine = self._kept[token]
            mine.forget_old(now)
            if not mine.by_key:
                del self._kept[token]

    def _digest(self, request: Sequence[bytes]) -> bytes:
        keyed = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in request:
            keyed.update(len(part).to_bytes(8) + part)
        return keyed.digest()
