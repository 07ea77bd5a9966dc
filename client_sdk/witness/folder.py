"""The folder of a witness: witness.toml, key.pem (0600), logs.sqlite.

name = "lender-1.example/witness"                 of the key; never changes
listen = "0.0.0.0:7601"
tls_certificate = "tls/certificate.pem"           without both, HTTP in clear, on this machine's own address alone
tls_key = "tls/key.pem"
logs = ["example/log/1+1a2b3c4d+AXyz..."]         verifier keys of the logs that are cosigned
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk import _durable
from client_sdk._address import host_port, is_this_machine
from client_sdk._files import cannot_be_written, path_of, write_private
from client_sdk._settings_file import read_settings, text_setting
from client_sdk.errors import ConfigError, FormatError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.signing import create_signing_key, open_signer
from client_sdk.witness.rows import LogRows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from client_sdk.kernel.formats.keys import Signer

__all__ = ["WitnessFolder", "WitnessSettings"]

_NAMES = frozenset(("name", "listen", "tls_certificate", "tls_key", "logs"))


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """Settings of a witness.

    Attributes:
        name: of its key.
        listen: host:port.
        logs: keys of the logs that it cosigns.
        tls: files of certificate chain and key; None for HTTP in clear.
    """

    name: str
    listen: str
    logs: tuple[VerifierKey, ...]
    tls: tuple[Path, Path] | None


class WitnessFolder:
    """The files of a witness.

    Args:
        path: of the folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path_of(path, "folder")

    @property
    def settings_file(self) -> Path:
        """Its settings."""
        return self.path / "witness.toml"

    @property
    def key_file(self) -> Path:
        """Its key."""
        return self.path / "key.pem"

    @property
    def rows_file(self) -> Path:
        """What it has cosigned."""
        return self.path / "logs.sqlite"

    def create(self, name: str, listen: str, logs: Sequence[VerifierKey]) -> VerifierKey:
        """Make the folder with a new key; return what readers of the logs are given.

        Raises:
            ConfigError: a file of a witness is there already, the folder is open to others, or cannot be written.
            FormatError: no key can have the name, or two logs have one origin.
        """
        VerifierKey.cosigner(name, bytes(32))
        if len({key.name for key in logs}) != len(logs) or not logs:
            raise FormatError("witness", "witness.logs", got=f"{len(logs)} keys", want="one key of each log")
        _listened(listen, "listen")
        lines = {"name": name, "listen": listen, "logs": [key.text() for key in logs]}
        text = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in lines.items())
        try:
            if not _durable.take_folder(self.path):
                raise ConfigError(f"{self.path} is open to others and not empty: name a folder of its own")
        except OSError as error:
            raise cannot_be_written(self.path, error) from error
        if self.settings_file.exists():
            raise ConfigError(f"{self.settings_file} exists already: this is the folder of a witness")
        if self.key_file.exists():
            # With another memory, or none, the same key would cosign a second history.
            want = f"put its {self.settings_file.name} back, or name a new folder: a new witness has a new key"
            raise ConfigError(f"{self.key_file} exists already: {want}")
        # The settings last: without them the folder is no witness's yet.
        signer = create_signing_key(self.key_file)
        key = VerifierKey.cosigner(name, signer.public_key.raw)
        LogRows.create(self.rows_file, key)
        write_private(self.settings_file, text.encode())
        return key

    def settings(self) -> WitnessSettings:
        """Read the settings.

        Raises:
            ConfigError: they are missing or not in order.
        """
        file = self.settings_file
        content = read_settings(file, _NAMES)
        name, listen = (text_setting(content, key, file) for key in ("name", "listen"))
        host = _listened(listen, f"{file}: listen")
        tls = self._tls(content)
        if tls is None and not is_this_machine(host):
            want = "set tls_certificate and tls_key, or listen on 127.0.0.1 behind a proxy"
            raise ConfigError(f"{file}: {listen} would be served in clear: {want}")
        return WitnessSettings(name, listen, self._logs(content, name), tls)

    def signer(self) -> Signer:
        """Open the key.

        Raises:
            ConfigError: it is missing, open to others, or none of Ed25519.
        """
        signer = open_signer(f"file:{self.key_file.name}", self.path)
        if not isinstance(signer, Ed25519Signer):
            raise ConfigError(f"{self.key_file} is not a key of Ed25519")
        return signer

    def verifier_key(self) -> VerifierKey:
        """Return what readers of the logs are given.

        Raises:
            ConfigError: settings or key are missing or not in order.
        """
        return VerifierKey.cosigner(self.settings().name, self.signer().public_key.raw)

    def rows(self) -> LogRows:
        """Open what was cosigned.

        Raises:
            ConfigError: the file is missing, damaged, of another witness or cannot be written.
        """
        return LogRows(self.rows_file, self.verifier_key())

    def _logs(self, content: dict[str, object], name: str) -> tuple[VerifierKey, ...]:
        logs = content.get("logs")
        if not isinstance(logs, list) or not logs or not all(isinstance(text, str) for text in logs):
            raise ConfigError(f"{self.settings_file}: logs must be a list of verifier keys")
        try:
            VerifierKey.cosigner(name, bytes(32))
            found = tuple(VerifierKey.parse(text) for text in logs)
        except FormatError as error:
            raise ConfigError(f"{self.settings_file}: {error}") from error
        if len({key.name for key in found}) != len(found):
            raise ConfigError(f"{self.settings_file}: logs must be of different origins")
        return found

    def _tls(self, content: dict[str, object]) -> tuple[Path, Path] | None:
        names = ("tls_certificate", "tls_key")
        given = [name for name in names if name in content]
        if not given:
            return None
        if len(given) == 1:
            raise ConfigError(f"{self.settings_file}: tls_certificate and tls_key are set together")
        certificate, key = (self.path / text_setting(content, name, self.settings_file) for name in names)
        return certificate, key


def _listened(address: str, where: str) -> str:
    """Return the host of an address to listen on."""
    try:
        return host_port(address, free=True).host
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None
