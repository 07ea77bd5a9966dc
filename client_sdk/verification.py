"""Verifying files offline: no account, no network, only the trust root (P2).

    for answer in verify("answer.evidence", "trust-root.bin"):
        print(answer.verdict, answer.as_of)

Evidence, receipts of records and of inquiries, proofs of erasure and of misbehaviour, certificates of destruction, and
the trust root itself: each file says of itself what it is (``is_receipt`` and its like).

Evidence proves what is listed under a pseudonym, as of the time of the HEAD. That the pseudonym is a given person's is
shown by asking the key services again, which ``Client.verify`` does for a member who knows the identity number.
"""

from __future__ import annotations

import hmac
from datetime import date
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2

from client_sdk._files import path_of
from client_sdk._protocol.erasure import read_erasure_file
from client_sdk._protocol.inquiry import read_offline
from client_sdk._protocol.inquiry_receipt import read_inquiry_receipt_file
from client_sdk._protocol.receipt import read_receipt_file
from client_sdk._protocol.replayed import Demands, ReplayTrust, nothing_demanded
from client_sdk._protocol.verification import verifying
from client_sdk.config import is_seconds
from client_sdk.errors import ConfigError, VerificationError
from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.checkpoint import TLOG_PROOF_LABEL
from client_sdk.kernel.formats.contradiction import CONTRADICTION_LABEL, Contradiction
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.destruction import DESTRUCTION_LABEL, read_destruction
from client_sdk.kernel.ledger.erasure_file import ERASURE_LABEL
from client_sdk.kernel.ledger.inquiry_file import INQUIRY_RECEIPT_LABEL
from client_sdk.kernel.ledger.trust_root import TrustRoot
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.models.destruction import DestructionCertificate
from client_sdk.models.replayed import REPLAY_MAX_LAG
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from client_sdk._protocol.replayed import DemandsAt
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.answer import Answer
    from client_sdk.models.erasure import ErasureProof
    from client_sdk.models.receipt import InquiryReceipt, Receipt

__all__ = [
    "demands_of_root",
    "is_contradiction",
    "is_destruction",
    "is_erasure",
    "is_evidence",
    "is_inquiry_receipt",
    "is_receipt",
    "is_trust_root",
    "read_evidence",
    "read_trust_root",
    "verify",
    "verify_by",
    "verify_contradiction",
    "verify_destruction",
    "verify_erasure",
    "verify_inquiry_receipt",
    "verify_receipt",
    "verify_trust_root",
    "verify_with",
]

# An answer about one person travels in one message, of 16 MiB at most.
MAX_EVIDENCE_BYTES = 64 * 1024 * 1024
# Version 1, then field 2: in a trust root a name shorter than 128 bytes, in evidence an inquiry, which is longer.
_VERSIONED, _SHORT = b"\x08\x01\x12", 0x80


def read_trust_root(path: str | Path) -> TrustRoot:
    """Read a trust root; compare its ``fingerprint`` over another channel before relying on it.

    Raises:
        ConfigError: the file cannot be read, or is no trust root.
    """
    try:
        return TrustRoot.parse(read_whole(path_of(path, "trust_root")))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (FormatError, RuleError) as error:
        raise ConfigError(f"{path} is no trust root: {error}") from error


def verify(
    evidence: str | Path | bytes,
    trust_root: str | Path | TrustRoot,
    quorums: Sequence[WitnessQuorum] | None = None,
    *,
    replaying: WitnessQuorum | None = None,
    replay_max_lag: float = REPLAY_MAX_LAG,
) -> tuple[Answer, ...]:
    """Verify evidence offline.

    Args:
        evidence: path of the file, or its bytes.
        trust_root: path of the file, or the value.
        quorums: witnesses whose cosignatures are demanded; None for those that the trust root names.
        replaying: auditors whose replay of the log counts; None for those that the trust root names.
        replay_max_lag: seconds between their replay and the answer, above which it is labelled late.

    Returns:
        One answer, LISTED or CLEAR, for each person in it; facts stay sealed.

    Raises:
        ConfigError: a file cannot be read.
        VerificationError: a part does not verify; nothing may be concluded from the file.
    """
    root = trust_root if isinstance(trust_root, TrustRoot) else read_trust_root(trust_root)
    given: object = quorums
    if given is not None and not (isinstance(given, tuple | list) and all(isinstance(q, WitnessQuorum) for q in given)):
        raise ConfigError(f"quorums: want WitnessQuorum values, or None, got {type(given).__name__}")
    auditors: object = replaying
    if auditors is not None and not isinstance(auditors, WitnessQuorum):
        raise ConfigError(f"replaying: want a WitnessQuorum, or None, got {type(auditors).__name__}")
    if not is_seconds(replay_max_lag):
        raise ConfigError("replay_max_lag: want seconds above 0, at most a year")
    return verify_by(evidence, root, demands_of_root(root, quorums, replaying, replay_max_lag))


def demands_of_root(
    root: TrustRoot,
    quorums: Sequence[WitnessQuorum] | None = None,
    replaying: WitnessQuorum | None = None,
    replay_max_lag: float = REPLAY_MAX_LAG,
) -> DemandsAt:
    """Return what a reader demands of evidence who knows the trust root alone, or names whom it trusts.

    Args:
        root: names them where the reader does not.
        quorums: as for ``verify``.
        replaying: likewise; one whose quorum is "none" trusts nobody.
        replay_max_lag: likewise.
    """
    if quorums is None:
        quorums = () if root.quorum is None else (root.quorum,)
    auditors = root.replaying if replaying is None else replaying
    demanded = Demands(tuple(quorums), ReplayTrust.of(auditors, replay_max_lag))
    return lambda _: demanded


def verify_by(evidence: str | Path | bytes, trust_root: TrustRoot, demands: DemandsAt) -> tuple[Answer, ...]:
    """Verify evidence offline as ``verify``, by demands that may depend on the size of its log."""
    return verify_with(Verifier(trust_root), evidence, None, None, demands)


def is_contradiction(data: bytes) -> bool:
    """Whether a file begins as a proof of a log's misbehaviour, instead of evidence of an answer."""
    return data.startswith(CONTRADICTION_LABEL)


def verify_contradiction(data: bytes, trust_root: TrustRoot) -> Contradiction:
    """Verify offline that the log's key has signed two checkpoints that contradict each other.

    Args:
        data: bytes of the file.
        trust_root: of the registry.

    Raises:
        VerificationError: the file proves nothing.
    """
    with verifying():
        return Contradiction.parse(data, trust_root.log_key)


def is_receipt(data: bytes) -> bool:
    """Whether a file begins as a receipt."""
    return data.startswith(TLOG_PROOF_LABEL)


def verify_receipt(data: bytes, trust_root: TrustRoot) -> Receipt:
    """Verify offline that a version of a record is in the log.

    It does not show that the key that signed the version counts, nor that the version is the newest: evidence does.

    Args:
        data: bytes of the file that ``Receipt.tlog_proof`` makes.
        trust_root: of the registry.

    Raises:
        VerificationError: the file proves nothing.
    """
    return read_receipt_file(data, trust_root.registry, trust_root.log_key)


def is_inquiry_receipt(data: bytes) -> bool:
    """Whether a file says of itself that it is the receipt of an inquiry."""
    return data.startswith(INQUIRY_RECEIPT_LABEL)


def verify_inquiry_receipt(data: bytes, trust_root: TrustRoot, evidence: bytes | None = None) -> InquiryReceipt:
    """Verify offline that the registry took in a question, and when.

    The receipt alone does not show that a key of the asker made the signature; evidence of the answer does, and with
    it the receipt shows that this very question was put.

    Args:
        data: bytes of the file that ``InquiryReceipt.encode`` makes.
        trust_root: of the registry.
        evidence: bytes of an evidence file that verifies, whose inquiry must be this one; None for the receipt alone.

    Raises:
        VerificationError: the file proves nothing, or is about another inquiry than the evidence.
    """
    receipt = read_inquiry_receipt_file(data, trust_root.registry, trust_root.log_key)
    if evidence is not None:
        with verifying():
            asked = canonical.parse(evidence_pb2.Evidence, evidence, "evidence").inquiry
        if (asked.payload, asked.signature) != (receipt.payload, receipt.signature):
            raise VerificationError("inquiry receipt", "inquiry-receipt.inquiry", want="the inquiry of the evidence")
    return receipt


def is_erasure(data: bytes) -> bool:
    """Whether a file says of itself that it is a proof of erasure."""
    return data.startswith(ERASURE_LABEL)


def verify_erasure(data: bytes, trust_root: TrustRoot) -> ErasureProof:
    """Verify offline that the registry says, signed, that a record was erased, and that the log has the leaf.

    Whom it names is shown by asking the key services, which ``Client.verify_erasure`` does for a member who knows the
    identity number.

    Args:
        data: bytes of the file that ``ErasureProof.file`` holds.
        trust_root: of the registry.

    Raises:
        VerificationError: the file proves nothing.
    """
    return read_erasure_file(data, trust_root.registry, trust_root.log_key)


def is_destruction(data: bytes) -> bool:
    """Whether a file says of itself that it is a certificate of destruction."""
    return data.startswith(DESTRUCTION_LABEL)


def verify_destruction(data: bytes, trust_root: TrustRoot) -> DestructionCertificate:
    """Verify offline what a registry says, signed, that it has destroyed, after the day and on the ground of its act.

    Args:
        data: bytes of the file.
        trust_root: of the registry.

    Raises:
        VerificationError: the file proves nothing.
    """
    with verifying():
        said, closing, checkpoint = read_destruction(data, trust_root)
    return DestructionCertificate(
        registry=said.registry,
        destroyed_at=moment(said.destroyed_at),
        rows={item.table: item.rows for item in said.destroyed},
        way=closing.way.name,
        successor="" if closing.successor is None else closing.successor.registry,
        open_until=date.fromisoformat(closing.open_until),
        approval=closing.approval,
        index=said.act_index,
        size=checkpoint.size,
        root=checkpoint.root,
    )


def is_evidence(data: bytes) -> bool:
    """Whether a file begins as evidence of an answer does."""
    return data.startswith(_VERSIONED) and not is_trust_root(data)


def is_trust_root(data: bytes) -> bool:
    """Whether a file begins as a trust root does."""
    return data.startswith(_VERSIONED) and len(data) > len(_VERSIONED) and data[len(_VERSIONED)] < _SHORT


def verify_trust_root(data: bytes, fingerprint: str = "") -> TrustRoot:
    """Verify that a trust root is the one that its genesis act makes, and that its administrators signed that act.

    Args:
        data: bytes of the file.
        fingerprint: that it must have, 64 hexadecimal digits, as an administrator told it over another channel; empty
            to compare it afterwards. Without it anybody's own registry verifies.

    Raises:
        VerificationError: the file is no trust root, or has another fingerprint.
    """
    with verifying():
        root = TrustRoot.parse(data)
    if fingerprint and not hmac.compare_digest(root.fingerprint.encode(), fingerprint.lower().encode()):
        raise VerificationError("trust root", "trust-root.fingerprint", got=root.fingerprint, want=fingerprint.lower())
    return root


def verify_with(
    verifier: Verifier,
    evidence: str | Path | bytes,
    identity: Identity | None,
    names: Mapping[int, Pseudonym] | None,
    demands: DemandsAt = nothing_demanded,
) -> tuple[Answer, ...]:
    """Verify evidence; where the pseudonyms of a person are given, it must be about that person alone.

    Raises:
        ConfigError: the file cannot be read, or is about pseudonyms under subject keys that are not served any more.
        VerificationError: a part does not verify, or the pseudonym is another's.
    """
    data = evidence if isinstance(evidence, bytes) else read_evidence(path_of(evidence, "evidence"))
    with verifying():
        parsed = canonical.parse(evidence_pb2.Evidence, data, "evidence")
        answers = read_offline(data, parsed, verifier, names, demands)
    if names is not None:
        _check_person(parsed, names)
    if identity is not None:
        answers = tuple(answer.about(identity) for answer in answers)
    return answers


def _check_person(evidence: evidence_pb2.Evidence, names: Mapping[int, Pseudonym]) -> None:
    """Check that every pseudonym of the evidence is the given person's."""
    subjects = [subject for person in evidence.persons for subject in person.subjects]
    for subject in subjects:
        known = names.get(subject.subject_key_version)
        if known is not None and not hmac.compare_digest(known.subject, subject.subject):
            raise VerificationError("person", "person.pseudonym", "the evidence is about another person")
    if retired := sorted({subject.subject_key_version for subject in subjects} - set(names)):
        versions = ", ".join(map(str, retired))
        raise ConfigError(
            f"the evidence verifies, but its person cannot be checked any more: key services do not serve "
            f"version {versions} of the subject keys; verify it without an identity number"
        )


def read_evidence(path: Path) -> bytes:
    """Return the bytes of an evidence file.

    Raises:
        ConfigError: it cannot be read, or is longer than any evidence.
    """
    try:
        # Never more than the limit: a pipe does not tell its length.
        with path.open("rb") as file:
            data = file.read(MAX_EVIDENCE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > MAX_EVIDENCE_BYTES:
        raise ConfigError(f"{path} is longer than any evidence")
    return data
