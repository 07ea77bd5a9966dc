"""Destruction of a key service's keys, once the registry has certified that it destroyed its own data.

    1  HOME/destruction-plan.json is written: which keys there are; from here on the service does not start any more
    2  the log of requests is dropped
    3  the seeds of the VOPRF keys and the key for TLS are overwritten and removed

Whatever steps were interrupted are done by the command run again. Without one key service's keys nobody can make a
pseudonym any more: what copies of the registry's data are left lead to nobody.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from client_sdk.clock import clock_ms
from client_sdk.following import DirectoryFollower, KeptDirectory
from client_sdk.kernel.ledger.closing import is_over
from client_sdk.kernel.ledger.destruction import read_destruction
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.dates import day_of
from registry_server.serving.files import destroy_file, write_secret
from registry_server.subject_key_service import SetupError
from registry_server.subject_key_service.keys import EvaluationKeys
from registry_server.subject_key_service.request_log import drop_log
from registry_server.subject_key_service.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry_server.subject_key_service.settings import KeyServiceFolder, KeyServiceSettings

__all__ = ["destroy_keys"]


def destroy_keys(
    folder: KeyServiceFolder, certificate: bytes, report_progress: Callable[[str], None], now: int | None = None
) -> dict[str, object]:
    """Destroy keys and log of a key service, or go on with it; return the report, which names keys by their id alone.

    Args:
        folder: of the key service.
        certificate: that the registry has destroyed its data.
        report_progress: called after each step.
        now: ms since 1970 UTC; this machine's clock where it is left out.

    Raises:
        SetupError: a process serves with the keys, the service has not followed the closing act itself, or the day of
            the act is not over.
        FormatError: the certificate does not verify.
        FileError: a file cannot be written or removed.
    """
    settings = read_settings(folder)
    with folder.sole_use():
        return _destroy(folder, settings, certificate, report_progress, clock_ms() if now is None else now)


def _destroy(
    folder: KeyServiceFolder,
    settings: KeyServiceSettings,
    certificate: bytes,
    report_progress: Callable[[str], None],
    now: int,
) -> dict[str, object]:
    report = folder.destruction
    if not report.exists():
        _check_allowed(folder, certificate, now)
        keys = [key.hex() for key in sorted(EvaluationKeys.load(folder.keys).seeds())]
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        shown = {"name": settings.name, "begun_at": begun, "certificate_sha256": sha256(certificate).hexdigest()}
        write_secret(report, json.dumps({**shown, "key_ids": keys}, indent=1).encode() + b"\n")
        report_progress("written down which keys there are")
    if drop_log(folder.database_url(settings)):
        report_progress("log of requests dropped")
    for path in (*sorted(folder.keys.glob("*")), folder.tls / "key.pem"):
        if destroy_file(path):
            report_progress(f"{path.name} destroyed")
    if folder.keys.exists():
        folder.keys.rmdir()
    written: dict[str, object] = json.loads(report.read_bytes())
    return written


def _check_allowed(folder: KeyServiceFolder, certificate: bytes, now: int) -> None:
    """Check the certificate, and that this service has seen the administrators close the registry itself.

    The registry's operator alone could sign a certificate over an act that nobody decided.
    """
    root = TrustRoot.parse(folder.trust_root.read_bytes())
    said, body, _ = read_destruction(certificate, root)
    follower = DirectoryFollower(root)
    KeptDirectory(folder.directory).restore(follower)
    if follower.view is None or follower.directory.closing is None:
        raise SetupError(
            "this service has followed no act that closes the registry: nothing was destroyed",
            "let it serve until it has followed the closing act (`status` shows how far it is), then stop it.",
        )
    closing, rulebook = follower.directory.closing, follower.directory.rulebook
    if (closing.place, closing.body) != (said.act_index, body):
        raise SetupError(
            f"the newest closing act is at leaf {closing.place}, and not at {said.act_index}",
            "give destruction.bin of the registry's public folder, made after that act.",
        )
    today = day_of(now, rulebook.time_zone).isoformat()
    if not is_over(closing, today):
        raise SetupError(
            f"it is {today} here, and the registry is open until {body.open_until}: nothing was destroyed",
            "run it again when that day is over.",
        )
