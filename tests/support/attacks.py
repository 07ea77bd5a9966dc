"""What every attack on an answer needs: an honest log, a verifier on either side of it, and a forger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger.answer import Verifier
from tests.support.handmade_log import HandmadeLog, signer

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.answer import VerifiedAnswer
    from tests.support.handmade_evidence import AnsweringRegistry

__all__ = ["check", "forge", "listed_log", "refused"]


def listed_log() -> HandmadeLog:
    """Three lenders, and a record of lender-1 about a listed person."""
    log = HandmadeLog()
    log.say("lender-1", "debt", subject="listed")
    log.head()
    assert not log.complaints
    return log


def check(log: HandmadeLog, evidence: pb.Evidence) -> VerifiedAnswer:
    """Verify as a file and as an answer; both must agree."""
    answer = Verifier(log.trust_root).verify_file(canonical.encode(evidence))
    assert Verifier(log.trust_root).check(evidence) == answer
    return answer


def refused(log: HandmadeLog, evidence: pb.Evidence) -> FormatError:
    """Verify what must not verify."""
    with pytest.raises(FormatError) as caught:
        Verifier(log.trust_root).verify_file(canonical.encode(evidence))
    return caught.value


def forge(
    log: HandmadeLog,
    registry: AnsweringRegistry,
    issuer: str,
    name: str,
    person: str,
    standing: Standing = Standing.OPEN,
    *,
    by: str,
    **changes: object,
) -> None:
    """Log a version that replay need not allow, signed with that key, and show it as live."""
    statement = log.statement(issuer, name, standing, person, **changes)
    index = log.log_statement(statement, log.secret(name, statement.version, person)[0], signer(by))
    secret = log.secrets[statement.subject_commitment]
    shown = pb.LiveRecord(index=index, leaf=log.leaves[index], opening=secret.opening, disclosure=secret.disclosure)
    registry.records.setdefault(secret.subject, []).append(shown)
