"""TLS files of one side: read, judged before they are shown, and followed where they are renewed.

Certificates are renewed by another process, or by this one, while connections are open. Key and certificate are
replaced one after the other, so files are taken only where they are such as a start would take.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from client_sdk.errors import ConfigError
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LOOK_SECONDS", "TlsFolder", "TlsMaterial", "TlsSource"]

# How long what was seen of the files is relied on.
LOOK_SECONDS = 1.0
# After which files that were refused are read again.
AGAIN_SECONDS = 30.0
# In the first line of a PEM that needs a passphrase.
_ENCRYPTED = b"ENCRYPTED PRIVATE KEY"
_FILES = ("ca.pem", "certificate.pem", "key.pem")
_MOMENT = "%Y-%m-%d %H:%M:%S"


class TlsSource(Protocol):
    """Says what a connection shows: ``TlsMaterial``, which stays as it is, or a ``TlsFolder``."""

    @property
    def newest(self) -> TlsMaterial:
        """What a connection that is made now shows."""
        ...

    @property
    def due(self) -> bool:
        """Whether it is time to look again."""
        ...

    def look(self) -> None:
        """Find out what is the newest; may read files."""
        ...


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """Certificate chain, private key and trusted CA of one side of mutual TLS, in PEM.

    Attributes:
        ca: the certificates that the other side's must lead to.
        certificate: one's own, leaf first.
        key: its private key.
    """

    ca: bytes
    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        return "TlsMaterial(...)"

    @classmethod
    def from_folder(cls, folder: Path, key: Callable[[], bytes] | None = None) -> TlsMaterial:
        """Read ``ca.pem``, ``certificate.pem`` and ``key.pem`` of a folder.

        They are checked here: gRPC would report each fault only as an unreachable server.

        Args:
            folder: where they are.
            key: returns the key without a passphrase, in place of ``key.pem`` as it is.

        Raises:
            ConfigError: one of them is missing, damaged or expired, or the key is not the certificate's.
        """
        try:
            ca, certificate, pem = (read_whole(folder / f"{name}.pem") for name in ("ca", "certificate", "key"))
        except OSError as error:
            raise ConfigError(f"TLS: {Path(str(error.filename)).name}: {error.strerror}") from error
        tls = cls(ca, certificate, key() if key is not None and _ENCRYPTED in pem else pem)
        _check_own(tls, datetime.now(UTC))
        return tls

    @property
    def newest(self) -> TlsMaterial:
        """Itself: unlike the files of a ``TlsFolder``, it stays as it is."""
        return self

    @property
    def due(self) -> bool:
        """False: there is nothing to look at."""
        return False

    def look(self) -> None:
        """Nothing: see ``due``."""

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """Return credentials for a client."""
        return grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)


class TlsFolder:
    """The TLS files of a folder; thread-safe.

    Args:
        folder: that holds ``ca.pem``, ``certificate.pem`` and ``key.pem``.
        key: as for ``TlsMaterial.from_folder``.

    Raises:
        ConfigError: one of them is missing, damaged or expired, or the key is not the certificate's.
    """

    def __init__(self, folder: Path, key: Callable[[], bytes] | None = None) -> None:
        self._folder = folder
        self._key = key
        self._turn = threading.Lock()
        self._looked = time.monotonic()
        # Before they are read: what is replaced meanwhile is seen at the next look.
        self._stamps = self._stamp()
        self._refused: list[tuple[int, int, int]] = []
        self._again_at = 0.0
        self._newest = TlsMaterial.from_folder(folder, key)

    @property
    def newest(self) -> TlsMaterial:
        """What the files held at the last look."""
        return self._newest

    @property
    def due(self) -> bool:
        """Whether it is time to look at the files."""
        return time.monotonic() - self._looked >= LOOK_SECONDS

    def look(self) -> None:
        """Take the files where they have changed and belong together; else what was taken before stays."""
        with self._turn:
            self._looked = time.monotonic()
            stamps = self._stamp()
            if stamps == self._stamps or (stamps == self._refused and self._looked < self._again_at):
                return
            try:
                found = TlsMaterial.from_folder(self._folder, self._key)
            except Exception:  # noqa: BLE001 - also whatever the caller's own passphrase callback raises
                # Half of a renewal, for example: the old pair is still good. Files that change are read at the next
                # look, the same ones after a while: what gives the passphrase may have been away.
                self._refused, self._again_at = stamps, self._looked + AGAIN_SECONDS
                return
            self._stamps = stamps
            if found != self._newest:
                self._newest = found

    def _stamp(self) -> list[tuple[int, int, int]]:
        """Return what changes with each file; nothing where one is missing."""
        try:
            states = [(self._folder / name).stat() for name in _FILES]
        except OSError:
            return []
        return [(state.st_ino, state.st_mtime_ns, state.st_size) for state in states]


def _check_own(tls: TlsMaterial, now: datetime) -> None:
    """Check what one side shows before it is shown.

    Raises:
        ConfigError: a file is damaged, the key is another one's, or the certificate is not good now.
    """
    _certificates(tls.ca, "ca.pem")
    certificate = _certificates(tls.certificate, "certificate.pem")[0]
    try:
        key = load_pem_private_key(tls.key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Not chained: the library's message may quote what it read.
        raise ConfigError("TLS: key.pem: damaged, or no unencrypted private key in PEM") from None
    try:
        own = certificate.public_key() == key.public_key()
        first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError("TLS: certificate.pem: its key or its dates cannot be read") from None
    if not own:
        raise ConfigError("TLS: certificate.pem: it is for another key than the one in key.pem")
    if now < first:
        raise ConfigError(
            f"TLS: certificate.pem: good only from {first:{_MOMENT}} UTC on, and this machine's clock shows "
            f"{now:{_MOMENT}} UTC"
        )
    if now > last:
        raise ConfigError(
            f"TLS: certificate.pem: expired on {last:%Y-%m-%d}, and this machine's clock shows {now:{_MOMENT}} UTC; "
            "too late to renew it"
        )


def _certificates(pem: bytes, name: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise ConfigError(f"TLS: {name}: damaged, or no certificate in PEM") from None
