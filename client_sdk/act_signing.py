"""Signing an act in a file, with the key of a member's home: the genesis, and acts for people without access.

signed = sign_act_file(ClientConfig.from_home("admin-2"), ActFile.parse(data))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.act import AdministratorsBody, GenesisBody
from client_sdk.kernel.formats.words import KeyUsage

if TYPE_CHECKING:
    from client_sdk.config import ClientConfig
    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.formats.keys import PublicKey
    from client_sdk.kernel.ledger.act_file import ActFile

__all__ = ["check_signable", "sign_act_file"]


def check_signable(config: ClientConfig, file: ActFile) -> None:
    """Check that a signature of this home would count for an act: it is of its registry, and holds its own key.

    Raises:
        ConfigError: it would count for nothing, or the key cannot be opened.
        FormatError: the file holds no canonical act.
    """
    act = file.act
    if act.registry != config.name:
        raise ConfigError(f"the act is of the registry {act.registry}, and this home belongs to {config.name}")
    _check_enrolled(act.body, config.signer(KeyUsage.ADMINISTER).public_key, config.institution)


def sign_act_file(config: ClientConfig, file: ActFile) -> ActFile:
    """Return the file with the signature of the ADMINISTER key of a home; errors as ``check_signable``."""
    check_signable(config, file)
    return file.approve(config.signer(KeyUsage.ADMINISTER))


def _check_enrolled(body: Body, key: PublicKey, institution: str) -> None:
    """Check that a genesis or a change of administrators that names the member holds its own key."""
    if isinstance(body, GenesisBody):
        enrolments = body.administrators
    elif isinstance(body, AdministratorsBody) and any(enrolment.id == institution for enrolment in body.enrolments):
        enrolments = body.enrolments
    else:
        return
    if all(grant.key_id != key.key_id for enrolment in enrolments for grant in enrolment.keys):
        raise ConfigError(f"the act does not enrol the ADMINISTER key of {institution}: it was made from another file")
