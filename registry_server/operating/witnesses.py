"""The witnesses of a registry, as its settings name them."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
from registry_server.settings import SettingsError
from registry_server.usecases.witnessing import check_witnesses

if TYPE_CHECKING:
    from registry_server.settings import Settings

__all__ = ["Witnesses", "witnesses_of"]


class Witnesses(NamedTuple):
    """The witnesses of a registry.

    Attributes:
        policy: who they are, and how many must cosign.
        context: of TLS, trusts their certificates.
    """

    policy: WitnessQuorum
    context: ssl.SSLContext


def witnesses_of(settings: Settings) -> Witnesses | None:
    """Return the witnesses of the settings; None where they name none.

    Raises:
        SettingsError: the policy or the file of CAs is missing or damaged, or a witness cannot be reached as it says.
    """
    if not settings.witness_policy:
        return None
    file = settings.home / settings.witness_policy
    try:
        policy = WitnessQuorum.parse(file.read_bytes())
        check_witnesses(policy)
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error
    except FormatError as error:
        raise SettingsError(f"{file}: {error}") from error
    authorities = settings.home / settings.witness_ca if settings.witness_ca else None
    try:
        context = ssl.create_default_context(cafile=None if authorities is None else str(authorities))
    except OSError as error:
        raise SettingsError(f"{authorities} cannot be used: {error.strerror}") from error
    return Witnesses(policy, context)
