"""Tokens of programs: ``desk-tokens.toml`` in the home, mode 0600, which holds their hashes alone.

    [tokens.core-banking]
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    scopes = ["check", "report"]
    expires = "2027-03-01"
    webhook = "https://core.bank.example/registry"

A token is ``desk_`` and 256 random bits, so that a plain SHA-256 of it tells nothing. The file is read again whenever
it has changed: a token that is removed is refused from the next call on.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from client_sdk.clock import clock_ms
from client_sdk.desk.rights import ApiScope
from client_sdk.desk.table_file import TableFile
from client_sdk.desk.users import check_name
from client_sdk.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from client_sdk.desk.table_file import TableRow

__all__ = ["MOST_DAYS", "TOKENS_FILE", "ApiToken", "TokenFile"]

TOKENS_FILE = "desk-tokens.toml"
MOST_DAYS = 730
_MOST_TOKENS = 32
_BYTES = 32
_PREFIX = "desk_"
_LONGEST = 128
_NEEDED = frozenset(("digest", "scopes", "expires"))
_HEX_DIGEST = 64


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token, without what proves it.

    Attributes:
        name: of the program; the journal and the registry see it.
        digest: SHA-256 of the token, hexadecimal.
        scopes: what it is good for.
        expires: first day on which it is refused, UTC.
        webhook: URL that gets a message when one of its jobs ends; empty for none.
    """

    name: str
    digest: str = field(repr=False)
    scopes: frozenset[ApiScope]
    expires: date
    webhook: str = field(default="", repr=False)

    @property
    def who(self) -> str:
        """How the journal names it; no person's name has a colon."""
        return f"token:{self.name}"

    @property
    def owner(self) -> str:
        """Whose its jobs are: its own, and not those of an earlier token of its name."""
        return f"{self.who}:{self.digest}"


class TokenFile:
    """The tokens of a home; thread-safe.

    Args:
        home: of the member.
        clock: returns ms since 1970 UTC.
    """

    def __init__(self, home: Path, clock: Callable[[], int] = clock_ms) -> None:
        self.file = home / TOKENS_FILE
        self._clock = clock
        self._rows = TableFile(self.file, "tokens", "credit-registry desk token", _token, _row)

    def read(self) -> dict[str, ApiToken]:
        """Return the tokens by name; none where there is no file.

        Raises:
            ConfigError: the file cannot be read, is readable for others, or is not in order.
        """
        return self._rows.read()

    def find(self, secret: str) -> ApiToken | None:
        """Return the token of a secret; None where there is none, or it has expired.

        Raises:
            ConfigError: as ``read``.
        """
        if not secret.startswith(_PREFIX) or len(secret) > _LONGEST or not secret.isascii():
            return None
        digest = _digest(secret)
        # By digest: how long a comparison takes tells nothing of the token.
        found = next((token for token in self.read().values() if token.digest == digest), None)
        return None if found is None or self._today() >= found.expires else found

    def add(self, name: str, scopes: Iterable[ApiScope], days: int, webhook: str = "") -> tuple[str, ApiToken]:
        """Add a token, and return its secret, which nothing keeps, and the token.

        Raises:
            ConfigError: there is one of that name, a value may not be, or the file cannot be written.
        """
        check_name(name)
        wanted = frozenset(scopes)
        if not wanted:
            raise ConfigError(f"a token is good for something: want one or more of {', '.join(ApiScope)}")
        if not 1 <= days <= MOST_DAYS:
            raise ConfigError(f"days: want 1 to {MOST_DAYS}")
        secret = _PREFIX + secrets.token_urlsafe(_BYTES)
        token = ApiToken(name, _digest(secret), wanted, self._today() + timedelta(days), webhook)
        with self._rows.changing() as tokens:
            if name in tokens:
                raise ConfigError(f"there is a token {name} already: remove it first, or take another name")
            if len(tokens) >= _MOST_TOKENS:
                raise ConfigError(f"there are {_MOST_TOKENS} tokens: `desk token remove` removes one")
            tokens[name] = token
        return secret, token

    def remove(self, name: str) -> None:
        """Remove a token, which is refused from the next call on.

        Raises:
            ConfigError: there is no such token, or the file cannot be written.
        """
        with self._rows.changing() as tokens:
            if tokens.pop(name, None) is None:
                raise ConfigError("there is no token of that name: `desk token list` shows all")

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock() / 1_000, UTC).date()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _row(token: ApiToken) -> TableRow:
    webhook = {"webhook": token.webhook} if token.webhook else {}
    return {
        "digest": token.digest,
        "scopes": sorted(scope.value for scope in token.scopes),
        "expires": token.expires.isoformat(),
        **webhook,
    }


def _token(name: str, row: Mapping[str, object]) -> ApiToken:
    check_name(name)
    if not _NEEDED <= set(row) <= _NEEDED | {"webhook"}:
        raise ConfigError(f"{name}: want digest, scopes and expires, and no other but webhook")
    digest, scopes, expires, webhook = row["digest"], row["scopes"], row["expires"], row.get("webhook", "")
    if not isinstance(digest, str) or len(digest) != _HEX_DIGEST or set(digest) - set("0123456789abcdef"):
        raise ConfigError(f"{name}: digest must be 64 hexadecimal digits as `desk token add` writes them")
    if not isinstance(scopes, list) or not scopes or not all(scope in tuple(ApiScope) for scope in scopes):
        raise ConfigError(f"{name}: scopes must be a list of {', '.join(ApiScope)}")
    if not isinstance(expires, str) or not isinstance(webhook, str):
        raise ConfigError(f"{name}: expires and webhook must be texts")
    try:
        last = date.fromisoformat(expires)
    except ValueError:
        raise ConfigError(f"{name}: expires must be a day, YYYY-MM-DD") from None
    return ApiToken(name, digest, frozenset(map(ApiScope, scopes)), last, webhook)
