"""Standing of a member's home: signed reports that wait for a receipt, and the end of its certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from client_sdk.lending.outbox import Outbox
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    from client_sdk.config import ClientConfig

__all__ = ["certificate_end", "certificate_in", "pending_reports", "waits_for_receipt"]


def pending_reports(config: ClientConfig) -> int:
    """Return how many signed reports of a home wait for a receipt.

    Raises:
        OutboxError: the outbox cannot be read.
    """
    if not config.outbox_file.exists():
        return 0
    with Outbox(config.outbox_file, config.name, config.institution) as outbox:
        return len(outbox.pending())


def waits_for_receipt(config: ClientConfig, records: Collection[bytes]) -> bool:
    """Say whether a signed report of one of some records waits for a receipt.

    Args:
        config: of the home.
        records: their ids.

    Raises:
        OutboxError: the outbox cannot be read.
    """
    if not records or not config.outbox_file.exists():
        return False
    with Outbox(config.outbox_file, config.name, config.institution) as outbox:
        return any(pending.record_id in records for pending in outbox.pending())


def certificate_in(file: Path) -> x509.Certificate:
    """Return the first certificate of a PEM file, which is that of its holder.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds none.
    """
    return x509.load_pem_x509_certificates(read_whole(file))[0]


def certificate_end(file: Path) -> datetime:
    """Return until when the first certificate of a PEM file is good; errors as for ``certificate_in``."""
    return certificate_in(file).not_valid_after_utc
