"""Export of a registry that closes: a copy of its database that verifies by itself, with a manifest.

    DIR/registry.sqlite.unfinished     while it is written; an interrupted export goes on with it
    DIR/registry.sqlite                leaves, hashes, records, bindings, sealed facts and texts, inquiries, notices
    DIR/trust-root.bin                 what it is verified from
    DIR/manifest.json                  registry, fingerprint, size, root, tables with their version, SHA-256 of the copy
    DIR/export.bin                     last: the log's key signs the manifest, and so everything that it names
    DIR/registry.sqlite.migrated       while an export of older tables is verified, which reads them through the
                                       migrations of this program; what was signed stays as it is

Nothing in it is readable that was not so in the database: facts are sealed to the person, and pseudonyms lead to
nobody without the key services.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from hashlib import file_digest, sha256
from shutil import copyfile
from typing import TYPE_CHECKING, Self

from sqlalchemy import make_url, table

from client_sdk._state_file import StateFile
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.ledger.closing import is_over
from client_sdk.kernel.ledger.export_file import SignedExport, export_file, read_export
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.dates import day_of
from registry_server.operating.register import register_of
from registry_server.operating.wind_down import WindDownError, closing_of, no_progress, while_not_served
from registry_server.sequencing.clock import SystemClocks
from registry_server.sequencing.ledger import Ledger
from registry_server.sequencing.map_building import fill_map
from registry_server.sequencing.recover import recover
from registry_server.serving.files import check_private, take_folder, write_secret
from registry_server.storage import head, inquiries, leaves, migrations, wholesale
from registry_server.storage.sqlite_file import SqliteFile
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.fsck.report import LOST_FOR_GOOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from client_sdk.kernel.ledger.closing import Closing
    from registry_server.sequencing.clock import Clocks
    from registry_server.sequencing.state import State
    from registry_server.settings import Settings
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["Manifest", "VerifiedExport", "export", "verify_export"]

_FORM = "creditregistry/export/v1"
_COPY, _DRAFT, _ROOT, _MANIFEST = "registry.sqlite", "registry.sqlite.unfinished", "trust-root.bin", "manifest.json"
_SIGNATURE, _MIGRATED = "export.bin", "registry.sqlite.migrated"
# What SQLite and the lock of a database put beside a copy.
_SUFFIXES = ("-wal", "-shm", "-journal", ".lock")
_BESIDE = tuple(f"{name}{suffix}" for name in (_COPY, _DRAFT, _MIGRATED) for suffix in _SUFFIXES)
# A manifest takes some two kilobytes.
_MAX_MANIFEST = 64 * 1024
# A trust root holds a genesis leaf of 64 KiB at most, and the keys in it once more.
_MAX_ROOT = 256 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """Content of an export.

    Attributes:
        form: of the export.
        registry: its name.
        fingerprint: of its trust root, in hexadecimal.
        size: leaves.
        root: of these leaves, in hexadecimal.
        closing_act: index of the newest closing act.
        tables: version of the copy's tables.
        rows: of each table.
        sha256: of the copy, in hexadecimal.
    """

    form: str
    registry: str
    fingerprint: str
    size: int
    root: str
    closing_act: int
    tables: str
    rows: dict[str, int]
    sha256: str

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the manifest of a file.

        Raises:
            WindDownError: it is none, or not written as exports write it.
        """
        try:
            manifest = cls(**json.loads(data))
            same = manifest.encode() == data
        except (ValueError, TypeError, RecursionError):
            raise WindDownError(f"{_MANIFEST} is not a manifest of {_FORM}") from None
        if not same or manifest.form != _FORM:
            raise WindDownError(f"{_MANIFEST} is not a manifest of {_FORM}")
        return manifest


@dataclass(frozen=True, slots=True)
class VerifiedExport:
    """An export that verifies.

    Attributes:
        manifest: its content.
        digest: SHA-256 of the manifest, 32 bytes: names the export.
        signature: file by which the registry has signed it.
        trust_root: of the registry that was exported.
        closing: how its administrators have closed it.
    """

    manifest: Manifest
    digest: bytes
    signature: bytes
    trust_root: TrustRoot
    closing: Closing


def export(
    settings: Settings, folder: Path, report_progress: Callable[[str], None] = no_progress, clocks: Clocks | None = None
) -> VerifiedExport:
    """Write the export of a registry that closes, or finish one that was interrupted; verify it.

    Args:
        settings: of the registry; no server of it runs.
        folder: of the export; is made. One that is finished is verified again, and nothing is written.
        report_progress: called after each step.
        clocks: of the log; this machine's where none are given.

    Raises:
        RuleError: no act has closed the registry.
        WindDownError: the folder holds something else, or the log has grown since the export was begun.
        ClockError: what time it is is not known.
        StorageError: a database is served, or failed.
        OSError: a file cannot be written.
    """
    _check_folder(folder)
    if (folder / _SIGNATURE).exists():
        return verify_export(folder)
    migrations.check(settings.database)
    signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
    with (
        Database(settings.database) as source,
        contextlib.closing(register_of(settings)) as register,
        while_not_served(source),
    ):
        # Publishes the newest commit, where a crash has left it unsigned.
        with Ledger.open(source, register, signer, clocks) as ledger:
            closing = closing_of(ledger.directory)
            _settle(ledger, closing)
            _remark_if_open(ledger, closing, report_progress)
        if not (folder / _COPY).exists():
            _make_copy(source, folder, report_progress)
        _check_same(source, folder / _COPY)
        _sign(folder, signer, (clocks or SystemClocks()).wall(), report_progress)
    return _verified(folder)


def _sign(folder: Path, signer: Ed25519Signer, now: int, report_progress: Callable[[str], None]) -> None:
    """Write trust root and manifest beside a copy that is whole, and last the signature over them."""
    copy = folder / _COPY
    state, root = _state_of(copy), _trust_root(copy)
    closing = closing_of(state.directory)
    held = (root.registry, root.fingerprint, state.size, state.root.hex(), closing.place)
    manifest = Manifest(_FORM, *held, migrations.current(_url(copy)), _rows(copy), _sha256(copy)).encode()
    for name, data in ((_ROOT, root.encode()), (_MANIFEST, manifest)):
        path = folder / name
        if not path.exists():
            write_secret(path, data)
            report_progress(f"{name} written")
        if path.read_bytes() != data:
            raise WindDownError(f"{path} does not belong to {copy}: name a new folder")
    digest, then = sha256(manifest).digest(), max(now, state.logged_at)
    said = SignedExport(root.registry, root.genesis, state.size, state.root, digest, then)
    write_secret(folder / _SIGNATURE, export_file(said, signer))
    report_progress(f"{_SIGNATURE} written")


def verify_export(folder: Path) -> VerifiedExport:
    """Verify an export offline: its signature, the copy as ``fsck`` does, and that all is of one trust root.

    Compare the fingerprint of the manifest over another channel.

    Raises:
        WindDownError: something is missing, was changed, or does not belong together.
        FormatError: its registry's log did not sign it.
        StorageError: the copy cannot be read.
        OSError: a file cannot be read, or others can read it.
    """
    return _verified(folder, _check_clean)


def _verified(folder: Path, examine: Callable[[Path], None] | None = None) -> VerifiedExport:
    """Verify an export; ``examine`` looks into a copy whose bytes are those that were signed."""
    if not folder.is_dir():
        raise WindDownError(f"{folder} is not there, or no folder: name the one that `wind-down export` wrote")
    for name in (_COPY, _ROOT, _MANIFEST, _SIGNATURE):
        if not (folder / name).is_file():
            raise WindDownError(f"{folder / name} is not there: the export is not finished")
        check_private(folder / name)
    with (folder / _MANIFEST).open("rb") as file:
        manifest = Manifest.parse(file.read(_MAX_MANIFEST))
    with (folder / _ROOT).open("rb") as file:
        root = TrustRoot.parse(file.read(_MAX_ROOT))
    with (folder / _SIGNATURE).open("rb") as file:
        signature = file.read(_MAX_MANIFEST)
    digest = sha256(manifest.encode()).digest()
    signed = read_export(signature, root)
    if (signed.manifest_digest, signed.size, signed.root.hex()) != (digest, manifest.size, manifest.root):
        raise WindDownError(f"{folder / _MANIFEST} is not the manifest that {root.registry} signed")
    # Before SQLite opens it.
    if _sha256(folder / _COPY) != manifest.sha256:
        raise WindDownError(f"{folder / _COPY} is not the file that the manifest names")
    with _of_newest_tables(folder, manifest.tables) as copy:
        if examine is not None:
            examine(copy)
        closing = _check_together(folder, copy, manifest, root)
    return VerifiedExport(manifest, digest, signature, root, closing)


@contextlib.contextmanager
def _of_newest_tables(folder: Path, tables: str) -> Iterator[Path]:
    """Yield a copy with the tables of this program: that of the export, or one made of it, which is removed again.

    Args:
        folder: of the export.
        tables: version of its tables.

    Raises:
        WindDownError: the copy has another version, or one that no migration of this program leads from.
    """
    copy, migrated = folder / _COPY, folder / _MIGRATED
    if migrations.current(_url(copy)) != tables:
        raise WindDownError(f"{copy} has other tables than those of version {tables}, which the manifest names")
    if tables == migrations.newest():
        yield copy
        return
    if not migrations.leads_to_newest(tables):
        raise WindDownError(
            f"{copy} has tables of version {tables}, which this registry-server does not know: verify it with the one "
            "that wrote it, or with a newer one"
        )
    _remove(migrated)
    try:
        migrated.touch(mode=0o600)
        copyfile(copy, migrated)
        migrations.upgrade(_url(migrated))
        with Database(_url(migrated), serving=False) as made:
            fill_map(made)
        yield migrated
    finally:
        _remove(migrated)


def _remove(copy: Path) -> None:
    for suffix in ("", *_SUFFIXES):
        copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def _check_together(folder: Path, copy: Path, manifest: Manifest, root: TrustRoot) -> Closing:
    state, own = _state_of(copy), _trust_root(copy)
    closing = closing_of(state.directory)
    held = (own.registry, own.fingerprint, state.size, state.root.hex(), closing.place)
    said = (manifest.registry, manifest.fingerprint, manifest.size, manifest.root, manifest.closing_act)
    # A migration may move rows: those of the export itself are counted, in the tables that it had.
    names = None if copy == folder / _COPY else list(manifest.rows)
    if held != said or root != own or _rows(folder / _COPY, names) != manifest.rows:
        raise WindDownError(f"{folder}: manifest, trust root and copy do not belong together")
    return closing


def _check_folder(folder: Path) -> None:
    """Make the folder of an export, or take one that holds nothing but parts of one."""
    take_folder(folder)
    check_private(folder)
    known = {_COPY, _DRAFT, _MIGRATED, _ROOT, _MANIFEST, _SIGNATURE, *_BESIDE}
    if strange := sorted({path.name for path in folder.iterdir()} - known):
        raise WindDownError(f"{folder} holds {strange[0]}, which is no part of an export: name a new folder")


def _make_copy(source: Database, folder: Path, report_progress: Callable[[str], None]) -> None:
    """Copy the database of a registry that an act has closed, or go on with a copy; name it once it is whole."""
    _copy(source, folder / _DRAFT, report_progress)
    _check_clean(folder / _DRAFT)
    (folder / _DRAFT).rename(folder / _COPY)
    report_progress(f"{_COPY} copied and examined")


def _settle(ledger: Ledger, closing: Closing) -> None:
    """Log HEADs until each inquiry has its place in one, and once the last day is over until one says so.

    So the newest HEAD tells whether anything of a member has come after the export.
    """
    while True:
        today = _legal_day(ledger.clock(), ledger)
        with ledger.view() as view:
            settled = is_over(closing, _legal_day(view.logged_at, ledger)) or not is_over(closing, today)
            if settled and inquiries.count(view.work) == view.head.inquiry_count:
                return
        ledger.heartbeat(at_once=True).result()


def _remark_if_open(ledger: Ledger, closing: Closing, report_progress: Callable[[str], None]) -> None:
    today = _legal_day(ledger.clock(), ledger)
    if not is_over(closing, today):
        last = closing.body.open_until
        report_progress(
            f"remark: it is {today}, and members are served until the end of {last}: destroy takes a later export only"
        )


def _legal_day(moment: int, ledger: Ledger) -> str:
    return day_of(moment, ledger.directory.rulebook.time_zone).isoformat()


def _copy(source: Database, draft: Path, report_progress: Callable[[str], None]) -> None:
    url = _url(draft)
    SqliteFile.make(make_url(url))
    migrations.upgrade(url)
    with Database(url) as copy, source.snapshot() as read:
        _check_unmoved(read, copy, draft)
        for one in wholesale.EXPORTED:
            rows = wholesale.rows_of(read, one)
            with copy.snapshot() as written:
                if wholesale.rows_of(written, one) == rows:
                    continue
            with wholesale.pages(read, one) as pages:
                for page in pages:
                    with copy.append() as work:
                        wholesale.copy_page(work, one, page)
                        work.commit()
                    report_progress(f"{one.name}: {len(page)} of {rows} rows")
        copy.purge(())


def _check_unmoved(read: UnitOfWork, copy: Database, draft: Path) -> None:
    """Check that an export that was begun is of the commit that the registry still has as its newest."""
    with copy.snapshot() as work:
        begun = head.read(work)
    newest = head.read(read)
    if begun is not None and newest is not None and (begun.size, begun.frontier) != (newest.size, newest.frontier):
        raise WindDownError(f"{draft} was begun before the newest commit: remove it, and stop the servers first")


def _check_same(source: Database, path: Path) -> None:
    """Check that a whole copy, perhaps of an earlier run, still holds what the registry holds."""
    with Database(_url(path), serving=False) as copy, source.snapshot() as read:
        _check_unmoved(read, copy, path)
        rows = {one.name: wholesale.rows_of(read, one) for one in wholesale.EXPORTED}
    if differing := [name for name, count in _rows(path).items() if count != rows[name]]:
        raise WindDownError(f"{path} is older than {differing[0]} of the registry: remove it, and export again")


def _check_clean(path: Path) -> None:
    migrations.check(_url(path))
    with Database(_url(path), serving=False) as copy:
        with copy.snapshot() as work:
            if strange := wholesale.strangers(work):
                raise WindDownError(f"{path} holds {strange[0]}, which is no table or index of a registry")
        with StateFile(path.with_name(f"{path.name}.state")) as store:
            report = fsck(copy, store=store)
        copy.purge(())
    if not report.sound:
        wrong = next(found for found in report.findings if found.reason not in LOST_FOR_GOOD)
        raise WindDownError(f"{path}: {wrong}")


def _trust_root(path: Path) -> TrustRoot:
    with Database(_url(path), serving=False) as copy, copy.snapshot() as work:
        return TrustRoot.from_genesis(leaves.leaf_range(work, 0, 1)[0].leaf)


def _state_of(path: Path) -> State:
    with Database(_url(path), serving=False) as copy:
        return recover(copy).state


def _rows(path: Path, names: Sequence[str] | None = None) -> dict[str, int]:
    """Return the rows of each exported table; of those with these names where they are given."""
    wanted = wholesale.EXPORTED if names is None else [table(name) for name in names]
    with Database(_url(path), serving=False) as copy, copy.snapshot() as work:
        return {one.name: wholesale.rows_of(work, one) for one in wanted}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _url(path: Path) -> str:
    return f"sqlite:///{path.absolute()}"
