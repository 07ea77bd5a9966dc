"""Founding a registry, and certificates of its key services."""

from __future__ import annotations

import json
import shutil
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from client_sdk.clock import clock_ms
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.jurisdiction import CHINA, JURISDICTIONS
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.overlay import Overlay
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.kernel.ledger.key_service_file import KeyServiceFile
from client_sdk.kernel.rules.errors import RuleError
from registry_server.certificates.authority import CertificateAuthority
from registry_server.logs import log_to_standard_error
from registry_server.operating.register import register_of
from registry_server.serving.files import read_whole, take_folder, write_secret
from registry_server.serving.next_steps import next_step
from registry_server.settings import (
    SETTINGS_FILE,
    Settings,
    SettingsError,
    check_settings,
    load_settings,
    settings_toml,
)
from registry_server.usecases import founding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from registry_server.settings import Value
    from registry_server.usecases.founding import Founded

__all__ = ["certify_key_service", "draft_registry", "finish_registry", "log_warnings", "public_log_key"]

Parsed = TypeVar("Parsed")
_RULEBOOKS = "name one that ships, or a file as docs/rulebook.md describes it."


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
        RuleError: administrators, threshold or keys are not in order.
        SettingsError: a setting or a file is not in order, or there is a registry in the folder already.
        StorageError: the database cannot be reached; as after every other error, nothing stays in the folder.
    """
    _check_unused(home)
    check_settings(home, values)
    enrolments = _parsed("--administrator", administrators, EnrolmentFile.parse, lambda file: file.enrolment.id)
    services = _parsed("--key-service", key_services, KeyServiceFile.parse, lambda file: file.name)
    limits = Rulebook.shipped(rulebook) if rulebook in JURISDICTIONS else _read_rulebook(Path(rulebook))
    with _made_whole(home):
        take_folder(home)
        write_secret(home / SETTINGS_FILE, settings_toml(values).encode())
        settings = load_settings(home)
        founders = founding.Founders(settings.registry, settings.log_origin, enrolments, threshold, services, limits)
        founding.draft(_folder(settings), founders, clock_ms())
    return settings.genesis_file


def _check_unused(home: Path) -> None:
    file = home / SETTINGS_FILE
    if not file.exists():
        return
    if (home / "public" / "trust-root.bin").exists():
        raise SettingsError(f"{file} is there already: the folder holds a registry", "name a new folder by --home.")
    raise SettingsError(
        f"{file} is there already: the folder holds a registry whose genesis act is not logged yet",
        f"let its administrators approve {home / 'genesis.act'}, and run init with --finish; or, where something in it "
        f"is wrong, delete the folder {home} and begin again.",
    )


def _parsed(
    option: str, paths: Sequence[Path], parse: Callable[[bytes], Parsed], name: Callable[[Parsed], str]
) -> tuple[Parsed, ...]:
    """Return what the files of an option hold, each of another name."""
    found: dict[str, tuple[Path, Parsed]] = {}
    for path in paths:
        try:
            content = parse(read_whole(path))
        except (FormatError, RuleError) as error:
            raise SettingsError(f"{option} {path}: {error}", next_step(error)) from error
        earlier, _ = found.setdefault(name(content), (path, content))
        if earlier is not path:
            hint = f"give {option} once for each of them, with the file of that one."
            raise SettingsError(f"{option} {path}: of {name(content)}, as {earlier} is", hint)
    return tuple(content for _, content in found.values())


@contextmanager
def _made_whole(home: Path) -> Iterator[None]:
    """Where a registry's folder cannot be made whole, remove what was made in it: the same command then runs again."""
    there, before = home.exists(), set(home.glob("*"))
    try:
        yield
    except BaseException:
        for path in set(home.glob("*")) - before:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        if not there and home.exists():
            home.rmdir()
        raise


def _read_rulebook(path: Path) -> Rulebook:
    try:
        given = json.loads(read_whole(path))
        if isinstance(given, dict) and "overlays" in given:
            given = {**given, "overlays": tuple(map(Overlay.from_dict, given["overlays"]))}
        rulebook = replace(Rulebook.shipped(given.get("jurisdiction", CHINA)), **given)
        return Rulebook.of(rulebook.message())
    except OSError as error:
        names = ", ".join(JURISDICTIONS)
        raise SettingsError(
            f"--rulebook {path}: neither a rulebook that ships ({names}) nor a file: {error.strerror}", _RULEBOOKS
        ) from None
    except RecursionError:
        raise SettingsError(
            f"--rulebook {path}: a JSON object of limits of the rulebook, nested too deeply", _RULEBOOKS
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"--rulebook {path}: a JSON object of limits of the rulebook, {error}", _RULEBOOKS
        ) from None


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
        return founding.finish(_folder(settings), register, clock_ms())


def public_log_key(settings: Settings) -> str:
    """Return the public key of the log as hexadecimal digits, from its private key.

    Raises:
        SettingsError: there is no such key, or it cannot be read.
    """
    try:
        signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
    except (OSError, FormatError) as error:
        text = f"{settings.log_key_file}: no key of a log"
        raise SettingsError(text, "name the folder of a registry, whole, by --home.") from error
    return signer.public_key.raw.hex()


def certify_key_service(settings: Settings, file: Path) -> Path:
    """Write the certificate of a key service, a new one or for another year; return its file.

    Raises:
        SettingsError: the file is not in order.
        RegistryError: its request asks for more than its address.
    """
    (service,) = _parsed("FILE", [file], KeyServiceFile.parse, lambda found: found.name)
    authority = CertificateAuthority.load(settings.authority_folder)
    certificates = settings.public_folder / "certificates"
    return founding.certify_key_service(service, authority, certificates, clock_ms())


def _folder(settings: Settings) -> founding.RegistryFolder:
    return founding.RegistryFolder(
        settings.home,
        settings.database,
        settings.log_key_file,
        settings.authority_folder,
        settings.genesis_file,
        settings.public_folder,
    )
