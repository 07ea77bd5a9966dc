"""The witnesses of a registry, as its settings name them."""

from __future__ import annotations

import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.replay_quorum import read_witnesses
from client_sdk.kernel.formats.witness_quorum import MAX_LINES
from client_sdk.kernel.formats.witness_request import witness_request
from registry_server.serving.files import read_whole
from registry_server.settings import SettingsError
from registry_server.usecases.witnessing import UnansweredError, check_witnesses, cosigned_size, post_checkpoint

if TYPE_CHECKING:
    from client_sdk.kernel.formats.witness_quorum import QuorumWitness, WitnessQuorum
    from registry_server.settings import Settings

__all__ = ["WitnessSize", "Witnesses", "ask_witnesses", "witnesses_of"]

_OTHER_TREE = "another tree of this size"


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
        policy = read_witnesses(read_whole(file))
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


class WitnessSize(NamedTuple):
    """What a witness has cosigned of the log.

    Attributes:
        name: of the witness.
        size: leaves of the newest tree that it has cosigned, as far as is known; 0 where nothing is.
        problem: why it did not say; empty where it did.
    """

    name: str
    size: int
    problem: str = ""


def ask_witnesses(settings: Settings, size: int, checkpoint: bytes) -> tuple[WitnessSize, ...]:
    """Ask the configured witnesses how much of the log they have cosigned, by offering them a checkpoint of it.

    Args:
        settings: of the registry.
        size: of the checkpoint.
        checkpoint: the signed note.

    Raises:
        SettingsError: the policy is damaged.
    """
    witnesses = witnesses_of(settings)
    if witnesses is None:
        return ()
    asked = [witness for witness in witnesses.policy.witnesses if witness.url]
    # All at once: each that is dead takes all the time that an answer may.
    with ThreadPoolExecutor(MAX_LINES, "witness") as threads:
        return tuple(threads.map(partial(_size_of, witnesses.context, size, checkpoint), asked))


def _size_of(context: ssl.SSLContext, size: int, checkpoint: bytes, witness: QuorumWitness) -> WitnessSize:
    try:
        status, body = post_checkpoint(witness.url, context, witness_request(size, (), checkpoint))
        if status == HTTPStatus.OK:
            return WitnessSize(witness.name, size)
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            # From this size to this size nothing is to be proved: the roots differ.
            return WitnessSize(witness.name, size, _OTHER_TREE)
        if status == HTTPStatus.CONFLICT:
            seen = cosigned_size(body)
            # So it was told by the protocol's first drafts.
            return WitnessSize(witness.name, seen, _OTHER_TREE if seen == size else "")
        return WitnessSize(witness.name, 0, f"status {status}")
    except (UnansweredError, OSError, HTTPException) as error:
        return WitnessSize(witness.name, 0, str(error) if isinstance(error, UnansweredError) else type(error).__name__)
