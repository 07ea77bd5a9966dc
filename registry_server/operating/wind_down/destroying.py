"""Destruction of a registry's data once its closing act allows it, in steps that a crash may interrupt anywhere.

    1  HOME/destruction-plan.json is written: what there is to destroy; from here on nothing is served any more
    2  every live record is erased by a lapse in the log, as the clock erases any other
    3  the database is marked, so that no process of any host appends to the log any more;
       HOME/destruction-proof.json is written: the closing act under the log's last checkpoint
    4  the tables are dropped, and the database's files cleaned; the head row and the hashes of the two trees stay
    5  HOME/public/destruction.bin, the certificate, is signed by the log's key
    6  the keys are overwritten and removed: the log's, the authority's, those of TLS
    7  HOME/public/destruction-report.json is written; it names the keys that the operator must still destroy

Each step looks at what is left to do, so that the command, run again, goes on where it ended.
"""

from __future__ import annotations

import contextlib
import glob
import json
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.leaf import HeadLeaf, LapseLeaf, parse_leaf
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import LapseKind
from client_sdk.kernel.ledger.closing import is_over
from client_sdk.kernel.ledger.destruction import (
    ClosingProof,
    DestroyedRows,
    Destruction,
    destruction_file,
    read_destruction,
)
from client_sdk.kernel.ledger.hand_over import MAX_BYTES, read_hand_over
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from registry_server.operating.register import register_of
from registry_server.operating.wind_down import WindDownError, closing_of, no_progress, while_not_served
from registry_server.sequencing.clock import SystemClocks
from registry_server.sequencing.items import LapseItem
from registry_server.sequencing.ledger import Ledger
from registry_server.serving.files import FileError, destroy_file, open_regular, replace_file, write_secret
from registry_server.storage import head, inquiries, migrations, wholesale
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.lapsing import MAX_DUE, log_lapses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from client_sdk.kernel.formats.complaint import Complaint
    from client_sdk.kernel.ledger.closing import Closing
    from client_sdk.kernel.ledger.destruction import VerifiedDestruction
    from registry_server.sequencing.clock import Clocks
    from registry_server.sequencing.view import View
    from registry_server.settings import Settings

__all__ = ["Destroyed", "Permit", "check_permitted", "destroy", "report_of"]

CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Permit:
    """What the operator shows before anything is destroyed.

    Attributes:
        document: the supervisor's document that the closing act names by its SHA-256.
        receipt: of the successor; None where the act names none.
    """

    document: Path
    receipt: Path | None = None


class Destroyed(NamedTuple):
    """What was destroyed.

    Attributes:
        certificate: file with the certificate.
        verified: its content.
        keys: names of the key files that were destroyed, relative to the home.
        keys_left: why others could not be, by name: the operator destroys them, and runs the command again.
    """

    certificate: Path
    verified: VerifiedDestruction
    keys: tuple[str, ...]
    keys_left: Mapping[str, str]


class _Holdings(NamedTuple):
    """What there is to destroy, before anything of it is, in JSON."""

    act_index: int
    manifest_digest: str
    rows: dict[str, int]
    keys: list[str]


class _Proof(NamedTuple):
    """The closing act and the HEAD under the log's last checkpoint, and the rows that are dropped, in JSON."""

    act_leaf: str
    path: list[str]
    head: str
    head_path: list[str]
    checkpoint: str
    rows: dict[str, int]


def destroy(
    settings: Settings,
    permit: Permit,
    report_progress: Callable[[str], None] = no_progress,
    clocks: Clocks | None = None,
) -> Destroyed:
    """Destroy what a registry holds, or go on with it; its log's hashes and last checkpoint stay.

    Args:
        settings: of the registry; no server of it runs.
        permit: what the closing act asks for.
        report_progress: called after each step.
        clocks: of the log; this machine's where none are given.

    Raises:
        RuleError: CLOSING_INVALID: no act closes the registry, its last day is not over, or the document is another.
        WindDownError: the receipt does not cover what the registry holds, or a record could not be erased.
        FormatError: the receipt does not verify.
        ClockError: what time it is is not known.
        StorageError: the database is served, or failed.
        OSError: a file cannot be read or written.
    """
    plan_file, certificate = settings.destruction_file, settings.public_folder / "destruction.bin"
    proof_file = plan_file.with_name("destruction-proof.json")
    root = TrustRoot.parse((settings.public_folder / "trust-root.bin").read_bytes())
    if not proof_file.exists():
        _erase_all(settings, root, proof_file, permit, report_progress, clocks)
    plan = _Holdings(**json.loads(plan_file.read_bytes()))
    if not certificate.exists():
        proof = _Proof(**json.loads(proof_file.read_bytes()))
        _drop(settings, report_progress)
        now = _now(settings, clocks)
        # Erasing has emptied some tables and added leaves to others: what there was is the most that each has held.
        rows = tuple(
            DestroyedRows(table, max(plan.rows[table], dropped)) for table, dropped in sorted(proof.rows.items())
        )
        manifest = bytes.fromhex(plan.manifest_digest)
        said = Destruction(root.registry, root.genesis, plan.act_index, now, rows, manifest)
        signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
        act_path, head_path = ([bytes.fromhex(hash_) for hash_ in path] for path in (proof.path, proof.head_path))
        act_leaf, head_leaf = bytes.fromhex(proof.act_leaf), bytes.fromhex(proof.head)
        shown = ClosingProof(act_leaf, act_path, head_leaf, head_path, proof.checkpoint.encode())
        file = destruction_file(said, shown, signer)
        # Before the log's key is gone for good.
        read_destruction(file, root)
        write_secret(certificate, file)
        report_progress("database cleaned, certificate signed")
    keys_left = _destroy_keys(plan, settings, report_progress)
    verified = read_destruction(certificate.read_bytes(), root)
    keys = tuple(name for name in plan.keys if name not in keys_left)
    done = Destroyed(certificate, verified, keys, keys_left)
    report_file = settings.public_folder / "destruction-report.json"
    text = json.dumps(report_of(done), indent=1, ensure_ascii=False).encode() + b"\n"
    if not report_file.exists() or report_file.read_bytes() != text:
        replace_file(report_file, text)
        report_progress("report written")
    return done


def report_of(done: Destroyed) -> dict[str, object]:
    """Return what was destroyed, as JSON: counts and digests, and nothing of what was in it."""
    said, closing, checkpoint = done.verified
    taker = closing.successor
    return {
        "registry": said.registry,
        "fingerprint": said.genesis_hash.hex(),
        "destroyed_at_ms": said.destroyed_at,
        "closing_act": said.act_index,
        "way": closing.way.name,
        "open_until": closing.open_until,
        "approval": closing.approval,
        "approval_sha256": closing.approval_digest.hex(),
        "successor": None if taker is None else taker.registry,
        "export_manifest_sha256": said.manifest_digest.hex() or None,
        "log": {"size": checkpoint.size, "root": checkpoint.root.hex()},
        "rows": {item.table: item.rows for item in said.destroyed},
        "keys": list(done.keys),
        "keys_left": dict(done.keys_left),
        "certificate": str(done.certificate),
    }


def check_permitted(settings: Settings, permit: Permit, clocks: Clocks | None = None) -> None:
    """Check that what a registry holds may be destroyed, as ``destroy`` does before it begins; destroy nothing.

    Raises:
        RuleError, WindDownError, FormatError, ClockError, StorageError, OSError: as of ``destroy``.
    """
    if settings.destruction_file.exists():
        # It has begun, and was permitted then.
        return
    root = TrustRoot.parse((settings.public_folder / "trust-root.bin").read_bytes())
    with _permitted(settings, root, permit, clocks):
        pass


@contextmanager
def _permitted(
    settings: Settings, root: TrustRoot, permit: Permit, clocks: Clocks | None
) -> Iterator[tuple[Database, Ledger, Closing, bytes]]:
    """Open what may be destroyed; yield database, ledger, closing and the digest of the manifest that was taken."""
    migrations.check(settings.database)
    signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
    with (
        Database(settings.database) as database,
        contextlib.closing(register_of(settings)) as register,
        while_not_served(database),
        Ledger.open(database, register, signer, clocks) as ledger,
    ):
        closing = closing_of(ledger.directory)
        _check_due(ledger, closing)
        _check_document(permit.document, closing)
        yield database, ledger, closing, _check_receipt(ledger, permit, closing, root)


def _erase_all(
    settings: Settings,
    root: TrustRoot,
    proof_file: Path,
    permit: Permit,
    report_progress: Callable[[str], None],
    clocks: Clocks | None,
) -> None:
    """Check that everything may be destroyed, write down what there is, and erase every live record by the log."""
    with _permitted(settings, root, permit, clocks) as (database, ledger, closing, manifest):
        if not settings.destruction_file.exists():
            keys = sorted(_named(path, settings) for path in _key_files(settings))
            plan = _Holdings(closing.place, manifest.hex(), _rows(database), keys)
            write_secret(settings.destruction_file, json.dumps(plan._asdict(), indent=1).encode() + b"\n")
            report_progress("written down what there is to destroy")
        _erase(ledger, report_progress)
        # What is read from here on is the end of the log, whatever another process may still try.
        with database.append() as work:
            head.mark_destroying(work)
            work.commit()
        with ledger.view() as view:
            leaf = view.leaves_at([closing.place])[closing.place]
            path = [hash_.hex() for hash_ in view.inclusion(closing.place)]
            head_leaf, head_path = view.head_leaf.hex(), [hash_.hex() for hash_ in view.head_path]
            checkpoint = view.checkpoint.decode()
        proof = _Proof(leaf.hex(), path, head_leaf, head_path, checkpoint, _rows(database))
    write_secret(proof_file, json.dumps(proof._asdict(), indent=1).encode() + b"\n")
    report_progress("written down that the act is in the log")


def _rows(database: Database) -> dict[str, int]:
    with database.snapshot() as work:
        return {table.name: wholesale.rows_of(work, table) for table in wholesale.DROPPED}


def _check_due(ledger: Ledger, closing: Closing) -> None:
    today = day_of(ledger.clock(), ledger.directory.rulebook.time_zone).isoformat()
    if not is_over(closing, today):
        want = f"a day after {closing.body.open_until}"
        raise RuleError("CLOSING_INVALID", "open_until", "closing.over", got=today, want=want)


def _check_document(document: Path, closing: Closing) -> None:
    with open_regular(document) as file:
        digest = file_digest(file, "sha256").digest()
    if digest != closing.body.approval_digest:
        want = f"{closing.body.approval}, SHA-256 {closing.body.approval_digest.hex()}"
        raise RuleError("CLOSING_INVALID", "approval", "closing.document", got=digest.hex(), want=want)


def _check_receipt(ledger: Ledger, permit: Permit, closing: Closing, root: TrustRoot) -> bytes:
    """Return the digest of the manifest that the successor has signed; empty where no successor is named.

    Raises:
        WindDownError: there is no receipt, or one too many; or the export is from before the end of the last day, or
            members have said or asked something since.
        FormatError: it does not verify, or is for an export that this registry did not sign.
    """
    successor = closing.body.successor
    if (successor is None) is not (permit.receipt is None):
        named = "no successor: give no receipt" if successor is None else f"{successor.registry}: give its receipt"
        raise WindDownError(f"the closing act names {named}")
    if successor is None or permit.receipt is None:
        return b""
    with open_regular(permit.receipt) as file:
        taken = read_hand_over(file.read(MAX_BYTES + 1), successor, root)
    with ledger.view() as view:
        own = (view.directory.state.registry, view.size)
        same = taken.registry == own[0] and closing.place < taken.size <= own[1]
        if not same or view.root_of(taken.size) != taken.root:
            raise WindDownError(
                f"the receipt is for {taken.size} leaves of another log, or from before the closing act"
            )
        _check_nothing_since(view, taken.size, closing)
    return taken.manifest_digest


def _check_nothing_since(view: View, size: int, closing: Closing) -> None:
    """Check that an export of so many leaves holds all that members have said and asked.

    It is of a HEAD that was logged after the last day, when nothing of a member counts any more, and that has a place
    for each inquiry that is kept: destruction, interrupted and gone on with, adds lapses and HEADs and no inquiry.
    """
    again = "export again and get a new receipt"
    newest = parse_leaf(view.leaves_at([size - 1])[size - 1])
    day = day_of(newest.logged_at, view.rulebook.time_zone).isoformat()
    if not isinstance(newest, HeadLeaf) or not is_over(closing, day):
        raise WindDownError(f"the export was made before {closing.body.open_until} was over: {again}")
    kept = inquiries.count(view.work)
    if kept != newest.head.inquiry_count:
        raise WindDownError(f"{kept - newest.head.inquiry_count} inquiries came after the export: {again}")
    for stored in view.leaves(size, view.size):
        if not isinstance(parse_leaf(stored.leaf), HeadLeaf | LapseLeaf):
            raise WindDownError(f"leaf {stored.leaf_index} came after the export: {again}")


def _erase(ledger: Ledger, report_progress: Callable[[str], None]) -> None:
    """Erase all live records, some in a commit."""

    def live() -> list[LapseItem]:
        with ledger.database.snapshot() as work:
            keys = wholesale.live_keys(work, MAX_DUE)
        return [LapseItem(RecordKey(*key), LapseKind.ERASED, CLOSING) for key in keys]

    refused: list[Complaint] = []
    for results in log_lapses(ledger, live):
        refused = [result.complaint for result in results if result.complaint is not None]
        report_progress(f"{len(results) - len(refused)} records erased")
    if left := live():
        raise WindDownError(f"{len(left)} records could not be erased: {refused[0] if refused else 'nobody says why'}")


def _drop(settings: Settings, report_progress: Callable[[str], None]) -> None:
    with Database(settings.database) as database, while_not_served(database):
        for table in wholesale.DROPPED:
            with database.append() as work:
                there = wholesale.is_there(work, table)
                wholesale.drop(work, table)
                work.commit()
            if there:
                report_progress(f"{table.name} dropped")
        if not database.compact(wholesale.LEFT):
            raise WindDownError("another program still reads the database: end it, and run the command again")


def _destroy_keys(plan: _Holdings, settings: Settings, report_progress: Callable[[str], None]) -> dict[str, str]:
    """Destroy every key that can be; return why the others could not, by name.

    A key on a read-only file system, such as a credential of systemd, is the operator's to destroy where it came from.
    """
    left: dict[str, str] = {}
    for name in plan.keys:
        try:
            if destroy_file(settings.home / name):
                report_progress(f"{name} destroyed")
        except FileError as error:
            left[name] = error.strerror or str(error)
            report_progress(str(error))
    return left


def _now(settings: Settings, clocks: Clocks | None) -> int:
    """Return the time of the certificate: not before that of the newest leaf."""
    with Database(settings.database, serving=False) as database, database.snapshot() as work:
        row = head.read(work)
    now = (clocks or SystemClocks()).wall()
    return now if row is None else max(now, row.logged_at)


def _named(path: Path, settings: Settings) -> str:
    return str(path.relative_to(settings.home) if path.is_relative_to(settings.home) else path)


def _key_files(settings: Settings) -> list[Path]:
    """Return every file that is secret, and of no use any more; drafts that a crash has left among them."""
    folders = (settings.authority_folder, settings.tls_folder, settings.home / "founders")
    files = [path for folder in folders for path in folder.glob("*") if path.is_file() and path.suffix != ".lock"]
    key = settings.log_key_file
    return [key, *key.parent.glob(f".{glob.escape(key.name)}.*.new"), *files]
