"""A registry and key services that fit on one page: the kernel's own rules over dictionaries, without any network.

``NaiveLink`` makes a ``Link`` of it in tests of ``report_many`` that ask what happens when calls break or bytes are
lost; the real registry is asked in the integration tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2
from creditregistry.v1 import submission_pb2 as pb

from client_sdk._protocol.own_record import HeldRecord, read_held
from client_sdk._protocol.statement import Issuer
from client_sdk._steps import Call, beside
from client_sdk.errors import UnavailableError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import NO_PREVIOUS, Act, Enrolment, GenesisBody, InstitutionBody, grant_key
from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.leaf import ActLeaf, Approval, StatementLeaf
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.formats.state import KeyService, KeyServices, LogKey, Rulebook
from client_sdk.kernel.formats.statement import RecordKey, Statement
from client_sdk.kernel.formats.words import KeyUsage, Role
from client_sdk.kernel.ledger import chain as chains
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.rules.check import check_facts
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import parse_facts
from client_sdk.kernel.rules.lifecycle import is_running
from client_sdk.kernel.subjects.oprf import Blinding, EvaluationKey, finalize
from client_sdk.kernel.subjects.pseudonym import Pseudonym, derive
from client_sdk.lending.preflight import Preflight

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from client_sdk._steps import Flow
    from client_sdk.kernel.subjects.identifiers import Identity

REGISTRY = "naive"
LENDER = "lender-1"
NOW_MS = int(datetime(2025, 12, 1, tzinfo=UTC).timestamp() * 1_000)


def _act(body: GenesisBody | InstitutionBody, number: int, previous: bytes, admin: Ed25519Signer) -> ActLeaf:
    payload = Act(REGISTRY, number, previous, body).encode()
    approval = Approval(admin.public_key.key_id, dsse.sign(admin, dsse.ACT, payload))
    return ActLeaf(NOW_MS, payload, (approval,))


@dataclass
class NaiveRegistry:
    """One lender's registry in memory.

    Attributes:
        answers_left: chunks that are still answered; then the connection breaks. None for all.
        lose_answer: whether the chunk on which it breaks is logged all the same.
    """

    answers_left: int | None = None
    lose_answer: bool = False
    streams: int = 0
    named: int = 0
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        admin, self.log_signer, self.signer = (Ed25519Signer.generate() for _ in range(3))
        self.evaluation = EvaluationKey.from_seed(bytes(31) + b"\1")
        self.tree = MemoryTree()
        self.chains: dict[RecordKey, chains.Chain] = {}
        self.live: dict[RecordKey, pb.Submission] = {}
        self.leaves: dict[tuple[RecordKey, int], tuple[int, StatementLeaf]] = {}
        origin = f"{REGISTRY}/log/1"
        self.log_key = VerifierKey.ed25519(origin, self.log_signer.public_key.raw)
        grant = grant_key(REGISTRY, "admin-1", admin, KeyUsage.ADMINISTER)
        genesis = _act(
            GenesisBody(
                (Enrolment("admin-1", "L-1", "Admin", (Role.ADMINISTRATOR,), (grant,)),),
                1,
                (LogKey(origin, "ed25519", self.log_signer.public_key.raw),),
                KeyServices(1, (KeyService("127.0.0.1:1", self.evaluation.public_key, "key-service"),)),
                Rulebook(),
            ),
            0,
            NO_PREVIOUS,
            admin,
        )
        self._log(genesis.encode())
        self.directory = Directory.genesis(genesis)
        report = grant_key(REGISTRY, LENDER, self.signer, KeyUsage.REPORT)
        body = InstitutionBody(Enrolment(LENDER, "L-2", "Lender", (Role.LENDER,), (report,)))
        enrolment = _act(body, 1, self.directory.state.act_hash, admin)
        self.directory = self.directory.apply(self._log(enrolment.encode()), enrolment)

    @property
    def issuer(self) -> Issuer:
        return Issuer(REGISTRY, LENDER, self.signer, self.directory.rulebook)

    @property
    def preflight(self) -> Preflight:
        return Preflight(self.directory.rulebook, NOW_MS)

    def erase(self, record: RecordKey) -> None:
        self.chains[record] = chains.erase(self.chains[record], len(self.chains) + 1)
        del self.live[record]

    def names(self, identities: Sequence[Identity]) -> list[Mapping[int, Pseudonym]]:
        self.named += len(identities)
        blindings = [Blinding.of(identity.voprf_input()) for identity in identities]
        evaluated, proof = self.evaluation.evaluate([blinding.element for blinding in blindings])
        outputs = finalize(blindings, evaluated, proof, self.evaluation.public_key)
        return [{1: derive(1, (output,))} for output in outputs]

    def held(self, record_ids: Sequence[bytes]) -> list[HeldRecord]:
        assert len(record_ids) <= 1_000
        found = [self.chains.get(RecordKey(LENDER, record_id)) for record_id in record_ids]
        return [read_held(self._own(chain), self.directory, LENDER) for chain in found if chain is not None]

    def submit(self, chunks: Sequence[Sequence[pb.Submission]], seconds: float) -> Iterator[pb.SubmitBatchResponse]:
        assert seconds > 0
        self.streams += 1
        for chunk in chunks:
            assert 0 < len(chunk) <= 256
            broken = self.answers_left == 0
            if broken and not self.lose_answer:
                raise UnavailableError("the connection broke")
            outcomes = [self._admit(submission) for submission in chunk]
            if broken:
                raise UnavailableError("the connection broke")
            if self.answers_left is not None:
                self.answers_left -= 1
            yield self._answer(outcomes)

    def _own(self, chain: chains.Chain) -> pb.OwnRecord:
        index, leaf = self.leaves[chain.key, chain.version]
        own = pb.OwnRecord(record_id=chain.key.record_id, index=index, leaf=leaf.encode())
        own.state = pb.RECORD_STATE_ERASED if chain.erased else pb.RECORD_STATE_ENDED
        if chain.key in self.live:
            own.state = pb.RECORD_STATE_LIVE
            own.binding.CopyFrom(self.live[chain.key].binding)
            own.disclosure = self.live[chain.key].disclosure
        return own

    def _admit(self, submission: pb.Submission) -> pb.SubmissionResult:
        signed = submission.statement
        self.sent.append(signed.payload)
        statement = Statement.parse(signed.payload)
        key = statement.key
        known = self.leaves.get((key, statement.version))
        if known is not None and known[1].payload == signed.payload:
            return _logged(pb.OUTCOME_REPEATED, known[0])
        leaf = StatementLeaf(NOW_MS, dsse.STATEMENT, signed.payload, signed.key_id, signed.signature)
        data, index = leaf.encode(), self.tree.size
        try:
            self.directory.key_at(signed.key_id, statement.signer, KeyUsage.REPORT, index)
            chain = chains.advance(
                self.chains.get(key),
                statement,
                signed.payload,
                index=index,
                leaf_hash=leaf_hash(data),
                logged_at=NOW_MS,
                begun_at=None,
                directory=self.directory,
                find=self.chains.get,
            )
            self._check(statement, submission)
        except RuleError as error:
            violation = pb.Violation(reason=error.reason, field=error.field, rule=error.rule)
            return pb.SubmissionResult(outcome=pb.OUTCOME_REFUSED, violation=violation)
        self._log(data)
        self.leaves[key, statement.version] = (index, leaf)
        self.chains[key] = chain
        if statement.carries_subject:
            self.live[key] = submission
        else:
            self.live.pop(key, None)
        return _logged(pb.OUTCOME_ACCEPTED, index)

    def _check(self, statement: Statement, submission: pb.Submission) -> None:
        if not statement.carries_subject:
            return
        check_facts(statement.kind, statement.standing, parse_facts(statement.kind, submission.facts.facts))
        for key, other in self.live.items():
            same = other.binding.debt_ref == submission.binding.debt_ref
            running = is_running(self.chains[key].standing) and is_running(statement.standing)
            if same and running and key != statement.key and self.chains[key].kind is statement.kind:
                raise RuleError("DEBT_TAKEN", "binding.debt_ref", "debt.one-record")
        before = self.live.get(statement.key)
        if before is not None and before.facts != submission.previous:
            raise RuleError("COMMITMENT_MISMATCH", "previous", "submission.previous")
        if submission.HasField("basis"):
            basis = RecordKey(submission.basis.record.issuer, submission.basis.record.record_id)
            if basis not in self.live:
                raise RuleError("BASIS_INVALID", "basis.record", "basis.live")

    def _log(self, leaf: bytes) -> int:
        self.tree.append(leaf_hash(leaf))
        return self.tree.size - 1

    def _answer(self, outcomes: list[pb.SubmissionResult]) -> pb.SubmitBatchResponse:
        size = self.tree.size
        for result in outcomes:
            if result.outcome != pb.OUTCOME_REFUSED:
                result.inclusion.path = b"".join(self.tree.inclusion_proof(result.inclusion.index, size))
        note = sign_checkpoint(f"{REGISTRY}/log/1", size, self.tree.root(size), self.log_signer)
        return pb.SubmitBatchResponse(results=outcomes, checkpoint=note)


def _logged(outcome: pb.Outcome.ValueType, index: int) -> pb.SubmissionResult:
    inclusion = evidence_pb2.InclusionProof(index=index)
    return pb.SubmissionResult(outcome=outcome, logged_at=NOW_MS, inclusion=inclusion)


class NaiveLink:
    """A naive registry as ``report_many`` reaches it."""

    def __init__(self, registry: NaiveRegistry) -> None:
        self._registry = registry

    def names(self, identities: Sequence[Identity]) -> Flow[list[Mapping[int, Pseudonym]]]:
        return beside(partial(self._registry.names, identities))

    def held(self, record_ids: Sequence[bytes], issuer: str = "") -> Flow[list[HeldRecord]]:
        assert issuer in {"", LENDER}
        return beside(partial(self._registry.held, record_ids))

    def follow(self) -> Flow[object]:
        return beside(lambda: None)

    def submit(self, chunks: Sequence[Sequence[pb.Submission]], seconds: float) -> Flow[Call[pb.SubmitBatchResponse]]:
        yield from ()
        return Call(_Answers(self._registry.submit(chunks, seconds)))


class _Answers:
    """A stream of answers that can be cancelled."""

    def __init__(self, answers: Iterator[pb.SubmitBatchResponse]) -> None:
        self._answers = answers

    def __next__(self) -> pb.SubmitBatchResponse:
        return next(self._answers)

    def cancel(self) -> None:
        self._answers = iter(())
