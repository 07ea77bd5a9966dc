"""A warning in the log, every day, while a server's own TLS certificate is about to end."""

from __future__ import annotations

import threading
import time

import structlog
from cryptography import x509

__all__ = ["WARN_DAYS", "CertificateWatch", "ends_at"]

WARN_DAYS = 30
_DAY_SECONDS = 86_400
_log = structlog.get_logger("certificate")


def ends_at(pem: bytes) -> float:
    """Return when the first certificate of a chain ends, seconds since 1970 UTC."""
    return x509.load_pem_x509_certificates(pem)[0].not_valid_after_utc.timestamp()


class CertificateWatch:
    """Warns at the start and once a day.

    Args:
        ends: of the certificate, seconds since 1970 UTC.
        advice: what the operator does about it.
    """

    def __init__(self, ends: float, advice: str) -> None:
        self._ends = ends
        self._advice = advice
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="certificate-watch", daemon=True)

    def start(self) -> None:
        """Warn where it is time, and go on looking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            days = int((self._ends - time.time()) // _DAY_SECONDS)
            if days < WARN_DAYS:
                _log.warning("certificate ends soon", days=days, advice=self._advice)
            if self._stopping.wait(_DAY_SECONDS):
                return
