"""The auditor rebuilds the log, cosigns it, and the next answer says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.invented.parties import ADMINISTRATORS, AUDITOR
from client_sdk.testing.site import REGISTRY
from demo.asking import WrongAnswerError, check

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.models import Identity
    from client_sdk.testing.site import Site
    from demo.console import Narrator
    from demo.shell import Shell

__all__ = ["Rebuilt", "play_rebuilding"]

_POLICY = f"{REGISTRY}/auditors.policy"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the auditor found, and what an answer says of it.

    Attributes:
        findings: of the auditor.
        audited: leaves that it verified.
        shown: leaves that the answer says were rebuilt.
        late: whether the answer says that this was too long ago.
    """

    findings: int = 0
    audited: int = 0
    shown: int = 0
    late: bool = True


def play_rebuilding(site: Site, shell: Shell, tell: Narrator, asker: str, person: Identity, today: date) -> Rebuilt:
    """Name the auditor's key, let it audit and cosign, and ask about somebody who is CLEAR.

    Args:
        site: whose registry and key services run.
        shell: runs commands in it.
        tell: tells people.
        asker: lender that asks.
        person: has no live record.
        today: day of the consent.

    Raises:
        ConfigError: a command failed.
        WrongAnswerError: the answer does not say that the log was rebuilt.
    """
    tell.step(
        "The auditor verifies everything, and reads nothing",
        "Every signature, act, key, chain and root; the map is built again from the log. No name and no fact is seen.",
        "It then signs what it has rebuilt, with a key that the administrators write into the rulebook. So the next",
        "lender that is told CLEAR sees that somebody else made sure that no record was left out, and when.",
    )
    audit = ("credit-registry", "--home", AUDITOR.name, "--json")
    line = json.loads(shell(*audit, "key", "replay"))["line"]
    (site.folder / _POLICY).write_text(f"{line}\nquorum {AUDITOR.name}\n")
    proposer, approver = (("credit-registry", "--home", party.name) for party in ADMINISTRATORS[:2])
    proposed = shell(*proposer, "--json", "act", "propose", "rulebook", "--replay-quorum", _POLICY, "--yes")
    shell(*approver, "act", "approve", json.loads(proposed)["id"], "--yes")
    page = f"{AUDITOR.name}/audit.html"
    report = json.loads(shell(*audit, "audit", "--cosign", "--html", page))
    found = len(report["findings"])
    tell.good(f"{report['size']:,} leaves verified, {found} findings, cosigned; see {page}")
    # Else it knows a rulebook that is up to a minute old.
    shell.quietly("credit-registry", "--home", asker, "status")
    answer, _ = check(site, shell, asker, "rebuilt", person, today)
    seen = answer["replayed"]
    if seen["late"]:
        raise WrongAnswerError(f"{asker} is not told that an auditor has rebuilt the log: {seen}")
    tell.good(f"{answer['verdict']}, and the auditor has rebuilt {seen['size']:,} of the {answer['size']:,} leaves")
    return Rebuilt(found, report["size"], seen["size"], seen["late"])
