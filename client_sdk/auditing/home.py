"""The auditor's folder: how far the last audit came, what it found, and the leaves up to there.

    audit.json      one file, replaced as a whole: position and findings become durable together
    leaves          every leaf of the log so far (``leaf_store``)
    inquiries       every leaf of the inquiry tree so far
    asked           the signed inquiries of these leaves, for a registry that lost its disk
    audit.lock      held while an audit runs
    contradiction-*.proof   two checkpoints that the log's key has signed and that belong to no one history

Bindings lead to persons and are deleted with the record: none is kept, and none is ever written in clear.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from filelock import FileLock, Timeout

from client_sdk._files import replace_file
from client_sdk._state_file import HOT_ENTRIES, StateFile
from client_sdk.auditing.leaf_store import LeafStore
from client_sdk.errors import AuditRunningError, ConfigError
from client_sdk.following import keep_contradiction, kept_contradictions
from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.ledger.findings import Finding, FindingId

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from client_sdk.kernel.formats.contradiction import Contradiction

__all__ = ["Accepted", "AuditFinding", "AuditHome", "Position", "Seen"]

_FORM = "creditregistry audit v1"
_MODE = 0o600
_FOLDER_MODE = 0o700
_LOCK_SECONDS = 0
_REFERENCE_DIGITS = 12


class Accepted(NamedTuple):
    """That a person at the auditor has looked into a finding.

    Attributes:
        reason: in their words.
        at: when, UTC.
    """

    reason: str
    at: datetime


class AuditFinding(NamedTuple):
    """A finding, with the audit that made it.

    Attributes:
        finding: what is wrong.
        size: of the log that was audited when it was first found.
        found_at: when, UTC.
        audit: number of the newest audit of this folder that found it.
        accepted: None unless a person has accepted it.
    """

    finding: Finding
    size: int
    found_at: datetime
    audit: int = 0
    accepted: Accepted | None = None

    @property
    def reference(self) -> str:
        """By which a person names it: 12 hexadecimal digits that follow from what is wrong."""
        said = json.dumps(self.finding.to_dict(), sort_keys=True, ensure_ascii=False)
        return sha256(said.encode()).hexdigest()[:_REFERENCE_DIGITS]


class Seen(NamedTuple):
    """A checkpoint that the log's key signed and whose leaves were not all read yet: size, root, and the note."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True)
class Position:
    """Position and results of the last audit.

    Attributes:
        fingerprint: of the trust root that the folder belongs to.
        size: leaves that were audited.
        root: of their tree, hexadecimal.
        checkpoint: the log's signed note over exactly them.
        audited_at: when that audit began, ms since 1970 UTC.
        logged_at: of the newest HEAD among them, ms since 1970 UTC.
        leaf_bytes: of the file of leaves.
        inquiries: leaves of the inquiry tree.
        inquiry_bytes: of their file.
        asked_bytes: of the file of those signed inquiries that audits have verified.
        maps_checked: sizes at whose HEAD the map was rebuilt: the first, the newest, and how many.
        seen: signed checkpoints beyond the size, to which the next leaves are held.
        audits: of this folder so far, those included that could not go on.
        beyond: whether there were more findings that tell against the log than have a place here.
    """

    fingerprint: str = ""
    size: int = 0
    root: str = ""
    checkpoint: str = ""
    audited_at: int = 0
    logged_at: int = 0
    leaf_bytes: int = 0
    inquiries: int = 0
    inquiry_bytes: int = 0
    asked_bytes: int = 0
    maps_checked: tuple[int, int, int] = (0, 0, 0)
    seen: tuple[Seen, ...] = field(default=())
    audits: int = 0
    beyond: bool = False


class AuditHome:
    """The folder of one auditor and one registry.

    Args:
        folder: made where it is missing, for its owner alone.
        hot_entries: how much of what grows with the log an audit has in memory, as of ``StateFile``.

    Raises:
        ConfigError: it cannot be made.
    """

    def __init__(self, folder: Path, hot_entries: int = HOT_ENTRIES) -> None:
        try:
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{folder} cannot be made: {error.strerror}") from error
        self._folder = folder
        self._hot_entries = hot_entries
        self._file = folder / "audit.json"
        self.leaves = LeafStore(folder / "leaves")
        self.inquiries = LeafStore(folder / "inquiries")
        self.asked = LeafStore(folder / "asked")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep every other audit out while the block lasts.

        Raises:
            AuditRunningError: another audit is running.
        """
        try:
            with FileLock(self._folder / "audit.lock", timeout=_LOCK_SECONDS, mode=_MODE):
                yield
        except Timeout:
            raise AuditRunningError(f"another audit is running in {self._folder}") from None

    def state(self) -> StateFile:
        """Return a file for what grows with the log, to be used as a block by the audit that holds the lock."""
        return StateFile(self._folder / "audit.state", self._hot_entries)

    def keep_proof(self, proof: Contradiction) -> str:
        """Keep the first proof that the log has two histories; return its file's name, empty where none is kept."""
        kept = kept_contradictions(self._folder)
        try:
            return (kept[0] if kept else keep_contradiction(self._folder, proof.encode())).name
        except ConfigError:
            # On a full disk the fork is a finding all the same.
            return ""

    def load(self) -> tuple[Position, tuple[AuditFinding, ...]]:
        """Return where the last audit ended and everything found so far.

        Raises:
            ConfigError: the file is damaged.
        """
        try:
            content = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return Position(), ()
        except OSError as error:
            raise ConfigError(f"{self._file} cannot be read: {error.strerror}") from error
        except ValueError:
            raise ConfigError(f"{self._file} is damaged") from None
        try:
            if content.pop("form") != _FORM:
                raise ConfigError(f"{self._file} is of another version")
            found = tuple(_read_found(item) for item in content.pop("findings"))
            seen = tuple(Seen(item["size"], bytes.fromhex(item["root"]), item["note"]) for item in content.pop("seen"))
            maps_checked = tuple(content.pop("maps_checked"))
            return Position(**content, seen=seen, maps_checked=maps_checked), found
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ConfigError(f"{self._file} is damaged") from None

    def save(self, position: Position, found: tuple[AuditFinding, ...]) -> None:
        """Make findings and position durable, both or neither.

        Raises:
            ConfigError: they cannot be written.
        """
        content = {
            "form": _FORM,
            **asdict(position),
            "seen": [{"size": seen.size, "root": seen.root.hex(), "note": seen.note} for seen in position.seen],
            "findings": [_written(item) for item in found],
        }
        replace_file(self._file, json.dumps(content, indent=1).encode())


def _written(item: AuditFinding) -> dict[str, object]:
    accepted = item.accepted
    return {
        **item.finding.to_dict(),
        "size": item.size,
        "found_at": milliseconds(item.found_at),
        "audit": item.audit,
        "accepted": None if accepted is None else {"reason": accepted.reason, "at": milliseconds(accepted.at)},
    }


def _read_found(item: dict[str, object]) -> AuditFinding:
    size, found_at, audit = item["size"], item["found_at"], item["audit"]
    if not isinstance(size, int) or not isinstance(found_at, int) or not isinstance(audit, int):
        raise TypeError
    parts = {name: str(item[name]) for name in ("field", "rule", "got", "want")}
    leaf_index = item["leaf_index"]
    if leaf_index is not None and not isinstance(leaf_index, int):
        raise TypeError
    finding = Finding.of(FindingId(str(item["id"])), leaf_index, **parts)
    return AuditFinding(finding, size, moment(found_at), audit, _read_accepted(item["accepted"]))


def _read_accepted(item: object) -> Accepted | None:
    match item:
        case None:
            return None
        case {"reason": str(reason), "at": int(at)}:
            return Accepted(reason, moment(at))
        case _:
            raise TypeError
