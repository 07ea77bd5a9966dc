"""Lies in leaves of acknowledgements: what a registry could log of its members' notices with its own keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.acknowledgement import Acknowledgement
from client_sdk.kernel.formats.act import InstitutionBody, KeyEndBody, StateBody
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.words import AnnotationFlag, InstitutionStatus, KeyUsage, NoticeReason, Role
from client_sdk.kernel.ledger.findings import FindingId
from tests.support.handmade_log import seed, signer
from tests.support.lying import lie

if TYPE_CHECKING:
    from tests.support.handmade_log import HandmadeLog
    from tests.support.transparency_server import HandmadeRegistry

_F = FindingId


def _acknowledged(log: HandmadeLog, **changes: object) -> StatementLeaf:
    """Log a dispute and its furnisher's acknowledgement; return that."""
    cause = log.annotate("lender-2", "lender-1", "running", AnnotationFlag.DISPUTED)
    leaf = parse_leaf(
        log.leaves[log.acknowledge("lender-1", cause, NoticeReason.DISPUTED, KeyUsage.INQUIRE, **changes)]
    )
    assert isinstance(leaf, StatementLeaf)
    return leaf


@lie(_F.ACKNOWLEDGEMENT)
def an_acknowledgement_twice(log: HandmadeLog, _: HandmadeRegistry) -> None:
    leaf = _acknowledged(log)
    log.head()
    log.wait(1_000)
    log.add(replace(leaf, logged_at=log.logged_at).encode())
    log.head()


@lie(_F.SIGNATURE)
def an_acknowledgement_that_nobody_signed(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.replace_last(replace(_acknowledged(log), signature=bytes(64)).encode())
    log.head()


@lie(_F.SIGNATURE)
def an_acknowledgement_of_another_notice(log: HandmadeLog, _: HandmadeRegistry) -> None:
    honest = _acknowledged(log)
    other = replace(Acknowledgement.parse(honest.payload), notice_commitment=seed("another notice"))
    log.replace_last(replace(honest, payload=other.encode()).encode())
    log.head()


@lie(_F.SIGNATURE)
def an_acknowledgement_signed_as_an_inquiry(log: HandmadeLog, _: HandmadeRegistry) -> None:
    honest = _acknowledged(log)
    signature = dsse.sign(signer("lender-1 INQUIRE"), dsse.INQUIRY, honest.payload)
    log.replace_last(replace(honest, signature=signature).encode())
    log.head()


@lie(_F.REGISTRY)
def an_acknowledgement_for_another_registry(log: HandmadeLog, _: HandmadeRegistry) -> None:
    _acknowledged(log, registry="another-registry")
    log.head()


@lie(_F.LEAF_FORM)
def an_acknowledgement_of_nothing(log: HandmadeLog, _: HandmadeRegistry) -> None:
    _acknowledged(log, notice_commitment=b"")
    log.head()


@lie(_F.SPEAKER)
def an_acknowledgement_by_a_member_that_is_none_any_more(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(StateBody("lender-1", InstitutionStatus.TERMINATED))
    cause = log.annotate("lender-2", "lender-1", "running", AnnotationFlag.DISPUTED)
    log.acknowledge("lender-1", cause, NoticeReason.DISPUTED)
    log.head()


@lie(_F.KEY_RANGE)
def an_acknowledgement_by_a_key_that_was_ended(log: HandmadeLog, _: HandmadeRegistry) -> None:
    log.act(KeyEndBody("lender-1", signer("lender-1 INQUIRE").public_key.key_id))
    _acknowledged(log)
    log.head()


@lie(_F.KEY_USAGE)
def an_acknowledgement_by_a_key_of_another_usage(log: HandmadeLog, _: HandmadeRegistry) -> None:
    both, usages = (Role.LENDER, Role.ADMINISTRATOR), (KeyUsage.REPORT, KeyUsage.ADMINISTER)
    log.act(InstitutionBody(log.enrolment("lender-4", both, *usages)))
    cause = log.annotate("lender-2", "lender-1", "running", AnnotationFlag.DISPUTED)
    log.acknowledge("lender-4", cause, NoticeReason.DISPUTED, KeyUsage.ADMINISTER)
    log.head()


@lie(_F.KEY_OWNER)
def an_acknowledgement_by_a_key_of_another_member(log: HandmadeLog, _: HandmadeRegistry) -> None:
    honest = _acknowledged(log)
    key = signer("lender-3 INQUIRE")
    signature = dsse.sign(key, dsse.ACKNOWLEDGEMENT, honest.payload)
    log.replace_last(replace(honest, key_id=key.public_key.key_id, signature=signature).encode())
    log.head()


@lie(_F.SPEAKER)
def an_acknowledgement_by_an_administrator(log: HandmadeLog, _: HandmadeRegistry) -> None:
    cause = log.annotate("lender-2", "lender-1", "running", AnnotationFlag.DISPUTED)
    log.acknowledge("admin-1", cause, NoticeReason.DISPUTED, KeyUsage.ADMINISTER)
    log.head()
