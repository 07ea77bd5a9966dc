"""The founding at the desks of two administrators: real programs, the genesis compared and signed, files installed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from client_sdk.acts import ActFile, InstitutionBody
from client_sdk.client import Client
from client_sdk.config import ClientConfig
from client_sdk.desk.founding_words import grouped
from client_sdk.desk.journal import read_journal
from client_sdk.home import create_home
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.models import KeyUsage
from client_sdk.testing.programs import Programs
from client_sdk.testing.site import Site
from tests.support.desk import RunningDesk, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADMINISTRATORS = ("admin-1", "admin-2", "admin-3")
SERVICES = ("key-service-a", "key-service-b")


def began(folder: Path) -> Iterator[tuple[Site, Programs]]:
    """A registry whose genesis was written and signed by nobody."""
    site = Site.make(folder, "example", SERVICES)
    programs = Programs(folder)
    try:
        for institution in ADMINISTRATORS:
            create_home(
                folder / institution,
                institution=institution,
                registry=site.address(),
                name="example",
                licence_number=f"A-{institution}",
                display_name=f"Seat {institution}",
                roles=["ADMINISTRATOR"],
            )
        programs.run_all([site.init_key_service(name) for name in SERVICES])
        programs.run(site.init_registry(ADMINISTRATORS, 2))
        yield site, programs
    finally:
        programs.stop_all()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Programs]]:
    """One registry for the tests of this module, which follow one another."""
    yield from began(tmp_path_factory.mktemp("founding"))


@pytest.fixture(scope="module")
def desks(begun: tuple[Site, Programs], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningDesk]]:
    """Desks of two administrators, before there is anything to open a client with."""
    folder = begun[0].folder
    with (
        RunningDesk(folder / "admin-1", tmp_path_factory.mktemp("one")) as one,
        RunningDesk(folder / "admin-2", tmp_path_factory.mktemp("two")) as other,
    ):
        yield [one, other]


@pytest.fixture(scope="module")
def visitors(desks: list[RunningDesk]) -> list[Visitor]:
    """Those who came by the links."""
    found = [desk.visitor() for desk in desks]
    for visitor in found:
        visitor.get("/founding")
    return found


def own_key(site: Site, institution: str) -> str:
    return ClientConfig.from_home(site.folder / institution).signer(KeyUsage.ADMINISTER).public_key.key_id.hex()


def test_before_the_founding_there_is_the_founding_alone(begun: tuple[Site, Programs], visitors: list[Visitor]) -> None:
    one = visitors[0]
    assert one.get("/").headers["location"] == "/founding"
    page = one.get("/founding")
    assert "Founding Journal" in page.words
    assert grouped(own_key(begun[0], "admin-1")) in page.words
    refused = one.get("/proposals")
    assert "this home has no certificate or no trust root yet" in refused.words
    handed = one.get("/founding/enrolment")
    assert EnrolmentFile.parse(handed.body).enrolment.id == "admin-1"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "Choose the file genesis.act"),
        ({"genesis": b"x"}, "This is no act file"),
    ],
)
def test_what_is_no_genesis_is_told(visitors: list[Visitor], files: dict[str, bytes], said: str) -> None:
    refused = visitors[0].post("/founding/genesis", {}, files)
    assert (refused.status, said in refused.words) == (422, True)


def test_a_genesis_that_was_made_from_other_keys_is_not_signed(
    begun: tuple[Site, Programs], visitors: list[Visitor], tmp_path: Path
) -> None:
    for site, _ in began(tmp_path):
        other = site.genesis.read_bytes()
        assert begun[0].genesis.read_bytes() != other
        refused = visitors[0].post("/founding/genesis", {}, {"genesis": other})
        assert (refused.status, "sign nothing, and call the operator" in refused.words) == (422, True)


def sign(visitor: Visitor, genesis: bytes) -> bytes:
    """Compare everything, sign, and return the signed file."""
    sent = visitor.post("/founding/genesis", {}, {"genesis": genesis})
    address = sent.headers["location"]
    page = visitor.follow(sent)
    ticks = dict.fromkeys(re.findall(r'name="(compared-\d+)"', page.text), "yes")
    # Two other administrators, the log, two key services.
    assert len(ticks) == 5
    missing = visitor.post(address, dict.fromkeys(list(ticks)[1:], "yes"))
    assert (missing.status, "Compare this first, over the telephone" in missing.words) == (422, True)
    signed = visitor.post(address, ticks)
    shown = visitor.follow(signed)
    assert "The genesis is signed" in shown.words
    return visitor.get(f"{signed.headers['location']}/file").body


def test_two_compare_and_sign_and_install_what_comes_back(
    begun: tuple[Site, Programs], visitors: list[Visitor]
) -> None:
    site, programs = begun
    genesis = site.genesis.read_bytes()
    page = visitors[0].follow(visitors[0].post("/founding/genesis", {}, {"genesis": genesis}))
    for said in (
        f"admin-2 (Seat admin-2) reads out its key (signs acts): {grouped(own_key(site, 'admin-2'))}",
        "the operator of the registry reads out the key of the log:",
        "Shown there by: registry-server log-key --home FOLDER",
        "Shown there by: subject-key-service status --home FOLDER",
        "the operator of key-service-a reads out its public key:",
        "2 of 3 must sign",
        "Signed by nobody yet",
    ):
        assert said in page.words, said
    assert own_key(site, "admin-1") in page.words, "all that is signed is shown"
    once = sign(visitors[0], genesis)
    assert "Signed by admin-1" in visitors[1].follow(visitors[1].post("/founding/genesis", {}, {"genesis": once})).words
    twice = sign(visitors[1], once)
    assert len(ActFile.parse(twice).approvals) == 2
    site.genesis.write_bytes(twice)
    fingerprint = programs.run(site.finish_registry()).split()[-1]
    programs.start(site.server("registry"))
    for institution, visitor in zip(ADMINISTRATORS, visitors, strict=False):
        visitor.get("/founding")
        install(site, visitor, institution, fingerprint)
        # The desk goes on without a new start.
        assert visitor.get("/proposals").status == 200
        assert "admin-3" in visitor.get("/members").words
        done = visitor.get("/founding")
        assert "All steps are done" in done.words
        assert grouped(fingerprint) in done.words
    lines = [line for line, _ in read_journal(site.folder / "admin-1" / "desk-journal")]
    assert [line.act for line in lines if line.result == "DONE" and line.act.startswith(("SIGN_G", "INSTALL"))] == [
        "SIGN_GENESIS",
        "INSTALL_CERTIFICATE",
        "INSTALL_TRUST_ROOT",
    ]
    with Client.from_home(site.folder / "admin-1") as client:
        assert not isinstance(client.acts()[0].act.body, InstitutionBody)


def install(site: Site, visitor: Visitor, institution: str, fingerprint: str) -> None:
    """Install certificate and trust root, with mistakes first."""
    ca, root = site.ca.read_bytes(), site.trust_root.read_bytes()
    own, other = (site.certificate(name).read_bytes() for name in (institution, "admin-3"))
    for files in ({}, {"certificate": b"x", "ca": ca}, {"certificate": other, "ca": ca}):
        assert visitor.post("/founding/certificate", {}, files).status == 422
    installed = visitor.follow(visitor.post("/founding/certificate", {}, {"certificate": own, "ca": ca}))
    assert "The certificate is installed." in installed.words
    for fields, sent, said in (
        ({"fingerprint": fingerprint}, {}, "Choose the file trust-root.bin"),
        ({"fingerprint": fingerprint}, {"root": b"x"}, "This is no trust root"),
        ({"fingerprint": "0" * 64}, {"root": root}, "The file has another fingerprint"),
        ({"fingerprint": ""}, {"root": root}, "The file has another fingerprint"),
    ):
        refused = visitor.post("/founding/trust-root", fields, sent)
        assert (refused.status, said in refused.words) == (422, True), said
    told = visitor.follow(visitor.post("/founding/trust-root", {"fingerprint": grouped(fingerprint)}, {"root": root}))
    assert "The trust root is installed." in told.words
