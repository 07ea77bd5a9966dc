"""People who may sign in at the desk: ``desk-users.toml`` in the home, mode 0600, with hashes of passwords (argon2id).

    [users.anna]
    role = "officer"
    password = "$argon2id$v=19$m=65536,t=3,p=4$…"

The file is read again whenever it has changed, so that a person who is removed, or whose password or role changes, is
out with the next page.
"""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from client_sdk.desk.rights import DeskRole
from client_sdk.desk.table_file import TableFile
from client_sdk.errors import ConfigError
from client_sdk.forms import MOST_NAME_DIGITS, digits_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from client_sdk.desk.table_file import TableRow

__all__ = ["USERS_FILE", "User", "UserFile", "check_name", "check_password", "is_name", "is_same_name"]

USERS_FILE = "desk-users.toml"
_MAX_USERS = 1_000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._@-]{0,63}", re.ASCII)
_LEAST_PASSWORD, _MOST_PASSWORD = 12, 256
# Each hash takes 64 MiB for a tenth of a second.
_HASHES_AT_ONCE = 2
_HASH_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class User:
    """A person.

    Attributes:
        name: with which the person signs in, and which the journal and the registry see.
        role: what the person may do.
        password: its hash; empty for who signs in otherwise.
    """

    name: str
    role: DeskRole
    password: str = field(default="", repr=False)

    @property
    def tag(self) -> str:
        """Changes with password and role; a session is good as long as it is the same."""
        return hashlib.sha256(f"{self.role.value}\0{self.password}".encode()).hexdigest()


def is_name(text: object) -> bool:
    """Whether a text can name a person: Latin letters, digits and ``._@-``, too few digits for an identity number."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None and digits_in(text) <= MOST_NAME_DIGITS


def is_same_name(one: str, other: str) -> bool:
    """Whether two names are one person's: capitals make no other person."""
    return one.casefold() == other.casefold()


def check_name(name: str) -> str:
    """Return the name of a person.

    Raises:
        ConfigError: it is none. The error does not repeat it.
    """
    if not is_name(name):
        want = f"a letter, then up to 63 letters, digits and ._@-, with at most {MOST_NAME_DIGITS} digits"
        raise ConfigError(f"the name of a user: want {want}")
    return name


def check_password(password: str) -> str:
    """Return a password that may be set.

    Raises:
        ConfigError: it is too short or too long.
    """
    if not _LEAST_PASSWORD <= len(password) <= _MOST_PASSWORD:
        raise ConfigError(f"the password: want {_LEAST_PASSWORD} to {_MOST_PASSWORD} characters")
    return password


class UserFile:
    """The users of a home; thread-safe.

    Args:
        home: of the member.
    """

    def __init__(self, home: Path) -> None:
        self.file = home / USERS_FILE
        self._rows = TableFile(self.file, "users", "credit-registry desk user", _user, _row)
        self._hasher = PasswordHasher()
        self._hashing = threading.BoundedSemaphore(_HASHES_AT_ONCE)
        # Takes as long as a right name with a wrong password.
        self._nobody = self._hasher.hash("nobody has this password")

    def read(self) -> dict[str, User]:
        """Return the users by name; nobody where there is no file.

        Raises:
            ConfigError: the file cannot be read, is readable for others, or is not in order.
        """
        return self._rows.read()

    def fits(self, name: str, password: str) -> User | None:
        """Return the user whose name and password these are; None for nobody's. It takes as long either way.

        Raises:
            ConfigError: the file is not in order, or too many sign in at once.
        """
        user = self.read().get(name)
        if not self._hashing.acquire(timeout=_HASH_SECONDS):
            raise ConfigError("too many people sign in at this moment: try again")
        try:
            self._hasher.verify(self._nobody if user is None else user.password, password[:_MOST_PASSWORD])
        except (VerificationError, InvalidHashError):
            return None
        finally:
            self._hashing.release()
        return user

    def add(self, name: str, role: DeskRole, password: str) -> None:
        """Add a user.

        Raises:
            ConfigError: there is one of that name, name or password may not be, or the file cannot be written.
        """
        check_name(name)
        user = User(name, role, self._hasher.hash(check_password(password)))
        with self._rows.changing() as users:
            if name in users:
                raise ConfigError(f"there is a user {name} already: `desk user password` changes the password")
            if len(users) >= _MAX_USERS:
                raise ConfigError(f"there are {_MAX_USERS:,} users, and no more are kept in a file: use [openid]")
            users[name] = user

    def change_password(self, name: str, password: str) -> None:
        """Change the password of a user, which ends the sessions.

        Raises:
            ConfigError: there is no such user, the password may not be, or the file cannot be written.
        """
        hashed = self._hasher.hash(check_password(password))
        with self._rows.changing() as users:
            users[name] = replace(_known(users, name), password=hashed)

    def remove(self, name: str) -> None:
        """Remove a user, which ends the sessions.

        Raises:
            ConfigError: there is no such user, or the file cannot be written.
        """
        with self._rows.changing() as users:
            del users[_known(users, name).name]


def _known(users: dict[str, User], name: str) -> User:
    if name not in users:
        raise ConfigError("there is no user of that name: `desk user list` shows all")
    return users[name]


def _row(user: User) -> TableRow:
    return {"role": user.role.value, "password": user.password}


def _user(name: str, row: Mapping[str, object]) -> User:
    check_name(name)
    if set(row) != {"role", "password"}:
        raise ConfigError(f"{name}: want role and password, both")
    role, password = row["role"], row["password"]
    if role not in tuple(DeskRole):
        raise ConfigError(f"{name}: role must be one of {', '.join(DeskRole)}")
    if not isinstance(password, str) or not password.startswith("$argon2id$"):
        raise ConfigError(f"{name}: password must be a hash as `desk user password` writes it")
    return User(name, DeskRole(str(role)), password)
