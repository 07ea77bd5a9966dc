"""Founding a registry, and certificates of its key services."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.jurisdiction import CHINA, JURISDICTIONS
from client_sdk.kernel.formats.overlay import Overlay
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from registry_server.certificates.authority import CertificateAuthority
from registry_server.logs import log_to_standard_error
from registry_server.operating.register import register_of
from registry_server.sequencing.clock import system_clock
from registry_server.serving.files import take_folder, write_secret
from registry_server.settings import SETTINGS_FILE, Settings, SettingsError, load_settings, settings_toml
from registry_server.usecases import founding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from registry_server.settings import Value
    from registry_server.usecases.founding import Founded

__all__ = ["certify_key_service", "draft_registry", "finish_registry", "log_warnings"]


def draft_registry(
    home: Path,
    values: Mapping[str, Value],
    administrators: Sequence[Path],
    key_services: Sequence[Path],
    threshold: int,
    rulebook: str = CHINA,
) -> Path:
    """Make a registry's folder, and return the genesis act that its administrators must approve.

    Args:
        home: of the registry; is made.
        values: settings, ``registry`` at least.
        administrators: their enrolment files.
        key_services: their files, in the order in which their outputs are joined.
        threshold: how many administrators must sign an act.
        rulebook: name of a rulebook that ships, or path of a JSON object of limits that differ from the rulebook of
            the ``jurisdiction`` that it names, else from that of China.

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
    limits = Rulebook.shipped(rulebook) if rulebook in JURISDICTIONS else _read_rulebook(Path(rulebook))
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
        if isinstance(given, dict) and "overlays" in given:
            given = {**given, "overlays": tuple(map(Overlay.from_dict, given["overlays"]))}
        rulebook = replace(Rulebook.shipped(given.get("jurisdiction", CHINA)), **given)
        return Rulebook.of(rulebook.message())
    except OSError as error:
        names = ", ".join(JURISDICTIONS)
        raise SettingsError(f"{path}: neither a rulebook that ships ({names}) nor a file: {error.strerror}") from None
    except RecursionError:
        raise SettingsError(f"{path}: a JSON object of limits of the rulebook, nested too deeply") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path}: a JSON object of limits of the rulebook, {error}") from None


def log_warnings(settings: Settings) -> None:
    """Log warnings alone from now on, to standard error: a command prints its results itself."""
    log_to_standard_error("warning", settings.log_format)


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


def _folder(settings: Settings) -> founding.RegistryFolder:
    return founding.RegistryFolder(
        settings.home,
        settings.database,
        settings.log_key_file,
        settings.authority_folder,
        settings.genesis_file,
        settings.public_folder,
    )
