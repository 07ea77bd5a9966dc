"""Settings of one registry process, and the only reader of its environment.

A setting comes from the command line, else from the environment (``REGISTRY_LISTEN`` and so on), else from
``registry.toml`` in the registry's folder, else it has its default. Units are in the names.

The folder (0700) holds registry.toml, registry.sqlite unless another database is named, register/, log-key.pem, ca/,
tls/, genesis.act and public/.
"""

from __future__ import annotations

import json
import os
import tomllib
from contextvars import ContextVar
from datetime import date  # noqa: TC003 - pydantic reads the annotation at run time
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation at run time
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings import SettingsError as SourceError

from client_sdk._address import host_port, is_every_address, is_this_machine
from registry_server.serving.database_url import WANTED, is_database_url
from registry_server.serving.given_settings import CORRECT_IT, Address, wrong_setting
from registry_server.serving.hinted import HintedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

__all__ = [
    "MAX_CHECKING_PROCESSES",
    "SETTINGS_FILE",
    "Settings",
    "SettingsError",
    "Value",
    "check_settings",
    "load_settings",
    "settings_toml",
]

SETTINGS_FILE = "registry.toml"
_PREFIX = "REGISTRY_"
Value = str | int | float | list[str]
# A message has 16 MiB; beside the persons of a page stand some kilobytes of states and acts.
_LONGEST_PAGE_BYTES = 3 * 1024 * 1024
# More of them than this the one process that appends cannot keep busy.
MAX_CHECKING_PROCESSES = 8
# Beside letters and digits.
_OF_A_LICENCE = "-()（）〔〕/ "
# Fewer letters and digits are no number of a licence, whose exact form no public text gives.
_LEAST_OF_A_LICENCE = 4
_REGION = r"^(?:[A-Z]{2}(?:-[A-Z0-9]{1,3})?)?$"
# What is wanted where a text has not the form of its pattern.
_FORMS = {_REGION: "ISO 3166 in capitals, such as CN or CN-BJ"}
# From which the settings that are being made are read; None where there is none yet.
_settings_file: ContextVar[Path | None] = ContextVar("_settings_file", default=None)
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class SettingsError(HintedError):
    """The settings are missing or not in order; the text names the setting and never its value."""


class Settings(BaseSettings):
    """Everything that can differ between two registries, or between two processes of one."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    home: Path = Field(description="The registry's folder; relative paths start from it.")
    registry: str = Field(
        min_length=1, max_length=64, description="Name of the registry; signed in everything, so it never changes."
    )
    listen: Address = Field(
        default="127.0.0.1:7443", description="host:port of the gRPC service; port 0 takes a free one and prints it."
    )
    hosts: tuple[str, ...] = Field(
        default=(),
        description="Further names and addresses under which clients reach the registry; its certificate holds them.",
    )
    metrics_listen: Address | None = Field(
        default=None,
        description="host:port of /metrics, /healthz and /readyz, in clear, for the operator's network only.",
    )
    telemetry_endpoint: str = Field(
        default="",
        description="https://HOST:PORT of an OpenTelemetry collector (OTLP over HTTP) that gets traces and durations "
        "of calls; needs the extra [otel].",
    )
    tiles_listen: Address | None = Field(
        default=None,
        description="host:port of the log as files over HTTPS (tlog-tiles): checkpoint and hashes for all, leaves for "
        "auditors by their certificates.",
    )
    tiles_address_connections_max: int = Field(
        default=64,
        ge=1,
        le=256,
        description="Connections of one network address to these files, of 256 in all; raise it where a proxy hides "
        "the addresses of readers, and limit them there.",
    )
    witness_policy: str = Field(
        default="",
        description="File with the witnesses that cosign the log's checkpoints, and how many must (C2SP tlog-policy).",
    )
    witness_ca: str = Field(
        default="", description="PEM file of CAs that the witnesses' TLS certificates lead to; without it the system's."
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="SQLAlchemy URL, postgresql+psycopg://..., with pooler=transaction behind PgBouncer; without it "
        "registry.sqlite in the folder is used.",
    )
    database_read_url: SecretStr = Field(
        default=SecretStr(""),
        description="SQLAlchemy URL of standbys of that database, such as ...&target_session_attrs=prefer-standby: "
        "checkpoints, proofs, leaves, tiles, acts and a lender's own records are read there.",
    )
    database_read_max_lag_seconds: float = Field(
        default=0.5,
        ge=0,
        le=60,
        description="How far behind a standby may be that a call waits for; one that is further behind is not read.",
    )
    register_file: str = Field(
        default="register/checkpoint",
        description="Checkpoint register: what was signed last. Put it on another disk than the database.",
    )
    register_url: SecretStr = Field(
        default=SecretStr(""),
        description="SQLAlchemy URL of a second database that holds the checkpoint register instead of that file.",
    )
    log_key: str = Field(
        default="log-key.pem", description="PKCS#8 file of the log's Ed25519 key. With it the log can be forked."
    )
    shutdown_grace_seconds: Seconds = Field(
        default=10.0, description="How long calls under way may take after SIGTERM; then they are cancelled."
    )
    call_deadline_seconds: Seconds = Field(default=20.0, description="Deadline of a call whose client set none.")
    call_deadline_max_seconds: Seconds = Field(default=120.0, description="The longest that any single call may take.")
    stream_deadline_seconds: Seconds = Field(default=600.0, description="Deadline of a stream whose client set none.")
    stream_deadline_max_seconds: Seconds = Field(
        default=3_600.0, description="The longest that any stream may take; an audit's first one brings the whole log."
    )
    stream_progress_seconds: Seconds = Field(
        default=30.0, description="A stream whose client takes no message for so long is ended."
    )
    member_calls_max: int = Field(
        default=128, ge=1, le=100_000, description="Single calls that one member may have under way at the same time."
    )
    member_streams_max: int = Field(
        default=8, ge=1, le=10_000, description="Streams that one member may have under way at the same time."
    )
    connections_max: int = Field(
        default=10_000,
        ge=1,
        le=1_000_000,
        description="Connections of all clients; fewer where the limit of open files leaves room for fewer.",
    )
    answer_page_bytes: int = Field(
        default=_LONGEST_PAGE_BYTES,
        gt=0,
        le=_LONGEST_PAGE_BYTES,
        description="Persons of one page of an answer together; what is longer is asked for page by page.",
    )
    map_cache_megabytes: int = Field(
        default=128,
        ge=1,
        le=1_000_000,
        description="How much of the map is kept in memory, and once more for screenings under way while it changes.",
    )
    checking_processes: int | None = Field(
        default=None,
        ge=0,
        le=MAX_CHECKING_PROCESSES,
        description="Processes that check streamed reports beside the server's own, started by the first stream and "
        "used while that is faster; without it one a processor, and none where there is only one.",
    )
    reflection: bool = Field(
        default=False,
        description="Whether members may ask for the contract by gRPC reflection, for tools such as grpcurl.",
    )
    health_interval_seconds: Seconds = Field(
        default=2.0, description="How often the health service asks whether the registry can be read and written."
    )
    housekeeping_interval_seconds: float = Field(
        default=60.0,
        ge=1,
        le=60,
        description="How often it is looked for periods that are over, such as of a dispute that nobody has answered.",
    )
    production: bool = Field(
        default=False,
        description="Whether real persons are in it: the registry then refuses to start without licence, "
        "storage_region and impact_assessment_on, and `doctor` fails what it only warns of otherwise.",
    )
    licence: str = Field(
        default="",
        max_length=64,
        description="Number of the operator's licence for personal credit reporting (征信业管理条例 Art. 6, 7).",
    )
    storage_region: str = Field(
        default="",
        pattern=_REGION,
        description="Where all data is stored, ISO 3166: CN, or CN-BJ (征信业管理条例 Art. 24).",
    )
    protection_level: int = Field(
        default=0, ge=0, le=5, description="Level of protection that was assessed (等级保护), 1 to 5; 0 for none."
    )
    impact_assessment_on: date | None = Field(
        default=None,
        description="Day of the newest impact assessment, YYYY-MM-DD (个人信息保护法 Art. 55, 56).",
    )
    backup_folder: str = Field(
        default="",
        description="Folder of the backups that `backup make` writes, on another disk; `doctor` looks at their ages.",
    )
    backup_key: str = Field(
        default="",
        description="Public key to which backups are encrypted (`backup keygen`); its secret half is offline.",
    )
    backup_marker: str = Field(
        default="",
        description="A file that another kind of backup touches when it has ended well; `doctor` looks at its age.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Which lines of the program's own log are written; calls are logged as info."
    )
    log_format: Literal["json", "text"] = Field(default="json", description="json for machines, text for people.")

    @field_validator("registry")
    @classmethod
    def _printable(cls, name: str) -> str:
        if not name.isascii() or any(not character.isalnum() and character not in "-._" for character in name):
            raise ValueError("letters, digits, hyphens, dots and underscores")
        return name

    @field_validator("licence")
    @classmethod
    def _licence_number(cls, number: str) -> str:
        if number != number.strip() or any(not char.isalnum() and char not in _OF_A_LICENCE for char in number):
            raise ValueError("letters, digits, hyphens and brackets, as on the licence")
        return number

    @model_validator(mode="after")
    def _ready_for_production(self) -> Self:
        if not self.production:
            return self
        needed = ("licence", "storage_region", "impact_assessment_on")
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"production needs {', '.join(missing)}")
        if sum(map(str.isalnum, self.licence)) < _LEAST_OF_A_LICENCE or not any(map(str.isdigit, self.licence)):
            raise ValueError("production needs the licence's number, which has digits")
        return self

    @field_validator("register_file")
    @classmethod
    def _names_a_file(cls, file: str) -> str:
        if not file or file.endswith("/") or "\0" in file:
            raise ValueError("the path of a file")
        return file

    @model_validator(mode="after")
    def _standby_of_a_server(self) -> Self:
        urls = (self.database_read_url.get_secret_value(), self.database_url.get_secret_value())
        if urls[0] and not all(url.startswith("postgresql") for url in urls):
            raise ValueError("database_read_url needs a database_url of PostgreSQL, and is one itself")
        return self

    @field_validator("database_url", "database_read_url", "register_url")
    @classmethod
    def _database(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not is_database_url(url.get_secret_value()):
            raise ValueError(WANTED)
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: command line, environment, file."""
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        file = _settings_file.get()
        if file is not None:
            sources += (TomlConfigSettingsSource(settings_cls, toml_file=file),)
        return sources

    @property
    def database(self) -> str:
        """The database's URL, with its password."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.home / 'registry.sqlite'}"

    @property
    def register_path(self) -> Path:
        """Path of the checkpoint register, unless it is in a database."""
        return self.home / self.register_file

    @property
    def log_key_file(self) -> Path:
        """Path of the log's key."""
        return self.home / self.log_key

    @property
    def authority_folder(self) -> Path:
        """Folder of the certificate authority."""
        return self.home / "ca"

    @property
    def tls_folder(self) -> Path:
        """Folder of the server's own TLS key and certificate."""
        return self.home / "tls"

    @property
    def certificate_hosts(self) -> tuple[str, ...]:
        """Names and addresses that the server's certificate holds."""
        host = host_port(self.listen, free=True).host
        everywhere = is_every_address(host)
        local = ("localhost", "127.0.0.1") if everywhere or is_this_machine(host) else ()
        return tuple(dict.fromkeys((*self.hosts, *(() if everywhere else (host,)), *local)))

    @property
    def public_folder(self) -> Path:
        """Folder of the files that may be handed out."""
        return self.home / "public"

    @property
    def genesis_file(self) -> Path:
        """The genesis act on its way from administrator to administrator."""
        return self.home / "genesis.act"

    @property
    def destruction_file(self) -> Path:
        """What there is to destroy, once the destruction of a registry that closed has begun."""
        return self.home / "destruction-plan.json"

    @property
    def log_origin(self) -> str:
        """Origin of the log that is written (proto/README.md 1)."""
        return f"{self.registry}/log/1"


def load_settings(home: Path, overrides: Mapping[str, Value | None] | None = None) -> Settings:
    """Return the settings of a registry's folder.

    Args:
        home: the folder.
        overrides: of the command line; None leaves a setting to the other sources.

    Raises:
        SettingsError: there is no settings file, or a setting is unknown, missing or not in order.
    """
    file = home / SETTINGS_FILE
    if not file.is_file():
        raise SettingsError(
            f"{file} is missing: registry-server init makes it",
            "name the registry's folder by --home or REGISTRY_HOME; to make a new registry: registry-server init.",
        )
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    return _settings(home, given, file)


def check_settings(home: Path, values: Mapping[str, Value]) -> None:
    """Check the settings of a registry whose folder is not made yet.

    Raises:
        SettingsError: one is missing or not in order.
    """
    _settings(home, values, None)


def _settings(home: Path, given: Mapping[str, Value], file: Path | None) -> Settings:
    values: dict[str, Any] = {"home": home, **given}
    reading = _settings_file.set(file)
    try:
        settings = Settings(**values)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is no TOML: {error}", CORRECT_IT) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not UTF-8: byte {error.start}, want TOML, which is UTF-8", CORRECT_IT) from None
    except RecursionError:
        raise SettingsError(f"{file} is nested too deeply", CORRECT_IT) from None
    except ValidationError as error:
        wrong = "; ".join(_wrong_setting(item, file, given) for item in error.errors())
        raise SettingsError(wrong, CORRECT_IT) from None
    except SourceError as error:
        # It names setting and source, and not what was set.
        raise SettingsError(f"{error}: want JSON", CORRECT_IT) from None
    finally:
        _settings_file.reset(reading)
    return settings


def _wrong_setting(item: ErrorDetails, file: Path | None, given: Mapping[str, Value]) -> str:
    """Return where a setting that is not in order came from, its name, and what is wanted."""
    if not item["loc"]:
        # A rule about several settings.
        return f"{file or 'the command line'}: {wrong_setting(item, ())}"
    name = str(item["loc"][0])
    variable = f"{_PREFIX}{name.upper()}"
    source = "the command line" if name in given else variable if variable in os.environ else file
    form = _FORMS.get(item.get("ctx", {}).get("pattern", ""))
    wrong = wrong_setting(item, Settings.model_fields) if form is None else f"want {form}"
    return f"{source}: {'.'.join(map(str, item['loc']))}: {wrong}"


def settings_toml(values: Mapping[str, Value]) -> str:
    """Return the text of a settings file: each setting with what it is for; those not given as comments."""
    lines = ["# Settings of the registry. What is commented out has its default.", ""]
    for name, field in Settings.model_fields.items():
        if name == "home":
            continue
        lines.append(f"# {field.description}")
        if name in values:
            lines.append(f"{name} = {json.dumps(values[name], ensure_ascii=False)}")
        else:
            default = field.default
            shown = "" if default is None or isinstance(default, SecretStr) else default
            shown = list(shown) if isinstance(shown, tuple) else shown
            lines.append(f"# {name} = {json.dumps(shown)}")
        lines.append("")
    return "\n".join(lines)
