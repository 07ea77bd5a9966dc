"""The operator's tasks other than serving: founding, tables, fsck, register, clock, key service certificates."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from registry_server.app import register_of
from registry_server.certificates.authority import CertificateAuthority
from registry_server.errors import entry_of
from registry_server.sequencing.clock import MAX_STEP_MS, SystemClocks, system_clock
from registry_server.sequencing.errors import (
    ClockError,
    InconsistentError,
    LogAheadError,
    NotFoundedError,
    RegisterMismatchError,
)
from registry_server.serving.files import take_folder, write_secret
from registry_server.settings import (
    SETTINGS_FILE,
    Settings,
    SettingsError,
    load_settings,
    settings_toml,
)
from registry_server.storage import head, migrations
from registry_server.storage.errors import StorageError
from registry_server.storage.unit_of_work import Database
from registry_server.usecases import founding
from registry_server.usecases.failures import complaint_of
from registry_server.usecases.fsck.check import FsckReport, fsck
from registry_server.usecases.register import RegisterState, compare_register, reset_register

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from registry_server.sequencing.clock import Clocks
    from registry_server.settings import Value
    from registry_server.usecases.founding import Founded

__all__ = [
    "FsckReport",
    "OperatorError",
    "RegisterMismatchError",
    "RegisterState",
    "certify_key_service",
    "confirm_clock",
    "current_tables",
    "draft_registry",
    "explain",
    "finish_registry",
    "migrate",
    "put_register",
    "run_fsck",
    "show_register",
]

# What stops a program of the operator, told in one line: the database, the clock, files, what is stored.
OperatorError = (StorageError, InconsistentError, NotFoundedError, ClockError, OSError, RuntimeError)


def explain(error: BaseException) -> str:
    """Return what an error without a text of its own means, in the catalogue's words."""
    if isinstance(error, NotFoundedError):
        return "there is no genesis yet: let genesis.act be approved, then run init --finish"
    return entry_of(complaint_of(error).reason).text


def draft_registry(
    home: Path,
    values: Mapping[str, Value],
    administrators: Sequence[Path],
    key_services: Sequence[Path],
    threshold: int,
    rulebook: Path | None = None,
) -> Path:
    """Make a registry's folder, and return the genesis act that its administrators must approve.

    Args:
        home: of the registry; is made.
        values: settings, ``registry`` at least.
        administrators: their enrolment files.
        key_services: their files, in the order in which their outputs are joined.
        threshold: how many administrators must sign an act.
        rulebook: JSON object of limits that differ from their defaults.

    Raises:
        FormatError: a file is not in order.
        RuleError: administrators, threshold or keys are not in order.
        SettingsError: a setting is not in order, or there is a registry in the folder already.
        StorageError: the database cannot be reached.
    """
    file = home / SETTINGS_FILE
    if file.exists():
        raise SettingsError(f"{file} is there already: the folder holds a registry")
    enrolments = tuple(EnrolmentFile.parse(path.read_bytes()) for path in administrators)
    services = tuple(KeyServiceFile.parse(path.read_bytes()) for path in key_services)
    limits = Rulebook() if rulebook is None else _read_rulebook(rulebook)
    take_folder(home)
    write_secret(file, settings_toml(values).encode())
    try:
        settings = load_settings(home)
        founders = founding.Founders(settings.registry, settings.log_origin, enrolments, threshold, services, limits)
        founding.draft(_folder(settings), founders, system_clock())
    except BaseException:
        file.unlink()
        raise
    return settings.genesis_file


def _read_rulebook(path: Path) -> Rulebook:
    try:
        given = json.loads(path.read_bytes())
        rulebook = Rulebook(**given)
        return Rulebook.of(rulebook.message())
    except RecursionError:
        raise SettingsError(f"{path}: a JSON object of limits of the rulebook, nested too deeply") from None
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{path}: a JSON object of limits of the rulebook, {error}") from None


def finish_registry(settings: Settings) -> Founded:
    """Log the genesis act once it is approved, and write what is handed out.

    Raises:
        FormatError: the act file is not in order.
        RuleError: ACT_THRESHOLD, ACT_SIGNATURE, or another act is leaf 0.
        OSError: a file cannot be read or written.
        InconsistentError: database and checkpoint register do not belong together.
        StorageError: the database failed, or is served.
    """
    with closing(register_of(settings)) as register:
        return founding.finish(_folder(settings), register, system_clock())


def certify_key_service(settings: Settings, file: Path) -> Path:
    """Write the certificate of a key service, a new one or for another year; return its file.

    Raises:
        FormatError: the file is not in order.
        RegistryError: its request asks for more than its address.
    """
    authority = CertificateAuthority.load(settings.authority_folder)
    certificates = settings.public_folder / "certificates"
    return founding.certify_key_service(
        KeyServiceFile.parse(file.read_bytes()), authority, certificates, system_clock()
    )


def _folder(settings: Settings) -> founding.Folder:
    return founding.Folder(
        settings.home,
        settings.database,
        settings.log_key_file,
        settings.authority_folder,
        settings.genesis_file,
        settings.public_folder,
    )


def migrate(settings: Settings) -> str:
    """Bring the database to the tables of this program; return their version.

    Raises:
        StorageError: it cannot be reached or is in use.
    """
    migrations.upgrade(settings.database)
    return migrations.current(settings.database)


def current_tables(settings: Settings) -> tuple[str, str]:
    """Return the version of the database's tables, and the one that this program needs.

    Raises:
        StorageError: it cannot be reached.
    """
    return migrations.current(settings.database), migrations.newest()


def run_fsck(settings: Settings) -> FsckReport:
    """Recompute everything that is stored from the leaves alone; a server may be running.

    Raises:
        StorageError: the database failed.
    """
    migrations.check(settings.database)
    with Database(settings.database, serving=False) as database, closing(register_of(settings)) as register:
        return fsck(database, register)


def show_register(settings: Settings) -> RegisterState:
    """Return what the checkpoint register holds, and what the database does; a server may be running.

    Raises:
        NotFoundedError: there is no genesis yet.
        StorageError: the database failed.
    """
    migrations.check(settings.database)
    with Database(settings.database, serving=False) as database, closing(register_of(settings)) as register:
        return compare_register(database, register)


def put_register(settings: Settings, confirmed: str) -> RegisterState:
    """Let the checkpoint register hold what the database does, because an operator has confirmed exactly that.

    Args:
        settings: of the registry; no server of it runs.
        confirmed: the confirmation that ``show_register`` names.

    Raises:
        NotFoundedError: there is no genesis yet.
        InconsistentError: what is stored does not fit together.
        SettingsError: something else was confirmed; nothing was changed.
        StorageError: the database is served, or failed, or the register cannot be written.
    """
    migrations.check(settings.database)
    with Database(settings.database) as database, closing(register_of(settings)) as register:
        state = compare_register(database, register)
        if confirmed != state.confirmation:
            raise SettingsError(f"nothing was changed: --confirm must be exactly {state.confirmation}")
        signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
        reset_register(database, register, signer)
        return compare_register(database, register)


def confirm_clock(settings: Settings, clocks: Clocks | None = None) -> int:
    """Keep that an operator confirms what the clock shows now; return it, ms. A server may be running.

    Raises:
        LogAheadError: the newest leaf lies in the future, which confirming the clock does not mend; it is confirmed.
        NotFoundedError: there is no genesis yet.
        StorageError: the database failed.
    """
    now = (clocks or SystemClocks()).wall()
    with Database(settings.database, serving=False) as database, database.append() as work:
        row = head.lock(work)
        if row is None:
            raise NotFoundedError
        head.confirm_clock(work, now)
        work.commit()
    if row.logged_at - now > MAX_STEP_MS:
        raise LogAheadError(row.logged_at - now)
    return now
