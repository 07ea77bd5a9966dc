"""Sessions of people who have signed in: kept in memory, named by a signed cookie, ended by time, sign-out or change.

A session's id is made at sign-in and never taken from a browser. The key that signs cookies and form tokens is of this
run of the program alone: a restart ends every session.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from itsdangerous import BadSignature, URLSafeSerializer

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.desk.users import User

__all__ = ["DeskSession", "Sessions", "signed_text"]

_MOST_SESSIONS = 1_000
_MOST_OF_ONE_USER = 10
_MOST_COOKIE = 512


@dataclass(slots=True)
class DeskSession:
    """One browser of one person.

    Attributes:
        key: random; names the session to nobody but this program.
        user: who signed in.
        local: whether the person is known by the user file; else by OpenID Connect or by the one-time link.
        began: seconds of the clock.
        used: seconds of the clock, at the last page.
        notes: what the next page says once, such as that a record was withdrawn.
    """

    key: str
    user: User
    local: bool
    began: float
    used: float
    notes: list[str] = field(default_factory=list)


class Sessions:
    """All sessions; thread-safe.

    Args:
        idle_seconds: after which a session ends without a page.
        most_seconds: after which it ends in any case.
        clock: seconds, never going back.
    """

    def __init__(self, idle_seconds: float, most_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle, self._most, self._clock = idle_seconds, most_seconds, clock
        self._lock = threading.Lock()
        self._sessions: dict[str, DeskSession] = {}
        secret = secrets.token_bytes(32)
        self._cookies = URLSafeSerializer(secret, salt="session")
        self._tokens = URLSafeSerializer(secret, salt="form")

    def begin(self, user: User, *, local: bool) -> str:
        """Begin a session of a person, and return the value of its cookie; the oldest end where there are too many."""
        with self._lock:
            now = self._clock()
            self._forget(now)
            own = [session for session in self._sessions.values() if session.user.name == user.name]
            ending = own[: max(0, len(own) - _MOST_OF_ONE_USER + 1)]
            ending += list(self._sessions.values())[: max(0, len(self._sessions) - _MOST_SESSIONS + 1)]
            for session in ending:
                self._sessions.pop(session.key, None)
            key = secrets.token_urlsafe(32)
            self._sessions[key] = DeskSession(key, user, local, now, now)
        return self._cookies.dumps(key)

    def find(self, cookie: str | None) -> DeskSession | None:
        """Return the session of a cookie, used now; None where it is none, or has ended."""
        key = signed_text(self._cookies, cookie)
        with self._lock:
            now = self._clock()
            self._forget(now)
            session = self._sessions.get(key)
            if session is not None:
                session.used = now
            return session

    def end(self, session: DeskSession) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(session.key, None)

    def lives(self, key: str) -> bool:
        """Whether a session has not ended, which is not used by that; strangers share the empty key."""
        with self._lock:
            self._forget(self._clock())
            return not key or key in self._sessions

    def token(self, session: DeskSession) -> str:
        """Return what a form of this session carries, so that no other page can send it."""
        return self._tokens.dumps(_digest(session.key))

    def is_token(self, session: DeskSession, token: str) -> bool:
        """Whether a form carries the token of this session."""
        return secrets.compare_digest(signed_text(self._tokens, token), _digest(session.key))

    def _forget(self, now: float) -> None:
        over = [
            session.key
            for session in self._sessions.values()
            if now - session.used >= self._idle or now - session.began >= self._most
        ]
        for key in over:
            del self._sessions[key]


def _digest(key: str) -> str:
    """Return what stands for a session in its pages, which say nothing of its key."""
    return hashlib.sha256(key.encode()).hexdigest()


def signed_text(serializer: URLSafeSerializer, text: str | None) -> str:
    """Return what was signed; an empty text where nothing was, or not by us."""
    if not text or len(text) > _MOST_COOKIE or not text.isascii():
        return ""
    try:
        return str(serializer.loads(text))
    except BadSignature:
        return ""
