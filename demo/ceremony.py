"""Founding a registry and enrolling its members: the commands that people run, each in a folder of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from client_sdk.invented.parties import ADMINISTRATORS, AUDITOR, KEY_SERVICES, OFFICE
from client_sdk.testing.site import REGISTRY, Site, enrolment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from client_sdk.invented.parties import Party
    from client_sdk.testing.site import Command
    from demo.shell import Shell

__all__ = ["enrol", "found", "install_key_services", "make_keys", "make_site"]

_NAME = "demo"
_THRESHOLD = 2
_PUBLIC = f"{REGISTRY}/public"


def make_site(folder: Path) -> Site:
    """Return the site of a new registry in an empty folder."""
    return Site.make(folder, _NAME, KEY_SERVICES)


def make_keys(site: Site, shell: Shell) -> None:
    """Let administrators and key services make their keys."""
    shell.alike([_init(site, party, "ADMINISTRATOR") for party in ADMINISTRATORS])
    shell.alike([site.init_key_service(name) for name in site.key_services])


def found(site: Site, shell: Shell) -> str:
    """Write the genesis act, have it approved, log it; return the fingerprint that people compare."""
    shell(*site.init_registry([party.name for party in ADMINISTRATORS], _THRESHOLD))
    for party in ADMINISTRATORS[:_THRESHOLD]:
        shell(*_home(party, "act", "approve", f"{REGISTRY}/genesis.act", "--yes"))
    fingerprint = shell(*site.finish_registry()).split()[-1]
    ca, root = ("--ca", f"{_PUBLIC}/ca.pem"), (f"{_PUBLIC}/trust-root.bin", "--fingerprint", fingerprint)
    shell.alike([(*_admit(party, f"{_PUBLIC}/certificates/{party.name}.pem"), *ca) for party in ADMINISTRATORS])
    shell.alike([_home(party, "trust", "install", *root) for party in ADMINISTRATORS])
    return fingerprint


def enrol(site: Site, shell: Shell, members: Sequence[Party], fingerprint: str) -> None:
    """Enrol members: they make keys, one administrator proposes, another approves, each gets a certificate."""
    roles = {AUDITOR: "AUDITOR", OFFICE: "REPRESENTATIVE"}
    shell.alike([_init(site, party, roles.get(party, "LENDER")) for party in members])
    proposer, approver = map(_home, ADMINISTRATORS[:_THRESHOLD])
    for party in members:
        proposed = shell(
            *proposer, "--json", "act", "propose", "institution", "--enrolment", enrolment(party.name), "--yes"
        )
        shell(*approver, "act", "approve", json.loads(proposed)["id"], "--yes")
    issue = (*proposer, "certificate", "issue", "--enrolment")
    shell.alike([(*issue, enrolment(party.name), "--out", f"{party.name}/{party.name}.pem") for party in members])
    shell.alike([_admit(party, f"{party.name}/{party.name}.pem") for party in members])
    shell.alike([_home(party, "trust", "fetch", "--fingerprint", fingerprint) for party in members])


def install_key_services(site: Site, shell: Shell) -> None:
    """Give the key services their certificates and the trust root."""
    shell.alike([site.install_key_service(name) for name in site.key_services])


def _init(site: Site, party: Party, role: str) -> Command:
    who = ("--institution", party.name, "--name", party.title, "--licence", party.licence, "--role", role)
    where = ("--registry", site.address(), "--registry-name", site.name)
    return _home(party, "init", *who, *where)


def _home(party: Party, *words: str) -> Command:
    return ("credit-registry", "--home", party.name, *words)


def _admit(party: Party, certificate: str) -> Command:
    return _home(party, "certificate", "install", certificate)
