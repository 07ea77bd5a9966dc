"""What the test of ten years keeps beside the registry: papers that were handed out, and all that was ever stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from client_sdk.kernel.formats.statement import RecordKey
from tests.support.held import Piece, columns_of, write_out
from tests.support.needles import Needles
from tests.support.set_clock import KEY_SERVICES, LOG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from client_sdk import Client
    from client_sdk.models import ErasureProof, Identity, Receipt
    from tests.support.set_clock import SetClockRegistry

__all__ = ["Decade", "Kept"]

_COLUMNS = "issuer, record_id, subject, opening, debt_ref, disclosure, text_disclosure"
_STRIDE = 16


class Kept(NamedTuple):
    """What is kept of a live record beside the log, at one moment.

    Attributes:
        subject: pseudonym.
        opening: of the commitment to it.
        debt_ref: pseudonym of the debt.
        disclosure: sealed facts.
        statement: the person's sealed words; empty for none.
    """

    subject: bytes
    opening: bytes
    debt_ref: bytes
    disclosure: bytes
    statement: bytes


class Decade:
    """A registry over the years.

    Args:
        registry: its clock is the test's.
        database_url: of the registry.

    Attributes:
        receipts: of what was reported.
        evidence: files of answers.
        erasures: proofs, and whom each is about.
        stored: everything that was kept of a record at any time that was noted.
    """

    def __init__(self, registry: SetClockRegistry, database_url: str) -> None:
        self.registry = registry
        self.database_url = database_url
        self.receipts: list[Receipt] = []
        self.evidence: list[bytes] = []
        self.erasures: list[tuple[bytes, Identity]] = []
        self.stored: dict[RecordKey, set[Kept]] = {}

    @property
    def today(self) -> date:
        """What day it is."""
        return self.registry.today

    def client(self, institution: str) -> Client:
        """The client of a member."""
        return self.registry.client(institution)

    def keep(self, receipt: Receipt) -> Receipt:
        """Keep a receipt, and note what is kept of its record."""
        self.remember()
        self.receipts.append(receipt)
        return receipt

    def keep_erasure(self, proof: ErasureProof, about: Identity) -> None:
        """Keep a proof of erasure, and whom it is about."""
        self.erasures.append((proof.file, about))

    def remember(self) -> None:
        """Note what the registry keeps of every live record now."""
        for key, kept in self.live().items():
            self.stored.setdefault(key, set()).add(kept)

    def live(self) -> dict[RecordKey, Kept]:
        """What is kept of every live record."""
        engine = create_engine(self.database_url, poolclass=NullPool)
        with engine.connect() as connection:
            rows = connection.execute(text(f"SELECT {_COLUMNS} FROM live_records"))  # noqa: S608 - our own schema
            found = {RecordKey(row[0], bytes(row[1])): Kept(*(bytes(value) for value in row[2:])) for row in rows}
        engine.dispose()
        return found

    def forgotten(self) -> Needles:
        """What nothing may hold any more: what was ever kept of records that are not live, and is kept of no other."""
        stays = {value for kept in self.live().values() for value in kept} | self._asked()
        needles = Needles()
        for key, versions in self.stored.items():
            for version, kept in enumerate(versions):
                for name, value in kept._asdict().items():
                    if value and value not in stays:
                        _add(needles, f"{name} {version} of {key.issuer} {key.record_id.hex()}", value)
        return needles

    def _asked(self) -> set[bytes]:
        """Pseudonyms in inquiries that are still kept."""
        engine = create_engine(self.database_url, poolclass=NullPool)
        with engine.connect() as connection:
            found = {bytes(row[0]) for row in connection.execute(text("SELECT subject FROM inquired_persons"))}
        engine.dispose()
        return found

    def kept(self) -> Needles:
        """What must be found, if the search is worth anything: openings of the live records."""
        needles = Needles()
        for key, kept in self.live().items():
            needles.add(f"{key.issuer} {key.record_id.hex()}", kept.opening)
        return needles

    def pieces(self) -> Iterator[Piece]:
        """Yield everything that the registry and its key services hold: unpacked columns, and files."""
        folder = self.registry.folder
        services = [folder / name for name in KEY_SERVICES]
        for url in (self.database_url, *(f"sqlite:///{path}" for home in services for path in home.rglob("*.sqlite"))):
            yield from columns_of(url)
        homes = [path for home in (folder / "registry", *services) for path in home.rglob("*")]
        yield from self._database_files()
        for path in (folder / LOG, *homes):
            if path.is_file():
                yield Piece(str(path), path.read_bytes())

    def _database_files(self) -> Iterator[Piece]:
        """Yield SQLite's files with the write-ahead log, or those of all PostgreSQL relations, by relation.

        PostgreSQL's catalogue is vacuumed as it does by itself every day: it samples values of the tables.
        """
        url = make_url(self.database_url)
        if url.get_backend_name() == "sqlite":
            path = Path(str(url.database))
            for file in path.parent.glob(f"{path.name}*"):
                if file.is_file():
                    yield Piece(str(file), file.read_bytes())
            return
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("VACUUM FULL pg_statistic"))
            write_out(self.database_url)
            data = Path(connection.execute(text("SHOW data_directory")).scalar_one())
            relations = "SELECT relname, pg_relation_filepath(oid) FROM pg_class"
            for name, path in connection.execute(text(relations)):
                for file in [] if path is None else (data / path).parent.glob(f"{Path(path).name}*"):
                    yield Piece(f"{name}: {file}", file.read_bytes())
        engine.dispose()


def _add(needles: Needles, name: str, value: bytes) -> None:
    if len(value) > 2 * _STRIDE:
        needles.add_slices(name, value, stride=_STRIDE)
    else:
        needles.add(name, value)
