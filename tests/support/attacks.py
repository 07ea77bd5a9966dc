"""Shared parts of the attacks on an answer: an honest log, a verifier, and a forger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import AdministratorAct
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger.administration import new_key
from client_sdk.kernel.ledger.answer import Verifier
from tests.support.handmade_log import REGISTRY, HandmadeLog, signer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.act import Body, KeyGrant
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.ledger.answer import VerifiedAnswer
    from tests.support.handmade_evidence import AnsweringRegistry

__all__ = ["check", "forge", "give", "impose", "listed_log", "refused"]


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
    by: str | Signer,
    **changes: object,
) -> None:
    """Log a version that replay need not allow, signed with that key, and show it as live."""
    statement = log.statement(issuer, name, standing, person, **changes)
    index = log.log_statement(
        statement, log.secret(name, statement.version, person)[0], signer(by) if isinstance(by, str) else by
    )
    secret = log.secrets[statement.subject_commitment]
    shown = pb.LiveRecord(index=index, leaf=log.leaves[index], opening=secret.opening, disclosure=secret.disclosure)
    registry.records.setdefault(secret.subject, []).append(shown)


def impose(
    log: HandmadeLog,
    registry: AnsweringRegistry,
    body: Body,
    by: Iterable[str] | None = None,
    *,
    on_administrators: bool = False,
) -> AdministratorAct:
    """Log an act that the directory need not allow, signed by administrators, and let the map name it as newest."""
    number, previous = registry.state.act_number + 1, registry.state.act_hash
    leaf = log.act_leaf(Act(REGISTRY, number, previous, body), log.administrators[:2] if by is None else by)
    log.leaves.append(leaf)
    act = AdministratorAct(len(log.leaves) - 1, leaf_hash(leaf))
    registry.acts[act.leaf_hash] = leaf
    registry.newest_act = act.place
    listed = (act,) if on_administrators else ()
    registry.state = replace(
        registry.state,
        act_number=number,
        act_hash=act.leaf_hash,
        administrator_acts=registry.state.administrator_acts + listed,
    )
    return act


def give(registry: AnsweringRegistry, owner: str, grant: KeyGrant, act: AdministratorAct) -> None:
    """Let the map say that an act gave a key to a member."""
    state = registry.institutions[owner]
    keys = sorted((*state.keys, new_key(grant, act.place, act.leaf_hash)), key=lambda held: held.key_id)
    registry.institutions[owner] = replace(state, keys=tuple(keys))
