"""The TLS files of a server: renewed ones are shown without a restart, and the log warns before they end."""

from __future__ import annotations

import ssl
import tempfile
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import grpc
import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from registry_server.serving.periodic import PeriodicTask

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WARN_DAYS", "ServerTls", "TlsFiles"]

WARN_DAYS = 30
# How often the files are read again.
_READ_SECONDS = 30.0
_DAY_SECONDS = 86_400
_CURVES = (ec.SECP256R1.name, ec.SECP384R1.name, ec.SECP521R1.name)
_log = structlog.get_logger("certificate")


class TlsFiles(NamedTuple):
    """A server's certificate chain, private key and trusted CA, in PEM.

    Attributes:
        key: private key.
        certificate: its chain, leaf first.
        authority: certificates that a client's must lead to.
    """

    key: bytes
    certificate: bytes
    authority: bytes

    def __repr__(self) -> str:
        return "TlsFiles(...)"


class ServerTls:
    """What a server shows, and takes anew where its files have changed.

    Connections that are open keep what was shown to them; each further handshake is made with the newest files. Files
    that do not belong together, such as those of a renewal that is just being written, are passed over.

    Args:
        read: returns the files; may renew them first. What it raises is logged, and what was shown stays.
        advice: what the operator does where the certificate ends soon.
        interval: seconds between two looks at the files.
    """

    def __init__(self, read: Callable[[], TlsFiles], advice: str, *, interval: float = _READ_SECONDS) -> None:
        self._read = read
        self._advice = advice
        self._files = read()
        self._ends = _ends_at(self._files.certificate)
        # What the library has not been given yet; it asks at each handshake.
        self._renewed: grpc.ServerCertificateConfiguration | None = None
        self._refused = ""
        # Of HTTPS, once it is asked for; a new one for each renewal, as handshakes may use the old one.
        self._context: ssl.SSLContext | None = None
        self._warned_at: float | None = None
        self._looks = PeriodicTask(
            "tls-files", self._tend, interval, fault_of=lambda error: type(error).__name__, report=_report, delay=0.0
        )

    def credentials(self) -> grpc.ServerCredentials:
        """Return credentials that follow the files and demand a certificate of every client."""
        return grpc.dynamic_ssl_server_credentials(
            _configuration(self._files),
            self._newest,  # type: ignore[arg-type]  # None is "as before"; the stubs leave it out
            require_client_authentication=True,
        )

    def context(self) -> ssl.SSLContext:
        """Return the context of HTTPS for the next handshake: it asks for a client certificate and demands none."""
        if self._context is None:
            self._context = _context_of(self._files)
        return self._context

    def ends(self) -> float:
        """Return when the certificate that is shown ends, seconds since 1970 UTC."""
        return self._ends

    def start(self) -> None:
        """Warn where it is time, and go on looking at the files."""
        self._looks.start()

    def stop(self) -> None:
        """Stop looking."""
        self._looks.stop()

    def look(self) -> None:
        """Take the files where they have changed and belong together."""
        try:
            files = self._read()
            if files == self._files:
                return
            ends = _checked_end(files)
            context = None if self._context is None else _context_of(files)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the files, what was shown stays
            # Once for each fault, not at each look.
            if self._refused != (fault := f"{type(error).__name__}: {error}"):
                self._refused = fault
                _log.warning("TLS files not taken", error=type(error).__name__, detail=str(error))
            return
        self._files, self._ends, self._refused = files, ends, ""
        self._renewed = _configuration(files)
        self._context = context
        _log.info("TLS files taken", days=self._days())

    def _newest(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what is to be shown from this handshake on; None where it is what was shown before."""
        renewed, self._renewed = self._renewed, None
        return renewed

    def _days(self) -> int:
        return int((self._ends - time.time()) // _DAY_SECONDS)

    def _tend(self) -> None:
        """Take the files where they have changed, and warn once a day while the end is near."""
        self.look()
        now = time.monotonic()
        if self._days() < WARN_DAYS and (self._warned_at is None or now - self._warned_at >= _DAY_SECONDS):
            self._warned_at = now
            _log.warning("certificate ends soon", days=self._days(), advice=self._advice)


def _report(fault: str, _error: Exception) -> None:
    _log.warning("TLS files not looked at", error=fault)


def _configuration(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(files.key, files.certificate)], files.authority)


def _context_of(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=files.authority.decode("ascii"))
    # The library reads a key from disk alone; the file is its owner's, and gone at once.
    with tempfile.NamedTemporaryFile() as private:
        private.write(files.key + b"\n" + files.certificate)
        private.flush()
        context.load_cert_chain(private.name)
    return context


def _ends_at(pem: bytes) -> float:
    return x509.load_pem_x509_certificates(pem)[0].not_valid_after_utc.timestamp()


def _checked_end(files: TlsFiles) -> float:
    """Return when the certificate ends.

    Raises:
        ValueError: a file is damaged, the key is not the certificate's or of a kind that TLS does not take, the
            certificate is not good now, or it does not lead to the authority.
    """
    try:
        chain = x509.load_pem_x509_certificates(files.certificate)
        authorities = x509.load_pem_x509_certificates(files.authority)
        key = chain[0].public_key()
        own = key == load_pem_private_key(files.key, password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Not chained: the library's message may quote what it read.
        raise ValueError("damaged, or not in PEM") from None
    if not own:
        raise ValueError("the certificate is for another key")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _CURVES:
        raise ValueError("the key is on a curve that TLS does not take")
    if not chain[0].not_valid_before_utc <= datetime.now(UTC) <= chain[0].not_valid_after_utc:
        raise ValueError("the certificate is not good now")
    if not any(_issued(chain[-1], authority) for authority in authorities):
        raise ValueError("the certificate does not lead to the authority")
    return chain[0].not_valid_after_utc.timestamp()


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Return whether an authority signed a certificate, or is that certificate."""
    if certificate == authority:
        return True
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
