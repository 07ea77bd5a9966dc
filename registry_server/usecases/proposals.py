"""Proposals: acts that gather signatures until they reach the threshold and are logged.

A proposal is seen by administrators only and lapses after 7 days. It is gone as soon as an act has taken its number,
which is the next one for all of them: each logged act clears the table. The call that adds the last signature needed
gets the receipt, again and again where the answer was lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import Act, AdministratorsBody, ClockBody, ErasureBody, RulebookBody
from client_sdk.kernel.formats.leaf import ActLeaf, Approval, parse_leaf
from client_sdk.kernel.formats.moment import DAY_MS
from client_sdk.kernel.ledger.administration import check_signed
from client_sdk.kernel.ledger.head_time import check_correction
from client_sdk.kernel.ledger.proving import within
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.errors import LogAheadError
from registry_server.sequencing.items import ActItem, ItemOutcome
from registry_server.storage import head, leaves
from registry_server.storage import proposals as table
from registry_server.storage.proposals import StoredProposal
from registry_server.usecases.receipts import LeafReceipt, receipt_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client_sdk.kernel.formats.complaint import Complaint
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.ledger.administration import Administration
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["Proposal", "Proposals"]

LAPSE_MS = 7 * DAY_MS
# Proposals that wait: of one administrator, so that none fills the places of the others, and of all.
MAX_OF_PROPOSER = 10
MAX_WAITING = 100
# So many acts back, a lost answer is still given again.
_REMEMBERED_ACTS = 1_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """Status of a proposal.

    Attributes:
        stored: payload, signatures and times.
        receipt: once it is logged.
    """

    stored: StoredProposal
    receipt: LeafReceipt | None = None


class Proposals:
    """The use case.

    Args:
        ledger: where acts are logged.
        why_not_served: returns why this registry's settings do not let it serve under a rulebook; empty where they do.
    """

    def __init__(self, ledger: Ledger, why_not_served: Callable[[Rulebook], str] = lambda _: "") -> None:
        self._ledger = ledger
        self._why_not_served = why_not_served

    def waiting(self) -> list[Proposal]:
        """Return the proposals that have not lapsed, oldest first."""
        with self._ledger.view() as view:
            return [Proposal(stored) for stored in view.proposals(self._ledger.clock())]

    def propose(self, peer: str, payload: bytes, approval: Approval) -> Proposal:
        """Propose the next act with the proposer's own signature; the same act again adds a signature to it.

        Args:
            peer: institution id of the caller.
            payload: canonical Act.
            approval: over it.

        Raises:
            FormatError: the act is not canonical, or too long for a leaf; SignatureError for the signature.
            RegistryError: PEER_MISMATCH, TOO_MANY_PROPOSALS.
            RuleError: the act is not the next one, or what it decides breaks a rule.
        """
        act = Act.parse(payload)
        # What no leaf can hold is never logged.
        ActLeaf(0, payload, (approval,)).encode()
        with self._ledger.view() as view:
            logged = _logged(view, sha256(payload).digest())
            if logged is not None:
                return logged
            view.directory.decide(act, view.size, self._ledger.clock())
            self._check_served(act)
            _check_erasure(view, act)
            if isinstance(act.body, ClockBody):
                self._check_correction(act.body)
            _check_approval(view.directory, act, payload, approval, peer)
        return self._gather(payload, approval, act.number, peer)

    def approve(self, peer: str, proposal_id: bytes, approval: Approval) -> Proposal:
        """Add a signature; the one that reaches the threshold logs the act.

        Args:
            peer: institution id of the caller.
            proposal_id: SHA-256 of the payload.
            approval: over the payload.

        Raises:
            RegistryError: PROPOSAL_UNKNOWN or PEER_MISMATCH.
            RuleError: ACT_SIGNATURE, or why the act cannot be logged.
            SignatureError: the signature does not verify.
        """
        with self._ledger.view() as view:
            logged = _logged(view, proposal_id)
            if logged is not None:
                return logged
            stored = table.get(view.work, proposal_id)
            if stored is None or stored.lapses_at <= self._ledger.clock():
                raise _unknown()
            act = Act.parse(stored.payload)
            self._check_served(act)
            _check_approval(view.directory, act, stored.payload, approval, peer)
        return self._gather(stored.payload, approval, stored.number)

    def _check_served(self, act: Act) -> None:
        """Check that this registry may go on serving once the act is logged: its next start would refuse to."""
        if isinstance(act.body, RulebookBody) and (why := self._why_not_served(act.body.rulebook)):
            want = f"settings of such a registry first, then a restart: {why}"
            raise RuleError(
                "RULEBOOK_INVALID", "rulebook", "rulebook.settings", got="one that is not served", want=want
            )

    def _check_correction(self, body: ClockBody) -> None:
        """Check that the log's time is wrong, and that the act does not exclude the registry's clock."""
        check_correction(body.not_before, self._ledger.clock())
        try:
            self._ledger.check_clock()
        except LogAheadError:
            return
        raise RuleError("CORRECTION_INVALID", "clock", "clock.log-ahead", want="a log that is ahead of the clock")

    def _gather(self, payload: bytes, approval: Approval, number: int, proposer: str = "") -> Proposal:
        """Keep a signature; log the act where enough of them are there."""
        stored = self._keep(payload, approval, number, proposer)
        if stored is None:
            return self._logged_meanwhile(sha256(payload).digest(), None)
        directory = self._ledger.directory
        counting = _counting(stored, directory)
        if not _reaches_threshold(stored.payload, counting, directory):
            return Proposal(stored)
        return self._log(stored, counting)

    def _keep(self, payload: bytes, approval: Approval, number: int, proposer: str) -> StoredProposal | None:
        """Store a signature; return None where the proposal that it is for, or its number, is gone.

        Args:
            payload: canonical Act.
            approval: over it.
            number: of the act.
            proposer: who proposes it; empty where the proposal must be there.
        """
        now, database = self._ledger.clock(), self._ledger.database
        # What is refused, and a signature that is there already, takes no lock for which others would wait.
        with database.snapshot() as work:
            decided = _decide(work, payload, approval, number, proposer, now)
        if decided is None or not decided.writes:
            return None if decided is None else decided.after
        with database.append() as work:
            # Logging an act takes this lock too: no approval is added while the act's number is being taken.
            head.lock(work)
            decided = _decide(work, payload, approval, number, proposer, now)
            if decided is None or not decided.writes:
                return None if decided is None else decided.after
            table.forget_lapsed(work, now)
            if decided.before is None:
                table.add(work, decided.after)
            else:
                table.approve(work, decided.after.proposal_id, decided.after.approvals)
            work.commit()
        return decided.after

    def _log(self, stored: StoredProposal, approvals: tuple[Approval, ...]) -> Proposal:
        appended = self._ledger.append([ActItem(stored.payload, approvals)]).result()
        (result,) = appended.results
        if result.outcome is ItemOutcome.REFUSED or result.place is None:
            return self._logged_meanwhile(stored.proposal_id, result.complaint)
        place = result.place
        receipt = LeafReceipt(place.leaf, place.leaf_index, place.path, appended.checkpoint)
        return Proposal(stored, receipt=receipt)

    def _logged_meanwhile(self, proposal_id: bytes, complaint: Complaint | None) -> Proposal:
        """Return the receipt where another administrator's approval has logged the act at the same moment.

        Raises:
            RegistryError: PROPOSAL_UNKNOWN; it has not, and the proposal is gone. Or why the act cannot be logged.
        """
        with self._ledger.view() as view:
            logged = _logged(view, proposal_id)
        if logged is None:
            raise _unknown() if complaint is None else RegistryError.of(complaint)
        return logged


class _Decided(NamedTuple):
    """A proposal before and after a signature; ``before`` is None where it is a new one."""

    before: StoredProposal | None
    after: StoredProposal

    @property
    def writes(self) -> bool:
        return self.before != self.after


def _decide(
    work: UnitOfWork, payload: bytes, approval: Approval, number: int, proposer: str, now: int
) -> _Decided | None:
    """Decide what a signature changes; None where the proposal that it is for, or its number, is gone.

    Raises:
        RegistryError: TOO_MANY_PROPOSALS.
    """
    proposal_id = sha256(payload).digest()
    stored = table.get(work, proposal_id)
    if stored is None or stored.lapses_at <= now:
        if not proposer or number <= leaves.newest_act_number(work):
            return None
        _check_places(table.waiting(work, now), proposer)
        new = StoredProposal(proposal_id, number, proposer, payload, (approval,), now, now + LAPSE_MS)
        return _Decided(None, new)
    # One signature of each key is enough; a second one would change nothing but the bytes.
    if any(given.key_id == approval.key_id for given in stored.approvals):
        return _Decided(stored, stored)
    return _Decided(stored, replace(stored, approvals=tuple(sorted((*stored.approvals, approval)))))


def _unknown() -> RegistryError:
    return RegistryError(RefusalReason.PROPOSAL_UNKNOWN, "proposal_id", "proposal.waiting", want="a waiting proposal")


def _check_places(waiting: Sequence[StoredProposal], proposer: str) -> None:
    """Check that an administrator may propose one more."""
    own = sum(stored.proposer == proposer for stored in waiting)
    if own >= MAX_OF_PROPOSER:
        got, want = f"{own} of {proposer}", f"at most {MAX_OF_PROPOSER} of one administrator"
        raise RegistryError(RefusalReason.TOO_MANY_PROPOSALS, "payload", "proposals.of-proposer", got=got, want=want)
    if len(waiting) >= MAX_WAITING:
        got, want = str(len(waiting)), f"at most {MAX_WAITING}"
        raise RegistryError(RefusalReason.TOO_MANY_PROPOSALS, "payload", "proposals.count", got=got, want=want)


def _check_erasure(view: View, act: Act) -> None:
    """Check that the records of an erasure are there; the append checks the rest."""
    if not isinstance(act.body, ErasureBody):
        return
    for key in act.body.records:
        record = view.stored_record(key)
        if record is None:
            raise RuleError("RECORD_UNKNOWN", "records", "record.known", want="a record of the log")
        if record.chain.erased:
            raise RuleError("RECORD_ERASED", "records", "record.erased", want="a record not erased before")


def _after(directory: Directory, act: Act) -> Administration:
    return directory.administration.after(directory.newest_act + 1, act, bytes(32))


def _check_approval(directory: Directory, act: Act, payload: bytes, approval: Approval, peer: str) -> None:
    """Check that a signature may stand on an act, and that its signer brings it.

    A new administrator that the act itself enrols has no certificate yet: an acting one brings its signature.
    """
    bare = ActLeaf(0, payload, (approval,))
    acting = directory.administration.signers(bare, None)
    joining = _after(directory, act).signers(bare, None) if isinstance(act.body, AdministratorsBody) else {}
    found = acting.get(approval.key_id) or joining.get(approval.key_id)
    if found is None:
        raise RuleError("ACT_SIGNATURE", "approval.key_id", "act.key", want="a key of an administrator")
    owner, public_key = found
    if owner != peer and (owner in directory.institutions or peer not in directory.administration.acting):
        raise RegistryError(RefusalReason.PEER_MISMATCH, "approval.key_id", "peer.match", got=owner, want=peer)
    with within("approval.signature"):
        dsse.verify(dsse.ACT, payload, public_key, approval.signature)


def _counting(stored: StoredProposal, directory: Directory) -> tuple[Approval, ...]:
    """Return the signatures that still count: keys may have ended since they were given."""
    act = Act.parse(stored.payload)
    leaf = ActLeaf(0, stored.payload, stored.approvals)
    known: set[bytes] = set(directory.administration.signers(leaf, None))
    if isinstance(act.body, AdministratorsBody):
        known |= set(_after(directory, act).signers(leaf, None))
    return tuple(approval for approval in stored.approvals if approval.key_id in known)


def _reaches_threshold(payload: bytes, approvals: tuple[Approval, ...], directory: Directory) -> bool:
    act, leaf = Act.parse(payload), ActLeaf(0, payload, approvals)
    # Any later place judges alike: what runs now counts there.
    index = directory.newest_act + 1
    try:
        check_signed(index, leaf, act, directory.administration, _after(directory, act))
    except RuleError as error:
        if error.reason == "ACT_THRESHOLD":
            return False
        raise
    return True


def _logged(view: View, proposal_id: bytes) -> Proposal | None:
    """Return the proposal that has become an act of late; None where there is none."""
    first = max(view.directory.state.act_number - _REMEMBERED_ACTS, 0)
    for act in reversed(view.acts(first, _REMEMBERED_ACTS + 1)):
        leaf = parse_leaf(act.leaf)
        if isinstance(leaf, ActLeaf) and sha256(leaf.payload).digest() == proposal_id:
            stored = StoredProposal(
                proposal_id, act.number, "", leaf.payload, leaf.approvals, leaf.logged_at, leaf.logged_at
            )
            return Proposal(stored, receipt=receipt_at(view, act.leaf_index))
    return None
