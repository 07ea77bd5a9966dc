"""Settings of one member on one machine.

A member's home folder holds everything; its ``config.toml`` names what is not where it usually is:

    institution = "lender-1"
    registry = "registry.example:7443"      # host:port; of a registry with several, all with commas between
    name = "example"                        # of the registry, part of everything that is signed
    witnessed = "follow_up"                 # optional: strict, follow_up or none
    role = "REPRESENTATIVE"                 # of a member that speaks for persons; other roles follow from the keys

    [keys]                                  # usage -> key URI
    report = "file:keys/report.pem"         # or a key in a device: client_sdk.signing
    inquire = "file:keys/inquire.pem"

    [limits]                                # optional; seconds
    deadline = 20
    batch_deadline = 120
    max_age = 300
    replay_max_lag = 86400

Beside it: keys/*.pem and record-id.secret (0600; back both up), tls/{key,certificate,ca}.pem, trust-root.bin,
outbox.sqlite, state/ (the directory and the checkpoint that were followed so far), and where the member demands more
witnesses than the rulebook, witnesses.policy (C2SP tlog-policy).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import platformdirs

from client_sdk._files import path_of
from client_sdk._settings_file import read_settings, shown_text, text_setting
from client_sdk._transport.addresses import is_address_list
from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.record_id import SECRET_BYTES
from client_sdk.kernel.formats.replay_quorum import read_witnesses
from client_sdk.kernel.formats.statement import check_institution_id
from client_sdk.kernel.formats.witness_quorum import NO_QUORUM, WitnessQuorum
from client_sdk.kernel.formats.words import KeyUsage, Role
from client_sdk.kernel.ledger.head_time import MAX_OFF_MS
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.models.replayed import REPLAY_MAX_LAG
from client_sdk.models.witnessed import WitnessDemand
from client_sdk.passphrase import PASSPHRASE_VARIABLE, encoded, is_encrypted, opened, passphrase_of_file
from client_sdk.signing import open_signer, read_key, read_private
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.signing import SecretPrompt, SignerScheme

__all__ = [
    "CONFIG_FILE",
    "HOME_VARIABLE",
    "MOST_SECONDS",
    "NEXT_TLS_KEY",
    "ClientConfig",
    "is_address_list",
    "is_seconds",
]

HOME_VARIABLE = "CREDIT_REGISTRY_HOME"
NEXT_TLS_KEY = "next-key.pem"
ADDRESS_VARIABLE = "CREDIT_REGISTRY_ADDRESS"
_FIELDS = frozenset(("institution", "registry", "name", "role", "witnessed", "telemetry_endpoint", "keys", "limits"))
# Which role a key is for, where the settings name none: a representative has the keys of a lender.
_ROLES = {
    KeyUsage.REPORT: Role.LENDER,
    KeyUsage.INQUIRE: Role.LENDER,
    KeyUsage.ADMINISTER: Role.ADMINISTRATOR,
    KeyUsage.AUDIT: Role.AUDITOR,
}
# Seconds.
_LIMITS = {
    "deadline": 20.0,
    "batch_deadline": 120.0,
    "max_age": MAX_OFF_MS / 1_000,
    "replay_max_lag": REPLAY_MAX_LAG,
}
CONFIG_FILE = "config.toml"
_REPLAY_KEY = "keys/replay.pem"
# A year; locks and calls take no longer waits.
MOST_SECONDS = 31_536_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """Configuration of a client: addresses, files of its home, time limits.

    A setting that is not in order is refused with a ConfigError.

    Attributes:
        institution: id of the member.
        registry: host:port of the registry, or several with commas between: each call is made at the one that answered
            last, and at the next one, within the same deadline, where that is away.
        name: of the registry, part of everything that is signed.
        home: the member's folder; relative paths start from it.
        keys: key URI by usage; a usage without a key cannot be used.
        role: REPRESENTATIVE for a member that speaks for persons; None where the role follows from the keys.
        deadline: seconds for a call.
        batch_deadline: seconds for a stream of many reports or records.
        max_age: seconds that the newest HEAD, and under ``strict`` the newest quorum of witnesses, may be off this
            machine's clock, either way.
        replay_max_lag: seconds between the last replay of the log by auditors and an answer, above which the answer is
            labelled as not replayed; it is also where the rulebook names no such auditors.
        witnessed: what is demanded of witnesses, where the rulebook or ``witnesses.policy`` names a quorum.
        telemetry_endpoint: ``https://HOST:PORT`` of the OpenTelemetry collector to which the command sends traces and
            durations of its calls; empty for none. An application hands its own providers to
            ``client_sdk.telemetry.observe_calls``.
        secret: returns the passphrase of an encrypted key, or the PIN of its device, which it is given the URI of;
            asked whenever such a key is opened. All key files of a home have one passphrase, unless you gave them
            others.
        schemes: further schemes of key URIs.
    """

    institution: str
    registry: str
    name: str
    home: Path
    keys: Mapping[KeyUsage, str] = field(default_factory=dict)
    role: Role | None = None
    deadline: float = _LIMITS["deadline"]
    batch_deadline: float = _LIMITS["batch_deadline"]
    max_age: float = _LIMITS["max_age"]
    replay_max_lag: float = _LIMITS["replay_max_lag"]
    witnessed: WitnessDemand = WitnessDemand.FOLLOW_UP
    telemetry_endpoint: str = ""
    secret: SecretPrompt | None = field(default=None, repr=False, compare=False)
    schemes: Mapping[str, SignerScheme] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("institution", "registry", "name", "telemetry_endpoint"):
            shown_text(getattr(self, name), f"config: {name}")
        try:
            check_institution_id(self.institution, "config", "institution")
        except FormatError as error:
            raise ConfigError(str(error)) from error
        if not is_address_list(self.registry):
            raise ConfigError("config: registry must be host:port, or several, each once, with commas between")
        if not self.name:
            raise ConfigError("config: name, of the registry, is missing")
        object.__setattr__(self, "home", path_of(self.home, "config: home"))
        _check_keys(self.keys)
        object.__setattr__(self, "role", _role(self.role))
        object.__setattr__(self, "witnessed", _demand(self.witnessed))
        for name in _LIMITS:
            if not is_seconds(getattr(self, name)):
                raise ConfigError(f"config: limits: {name} must be seconds above 0, at most {MOST_SECONDS:,}")
        _check_functions(self.secret, self.schemes)

    @classmethod
    def from_home(cls, path: str | Path) -> ClientConfig:
        """Return the settings of a member's home folder.

        Raises:
            ConfigError: there is no ``config.toml``, or it is not in order.
        """
        home = path_of(path, "home")
        file = home / CONFIG_FILE
        content = read_settings(file, _FIELDS)
        limits = _limits(content.get("limits", {}), file)
        return cls(
            institution=text_setting(content, "institution", file),
            registry=text_setting(content, "registry", file),
            name=text_setting(content, "name", file),
            home=home,
            keys=_keys(content.get("keys", {}), file),
            role=_role(text_setting(content, "role", file, "")),
            deadline=limits["deadline"],
            batch_deadline=limits["batch_deadline"],
            max_age=limits["max_age"],
            replay_max_lag=limits["replay_max_lag"],
            witnessed=_demand(content.get("witnessed", WitnessDemand.FOLLOW_UP)),
            telemetry_endpoint=text_setting(content, "telemetry_endpoint", file, ""),
        )

    @classmethod
    def from_env(cls) -> ClientConfig:
        """Return the settings of the folder that ``CREDIT_REGISTRY_HOME`` names, else of the user's own.

        ``CREDIT_REGISTRY_ADDRESS`` replaces the address, or addresses, of the registry;
        ``CREDIT_REGISTRY_PASSPHRASE_FILE`` names a file of mode 0600 with the passphrase of its key files.

        Raises:
            ConfigError: as ``from_home``.
        """
        home = os.environ.get(HOME_VARIABLE) or platformdirs.user_config_dir("credit-registry")
        config = cls.from_home(home)
        address = os.environ.get(ADDRESS_VARIABLE)
        file = os.environ.get(PASSPHRASE_VARIABLE)
        secret = None if not file else partial(_passphrase_of, file)
        return replace(config, registry=address or config.registry, secret=secret)

    def to_toml(self) -> str:
        """Return the text of ``config.toml``; what has its default is left out."""
        # A JSON string is a basic string of TOML.
        lines = [f"{name} = {json.dumps(getattr(self, name))}" for name in ("institution", "registry", "name")]
        if self.role is not None:
            lines.append(f"role = {json.dumps(self.role.name)}")
        if self.witnessed is not WitnessDemand.FOLLOW_UP:
            lines.append(f"witnessed = {json.dumps(self.witnessed)}")
        if self.telemetry_endpoint:
            lines.append(f"telemetry_endpoint = {json.dumps(self.telemetry_endpoint)}")
        lines += ["", "[keys]"]
        lines += [f"{usage.name.lower()} = {json.dumps(uri)}" for usage, uri in sorted(self.keys.items())]
        changed = [f"{name} = {value}" for name, usual in _LIMITS.items() if (value := getattr(self, name)) != usual]
        if changed:
            lines += ["", "[limits]", *changed]
        return "\n".join(lines) + "\n"

    @property
    def roles(self) -> frozenset[Role]:
        """Roles of the member, by its settings; what the registry allows is decided by its directory."""
        return frozenset((self.role,)) if self.role else frozenset(_ROLES[usage] for usage in self.keys)

    @property
    def tls_key(self) -> Path:
        """PKCS#8 key of the client certificate."""
        return self.home / "tls" / "key.pem"

    @property
    def next_tls_key(self) -> Path:
        """PKCS#8 key that waits for its certificate; there is one only where a new key was asked for."""
        return self.home / "tls" / NEXT_TLS_KEY

    @property
    def tls_certificate(self) -> Path:
        """Client certificate with its chain."""
        return self.home / "tls" / "certificate.pem"

    @property
    def tls_ca(self) -> Path:
        """Certificate of the registry's own CA."""
        return self.home / "tls" / "ca.pem"

    @property
    def trust_root_file(self) -> Path:
        """File of the trust root; its fingerprint was compared when it was installed."""
        return self.home / "trust-root.bin"

    @property
    def secret_file(self) -> Path:
        """The secret behind record ids (proto/README.md 2); back it up with the keys."""
        return self.home / "record-id.secret"

    @property
    def outbox_file(self) -> Path:
        """Signed reports without a receipt, and receipts."""
        return self.home / "outbox.sqlite"

    @property
    def state_folder(self) -> Path:
        """Folder of what was seen of the log: the followed directory, the newest checkpoint, proofs of misbehaviour."""
        return self.home / "state"

    def trust_root(self) -> TrustRoot:
        """Read the trust root.

        Raises:
            ConfigError: it is missing, damaged, or of another registry.
        """
        try:
            root = TrustRoot.parse(read_whole(self.trust_root_file))
        except OSError as error:
            raise ConfigError(f"{self.trust_root_file} cannot be read: {error.strerror}") from error
        except (FormatError, RuleError) as error:
            raise ConfigError(f"{self.trust_root_file} is no trust root: {error}") from error
        if root.registry != self.name:
            raise ConfigError(f"{self.trust_root_file} is of the registry {root.registry}, not {self.name}")
        return root

    @property
    def quorum_file(self) -> Path:
        """Witnesses that this member demands beside those of the rulebook (C2SP tlog-policy); often there is none."""
        return self.home / "witnesses.policy"

    def own_quorum(self) -> WitnessQuorum | None:
        """Read the witnesses that this member demands beside those of the rulebook; None where it demands none.

        Raises:
            ConfigError: the file cannot be read, is no policy, or is of another log than that of the trust root.
        """
        try:
            quorum = read_witnesses(read_whole(self.quorum_file))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{self.quorum_file} cannot be read: {error.strerror}") from error
        except FormatError as error:
            raise ConfigError(f"{self.quorum_file}: {error}") from error
        logs = [log.key for log in quorum.logs]
        if logs and self.trust_root().log_key not in logs:
            raise ConfigError(f"{self.quorum_file} is about another log than that of {self.trust_root_file}")
        return None if quorum.quorum == NO_QUORUM else quorum

    @property
    def replay_key_file(self) -> Path:
        """Key with which an auditor cosigns what it has rebuilt (``client_sdk.home.replay_key``)."""
        return self.home / _REPLAY_KEY

    def replay_signer(self) -> Signer:
        """Open that key.

        Raises:
            ConfigError: there is none, or it cannot be opened.
        """
        if not self.replay_key_file.exists():
            raise ConfigError(f"{self.replay_key_file} is missing: `credit-registry key replay` makes it")
        return open_signer(f"file:{_REPLAY_KEY}", self.home, self.secret, self.schemes)

    def signer(self, usage: KeyUsage) -> Signer:
        """Open the key of a usage.

        Raises:
            ConfigError: none is configured, or it cannot be opened.
        """
        given: object = usage
        if not isinstance(given, KeyUsage):
            raise ConfigError(f"usage: want a KeyUsage, got {type(given).__name__}")
        uri = self.keys.get(usage)
        if uri is None:
            raise ConfigError(f"no key for {usage.name} in the settings of {self.institution}")
        return open_signer(uri, self.home, self.secret, self.schemes)

    def tls_key_pem(self, path: Path | None = None) -> bytes:
        """Return a TLS key as unencrypted PKCS#8 in PEM, for memory alone.

        Args:
            path: of the key; None for the one in use.

        Raises:
            ConfigError: it cannot be opened.
        """
        return encoded(read_key(path or self.tls_key, self.secret), None)

    def new_key_passphrase(self) -> bytes | None:
        """Return the passphrase that a further key of this home gets: that of its TLS key; None where it has none.

        Raises:
            ConfigError: it is not given, or wrong.
        """
        pem = read_private(self.tls_key)
        if not is_encrypted(pem):
            return None
        passphrase = None if self.secret is None else self.secret(f"file:{self.tls_key}")
        opened(pem, passphrase, self.tls_key)
        return passphrase

    def record_secret(self) -> bytes:
        """Read the secret behind record ids.

        Raises:
            ConfigError: it is missing, readable for others, or not 32 bytes long.
        """
        if not self.secret_file.exists():
            text = "only a LENDER's home has this secret, and only a LENDER reports"
            raise ConfigError(f"{self.secret_file} is missing: {text}")
        secret = read_private(self.secret_file)
        if len(secret) != SECRET_BYTES:
            raise ConfigError(f"{self.secret_file} must hold {SECRET_BYTES} bytes")
        return secret


def is_seconds(value: object) -> bool:
    """Whether a value is a number of seconds for which a call can be waited for."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_SECONDS


def _demand(value: object) -> WitnessDemand:
    if not isinstance(value, str) or value not in tuple(WitnessDemand):
        raise ConfigError(f"config: witnessed must be one of {', '.join(WitnessDemand)}")
    return WitnessDemand(value)


def _check_functions(secret: object, schemes: object) -> None:
    if secret is not None and not callable(secret):
        raise ConfigError("config: secret must be a function, or None")
    if not isinstance(schemes, Mapping) or not all(map(callable, schemes.values())):
        raise ConfigError("config: schemes must be a mapping of functions")


def _passphrase_of(file: str, uri: str) -> bytes:
    """Return the passphrase of a key file; it is no device's PIN, and devices lock themselves after wrong ones."""
    if not uri.startswith("file:"):
        raise ConfigError("the key's device wants a PIN: name a file with it by pin-source=file:/PATH in the key URI")
    return passphrase_of_file(file)


def _check_keys(keys: object) -> None:
    right = isinstance(keys, Mapping) and all(isinstance(usage, KeyUsage) for usage in keys)
    if not isinstance(keys, Mapping) or not right:
        raise ConfigError("config: keys must be a mapping of KeyUsage to key URIs")
    for usage, uri in keys.items():
        shown_text(uri, f"config: the URI of the {usage.name} key")


def _keys(content: object, file: Path) -> dict[KeyUsage, str]:
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: keys must be a table")
    keys: dict[KeyUsage, str] = {}
    for name, uri in content.items():
        usage = KeyUsage.__members__.get(str(name).upper())
        if usage is None or not isinstance(uri, str):
            raise ConfigError(f"{file}: keys: {name} must be report, inquire, administer or audit, with a key URI")
        keys[usage] = uri
    return keys


def _role(value: object) -> Role | None:
    if value not in (None, "", Role.REPRESENTATIVE):
        raise ConfigError("config: role must be REPRESENTATIVE, or left out: every other role follows from the keys")
    return Role.REPRESENTATIVE if value else None


def _limits(content: object, file: Path) -> dict[str, float]:
    if not isinstance(content, dict) or set(content) - set(_LIMITS):
        raise ConfigError(f"{file}: limits must be a table of {', '.join(sorted(_LIMITS))}")
    return _LIMITS | content
