"""Things to compare over the telephone before a genesis is signed: who reads out which key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.desk.member_words import usage_text
from client_sdk.subject_report.facts import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.acts import ActFile, GenesisBody
    from client_sdk.desk.texts import Say

__all__ = ["LOG_KEY", "SERVICE_KEY", "Compared", "compared_of", "grouped", "signers_of"]

_GROUP = 4
# What operators run on their own machines.
LOG_KEY = "registry-server log-key --home FOLDER"
SERVICE_KEY = "subject-key-service status --home FOLDER"


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing to compare.

    Attributes:
        whom: to call.
        what: they read out, from their own machine.
        value: that it must be.
        command: with which they show it; empty where their desk does.
    """

    whom: str
    what: str
    value: str
    command: str = ""


def grouped(digits: str) -> str:
    """Return digits in groups of four, as people read them out."""
    return " ".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def compared_of(body: GenesisBody, own: str, say: Say) -> tuple[Compared, ...]:
    """Return what the administrator ``own`` compares; its own key is compared by the desk."""
    return tuple(_compared(body, own, say))


def _compared(body: GenesisBody, own: str, say: Say) -> Iterator[Compared]:
    for item in body.administrators:
        if item.id == own:
            continue
        for grant in item.keys:
            what = say("its key ({usage})", usage=usage_text(grant.usage.name, say))
            yield Compared(f"{item.id} ({visible(item.name)})", what, grouped(grant.key_id.hex()))
    for key in body.log_keys:
        yield Compared(
            say("the operator of the registry"), say("the key of the log"), grouped(key.public_key.hex()), LOG_KEY
        )
    for service in body.key_services.services:
        whom = say("the operator of {service}", service=service.name)
        yield Compared(whom, say("its public key"), grouped(service.public_key.hex()), SERVICE_KEY)


def signers_of(file: ActFile, body: GenesisBody) -> tuple[str, ...]:
    """Return the ids of the administrators whose keys have signed a file."""
    owners = {grant.key_id: item.id for item in body.administrators for grant in item.keys}
    return tuple(owners.get(given.key_id, given.key_id.hex()) for given in file.approvals)
