"""Settings of a key service: ``service.toml`` in its folder, and where the other files of the folder are.

HOME/                    mode 0700
service.toml           this module
keys/1.key ...         VOPRF keys, mode 0600: with those of all services any identity number can be tested
tls/                   key.pem (0600), certificate.pem, ca.pem
trust-root.bin         what the directory is followed from
directory              what was followed so far
requests.sqlite        the log of requests, unless another database is named
in-use.lock            held by the process that serves, or destroys
NAME.key-service.json  what the administrators get
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from client_sdk._address import host_port
from registry_server.serving.database_url import WANTED, is_database_url
from registry_server.serving.given_settings import CORRECT_IT, Address, wrong_setting
from registry_server.subject_key_service import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["OPTIONS", "KeyServiceFolder", "KeyServiceSettings", "make_settings", "read_settings", "settings_toml"]

MAX_PROCESSES = 4
# What the name of a setting follows in an error about an option.
OPTIONS = "--"
_NAME = r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?"


def _default_processes() -> int:
    return min(os.cpu_count() or 1, MAX_PROCESSES)


class KeyServiceSettings(BaseModel):
    """Everything that can differ between two key services. Units are in the names."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=64, description="Name of the service; its certificate carries it.")
    url: Address = Field(description="host:port at which members reach it, as acts name it.")
    listen: Address = Field(description="host:port on which it listens.")
    registry: str = Field(
        default="",
        description="host:port of the registry whose directory it follows, or several with commas between.",
    )
    database_url: str = Field(default="", description="SQLAlchemy URL; requests.sqlite in the folder without it.")
    metrics_listen: Address | None = Field(
        default=None, description="host:port of /metrics, /healthz and /readyz, in clear; none without it."
    )
    telemetry_endpoint: str = Field(
        default="",
        description="https://HOST:PORT of an OpenTelemetry collector (OTLP over HTTP) that gets traces and durations "
        "of calls; needs the extra [otel].",
    )
    poll_seconds: float = Field(default=10.0, gt=0, le=120, description="Between two reads of the directory.")
    processes: int = Field(
        default_factory=_default_processes, ge=1, le=64, description="Batches that are evaluated at once."
    )
    shutdown_grace_seconds: float = Field(
        default=10.0, gt=0, le=600, description="How long calls under way may take after SIGTERM."
    )
    call_deadline_seconds: float = Field(
        default=20.0, gt=0, le=86_400, description="Deadline of a call whose client set none."
    )
    call_deadline_max_seconds: float = Field(
        default=120.0, gt=0, le=86_400, description="The longest that any call may take."
    )
    member_calls_max: int = Field(
        default=128, ge=1, le=100_000, description="Calls that one member may have under way at the same time."
    )
    connections_max: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Connections of all clients; fewer where the limit of open files leaves room for fewer.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("name")
    @classmethod
    def _of_a_certificate(cls, name: str) -> str:
        if not re.fullmatch(_NAME, name):
            raise ValueError("want 1 to 64 lower-case letters, digits and hyphens, none at either end")
        return name

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        if not host_port(url, free=True).port:
            raise ValueError("want the port at which members reach it (got 0)")
        return url

    @field_validator("database_url")
    @classmethod
    def _database(cls, url: str) -> str:
        if url and not is_database_url(url):
            raise ValueError(WANTED)
        return url


class KeyServiceFolder(NamedTuple):
    """The folder of a key service.

    Attributes:
        home: its path.
    """

    home: Path

    @property
    def settings(self) -> Path:
        """The settings."""
        return self.home / "service.toml"

    @property
    def keys(self) -> Path:
        """The VOPRF keys."""
        return self.home / "keys"

    @property
    def tls(self) -> Path:
        """Key, certificate and authority."""
        return self.home / "tls"

    @property
    def trust_root(self) -> Path:
        """Path of the trust root."""
        return self.home / "trust-root.bin"

    @property
    def directory(self) -> Path:
        """Path of the followed directory's state."""
        return self.home / "directory"

    @property
    def destruction(self) -> Path:
        """Which keys there were, once their destruction has begun."""
        return self.home / "destruction-plan.json"

    @contextmanager
    def sole_use(self) -> Iterator[None]:
        """Keep every other process from serving with the folder's keys, or destroying them.

        Raises:
            SetupError: one does already.
        """
        # Not thread-local: a server may be stopped from another thread.
        lock = FileLock(self.home / "in-use.lock", timeout=0, mode=0o600, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            raise SetupError(f"{self.home} is in use: stop the process that serves with it, or destroys it") from None
        except OSError as error:
            raise SetupError(f"{self.home / 'in-use.lock'} cannot be locked: {error.strerror}") from error
        try:
            yield
        finally:
            lock.release()

    def database_url(self, settings: KeyServiceSettings) -> str:
        """Return the URL of the log of requests."""
        return settings.database_url or f"sqlite:///{self.home.absolute() / 'requests.sqlite'}"


def read_settings(folder: KeyServiceFolder) -> KeyServiceSettings:
    """Return the settings of a folder.

    Raises:
        SetupError: there are none, or one is not in order; the text names the setting and never its value.
    """
    try:
        values = tomllib.loads(folder.settings.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "name the folder of a key service by --home or KEY_SERVICE_HOME; to make one: subject-key-service init."
        raise SetupError(f"{folder.settings} cannot be read: {error.strerror}", hint) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        raise SetupError(f"{folder.settings} is no TOML", CORRECT_IT) from None
    return make_settings(values, f"{folder.settings}: ")


def make_settings(values: Mapping[str, object], source: str = "setting ") -> KeyServiceSettings:
    """Return settings with these values.

    Args:
        values: by the names of the settings.
        source: what a setting's name follows in an error: a file, or ``--`` for options, which have hyphens.

    Raises:
        SetupError: one is missing, unknown or not in order; the text names the setting and never its value.
    """
    try:
        return KeyServiceSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        name = name.replace("_", "-") if source == OPTIONS else name
        raise SetupError(
            f"{source}{name}: {wrong_setting(first, KeyServiceSettings.model_fields)}", CORRECT_IT
        ) from None


def settings_toml(settings: KeyServiceSettings) -> bytes:
    """Return the file that holds what differs from the defaults."""
    values = settings.model_dump(exclude_unset=True, exclude_none=True)
    # JSON writes strings and numbers as TOML does.
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()).encode()
