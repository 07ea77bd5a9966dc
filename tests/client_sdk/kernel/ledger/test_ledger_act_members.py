"""Which members an act is about, for all that lists acts by member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import (
    AdministratorsBody,
    ClockBody,
    EndingBody,
    ErasureBody,
    InstitutionBody,
    KeyEndBody,
    KeyServicesBody,
    RetireKeyServicesBody,
    RulebookBody,
    StateBody,
    SuccessionBody,
    TlsKeyBody,
)
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Role
from client_sdk.kernel.ledger.act_members import members_of
from tests.support.handmade_log import HandmadeLog

if TYPE_CHECKING:
    from client_sdk.kernel.formats.act import Body

DIGEST = bytes(32)


def about(*bodies: Body) -> list[set[str]]:
    return [set(members_of(body)) for body in bodies]


def test_an_act_about_a_member_names_it_and_its_successor() -> None:
    assert (
        about(
            KeyEndBody("lender-1", DIGEST),
            TlsKeyBody("lender-1", DIGEST, "theft"),
            StateBody("lender-1", InstitutionStatus.SUSPENDED),
            EndingBody("lender-1", "bankruptcy"),
        )
        == [{"lender-1"}] * 4
    )
    assert about(SuccessionBody("lender-1", "lender-2", "merger")) == [{"lender-1", "lender-2"}]


def test_an_act_about_many_names_each_once_and_one_about_all_names_nobody() -> None:
    log = HandmadeLog()
    genesis, entering = log.genesis(Rulebook()), log.enrolment("auditor", (Role.AUDITOR,), KeyUsage.AUDIT)
    administrators = {item.id for item in genesis.administrators}
    assert about(genesis) == [administrators]
    assert about(InstitutionBody(entering)) == [{"auditor"}]
    assert about(AdministratorsBody((entering,), tuple(administrators), 1)) == [administrators | {"auditor"}]
    erased = tuple(RecordKey(issuer, bytes(16)) for issuer in ("lender-1", "lender-2", "lender-1"))
    assert about(ErasureBody(erased, "order")) == [{"lender-1", "lender-2"}]
    all_ = (KeyServicesBody(genesis.key_services), RetireKeyServicesBody(1), RulebookBody(Rulebook()), ClockBody(1))
    assert about(*all_) == [set()] * len(all_)
