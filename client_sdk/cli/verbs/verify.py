"""``verify``: verify evidence, receipts, proofs of misbehaviour and trust roots offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from client_sdk.checkpoints import NO_QUORUM, WitnessQuorum, read_auditors
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuingStateOption, ReplayMaxLagOption
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import answer_lines, receipt_content
from client_sdk.cli.ui.told_contradiction import tell_contradiction
from client_sdk.cli.ui.trust_shown import FingerprintOption, fingerprint_of, trust_content, trust_lines
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.erasure import erasure_content, erasure_rows
from client_sdk.config import CONFIG_FILE
from client_sdk.errors import VerificationError
from client_sdk.forms import moment_text, plain
from client_sdk.models import Identity, IdType
from client_sdk.models.answer import Answer
from client_sdk.models.destruction import DestructionCertificate
from client_sdk.models.erasure import ErasureProof
from client_sdk.models.receipt import InquiryReceipt, Receipt
from client_sdk.models.replayed import REPLAY_MAX_LAG
from client_sdk.verification import (
    is_contradiction,
    is_destruction,
    is_erasure,
    is_inquiry_receipt,
    is_receipt,
    is_trust_root,
    read_evidence,
    read_trust_root,
    verify_contradiction,
    verify_destruction,
    verify_erasure,
    verify_inquiry_receipt,
    verify_receipt,
    verify_trust_root,
)
from client_sdk.verification import verify as verify_offline
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from client_sdk import TrustRoot
    from client_sdk.cli.ui.output import Json

__all__ = ["register"]

# What an evidence file cannot prove.
NOT_PROVED = (
    "That the pseudonym is a given person's is not proved by this file: only asking the key services again shows it, "
    "which a member who knows the identity number does with --identity-file."
)
# What a trust root cannot prove of itself.
NOT_COMPARED = (
    "That it is the registry's is shown by the fingerprint alone: compare it with the one that an administrator told "
    "you over another channel, or give that one with --fingerprint."
)
NAMED = (
    "The key services gave the same pseudonym for the identity number: the proof names that person. That the record "
    "was about this person is the word of {asker}, which asked for the proof: the registry knew it no more."
)
PROVED = "The key services gave the same pseudonym for the identity number: the file is about that person."


# Of a checkpoint of another log than that of the trust root.
_OTHER_LOG = "checkpoint.origin"

FileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Evidence, a receipt, a proof or a trust root."),
]
TrustRootOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Trust root; without it that of the home.", show_default=False),
]
WitnessQuorumOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="C2SP tlog-policy: the witnesses that you trust; without it those of the home or the trust root.",
        show_default=False,
    ),
]
ReplayQuorumOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="C2SP tlog-policy: the auditors that you trust to rebuild the log; without it as for witnesses.",
        show_default=False,
    ),
]
InquiryReceiptOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Receipt of the inquiry that the evidence answers: shows that it was put, and when.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "verify",
        examples=[
            "verify --trust-root trust-root.bin loan-4711.evidence",
            "--home lender-1 verify loan-4711.evidence",
            "--home lender-1 verify loan-4711.evidence --identity-file number.txt",
            "verify --trust-root trust-root.bin loan-4711.evidence --witness-quorum witnesses.policy",
            "verify --trust-root trust-root.bin loan-4711.evidence --replay-quorum auditors.policy",
            "verify --trust-root trust-root.bin loan-4711.tlog-proof",
            "verify --trust-root trust-root.bin loan-4711.inquiry-receipt",
            "verify --trust-root trust-root.bin loan-4711.evidence --inquiry-receipt loan-4711.inquiry-receipt",
            "verify --trust-root trust-root.bin loan-4711.erasure",
            "verify --trust-root trust-root.bin destruction.bin",
            "verify --trust-root trust-root.bin contradiction-0123456789abcdef.proof",
            "verify trust-root.bin --fingerprint 3f1c…",
        ],
    )
    def verify(
        session: Run,
        /,
        *,
        file: FileArgument,
        trust_root: TrustRootOption = None,
        witness_quorum: WitnessQuorumOption = None,
        replay_quorum: ReplayQuorumOption = None,
        replay_max_lag: ReplayMaxLagOption = None,
        inquiry_receipt: InquiryReceiptOption = None,
        fingerprint: FingerprintOption = None,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
    ) -> ExitCode:
        """Verify evidence, a receipt or a trust root offline: no account, no network, nothing is taken on trust.

        Ends with 0 if every part verifies, with 1 if one does not; it then names that part. With --identity-file a
        member asks the key services again, so that it is also shown whom the file is about. A file that proves that
        the log's key has signed two histories ends it with 6. A trust root is held against --fingerprint.
        """
        check_file(file, "give the evidence that `check --save` wrote; an identity number goes elsewhere.", pipe=True)
        wanted = fingerprint_of(fingerprint)
        if sum(option is not None for option in (inquiry_receipt, fingerprint, identity_file)) > 1:
            raise UsageError(
                "--inquiry-receipt, --fingerprint and --identity-file do not go together", "use one a run."
            )
        demanded = {"--witness-quorum": witness_quorum, "--replay-quorum": replay_quorum}
        if identity_file is not None and (given := [name for name, option in demanded.items() if option is not None]):
            hint = "a home has witnesses.policy, and takes auditors from the rulebook that it follows."
            raise UsageError(f"{given[0]} and --identity-file do not go together", hint)
        try:
            if identity_file is not None:
                identity = read_identity(session, identity_file, id_type, issuing_state)
                _verify_person(session, file, _trust_root(session, trust_root), identity, replay_max_lag)
                return ExitCode.OK
            data = read_evidence(file)
            if wanted or (inquiry_receipt is None and is_trust_root(data)):
                _accept_trust_root(session, file, verify_trust_root(data, wanted), compared=bool(wanted))
                return ExitCode.OK
            root = _trust_root(session, trust_root)
            demands = _Demands(session, trust_root, witness_quorum, replay_quorum, replay_max_lag)
            if inquiry_receipt is not None:
                answers = demands.verify(data, root)
                put = verify_inquiry_receipt(read_evidence(inquiry_receipt), root, data)
                _accept(session, file, root.fingerprint, answers, put, namer=demands.namer)
                return ExitCode.OK
            return _verify_file(session, file, data, root, demands)
        except VerificationError as error:
            _refuse(session, file, error)
            return ExitCode.FOUND


def _verify_person(session: Run, file: Path, root: "TrustRoot", identity: Identity, replay_max_lag: int | None) -> None:
    """Ask the key services again, which shows whom a file is about."""
    data = read_evidence(file)
    with session.client(replay_max_lag=replay_max_lag) as client:
        if is_erasure(data):
            _accept_erasure(session, file, root.fingerprint, client.verify_erasure(data, identity), asked=True)
            return
        answers = client.verify(data, identity)
    _accept(session, file, root.fingerprint, answers, asked=True)


def _verify_file(session: Run, file: Path, data: bytes, root: "TrustRoot", demands: "_Demands") -> ExitCode:
    """Verify a file offline, by what it is."""
    if is_contradiction(data):
        tell_contradiction(session, file, verify_contradiction(data, root))
        return ExitCode.MISBEHAVIOUR
    if is_receipt(data):
        _accept_receipt(session, file, root.fingerprint, verify_receipt(data, root))
    elif is_erasure(data):
        _accept_erasure(session, file, root.fingerprint, verify_erasure(data, root), asked=False)
    elif is_destruction(data):
        _accept_destruction(session, file, root.fingerprint, verify_destruction(data, root))
    elif is_inquiry_receipt(data):
        _accept_inquiry_receipt(session, file, root.fingerprint, verify_inquiry_receipt(data, root))
    else:
        _accept(session, file, root.fingerprint, demands.verify(data, root), namer=demands.namer)
    return ExitCode.OK


def _trust_root(session: Run, file: Path | None) -> "TrustRoot":
    """Return the trust root of a file, else of the home."""
    if file is not None:
        return read_trust_root(file)
    if not (session.home / CONFIG_FILE).exists():
        hint = "give --trust-root FILE with the registry's trust-root.bin; only a member's home has one of its own."
        raise UsageError("there is no trust root to verify against", hint)
    return session.config().trust_root()


class _Demands(NamedTuple):
    """What the reader of evidence demands of witnesses and auditors.

    Attributes:
        session: of the verb.
        root: file of the trust root; None for that of the home.
        witnesses: file of a policy; None for those of the home, else of the trust root.
        auditors: likewise of the auditors that rebuild the log.
        max_lag: seconds; None for what the home says, else a day.
    """

    session: Run
    root: Path | None
    witnesses: Path | None
    auditors: Path | None
    max_lag: float | None

    def verify(self, data: bytes, root: "TrustRoot") -> tuple[Answer, ...]:
        """Verify evidence by them."""
        quorums, auditors = self._quorums(), self._auditors()
        return verify_offline(data, root, quorums, replaying=auditors, replay_max_lag=self._lag())

    @property
    def namer(self) -> str:
        """What names the auditors: a file of its own knows no later rulebook than the founding one."""
        if self.auditors is not None:
            return "policy"
        return "trust root" if self.root is not None else "rulebook"

    def _quorums(self) -> tuple[WitnessQuorum, ...] | None:
        if self.witnesses is not None:
            quorum = WitnessQuorum.parse(read_whole(self.witnesses))
            return () if quorum.quorum == NO_QUORUM else (quorum,)
        if self.root is not None:
            return None
        from client_sdk.quorums import quorums_of_home  # noqa: PLC0415 - loads gRPC, which most files never need

        return quorums_of_home(self.session.config())

    def _auditors(self) -> WitnessQuorum | None:
        if self.auditors is not None:
            return read_auditors(read_whole(self.auditors))
        if self.root is not None:
            return None
        from client_sdk.quorums import replaying_of_home  # noqa: PLC0415 - loads gRPC, which most files never need

        return replaying_of_home(self.session.config())

    def _lag(self) -> float:
        if self.max_lag is not None:
            return self.max_lag
        return REPLAY_MAX_LAG if self.root is not None else self.session.config().replay_max_lag


def _refuse(session: Run, file: Path, error: VerificationError) -> None:
    session.output.result(
        {"verified": False, "file": str(file), "part": error.part, "rule": error.rule, "message": error.message},
        f"REFUSED: {file} does not verify.",
        f"  part: {error.part}",
        f"  rule: {error.rule}" + (f" ({error.message})" if error.message else ""),
        _meaning(error),
    )


def _meaning(error: VerificationError) -> str:
    if error.rule != _OTHER_LOG:
        return "Rely on nothing in it: it was changed, or belongs to another registry or person."
    got, want = (name.partition("/log/")[0] for name in (error.complaint.got, error.complaint.want))
    return f"It is of another registry: got {got}, want {want}. Verify it against the trust root of that one."


def _accept_receipt(session: Run, file: Path, fingerprint: str, receipt: Receipt) -> None:
    session.output.result(
        receipt_content(receipt) | {"verified": True, "file": str(file), "fingerprint": fingerprint},
        f"VERIFIED: version {receipt.version} of {receipt.uuid} is in the log of the trust root {fingerprint}.",
        pairs(
            [
                ("  issuer", receipt.issuer),
                ("  leaf", receipt.index),
                ("  logged", moment_text(receipt.logged_at)),
                ("  checkpoint", f"of {receipt.size} leaves"),
            ]
        ),
        "A receipt does not show that this version is the newest, or that the key that signed it counts.",
    )


def _accept_erasure(session: Run, file: Path, fingerprint: str, proof: ErasureProof, *, asked: bool) -> None:
    last = (
        NAMED.format(asker=proof.asker)
        if asked
        else "Whom it was about is shown to a member who knows the identity number alone."
    )
    session.output.result(
        erasure_content(proof)
        | {"verified": True, "file": str(file), "fingerprint": fingerprint, "person_proved": asked},
        f"VERIFIED: the registry of the trust root {fingerprint} says that it has erased {proof.issuer}/{proof.uuid}.",
        pairs(erasure_rows(proof)),
        last,
    )


def _accept_destruction(session: Run, file: Path, fingerprint: str, certificate: DestructionCertificate) -> None:
    session.output.result(
        certificate.to_dict() | {"verified": True, "file": str(file), "fingerprint": fingerprint},
        f"VERIFIED: the registry of the trust root {fingerprint} says that it has destroyed what it held.",
        pairs(
            [
                ("  destroyed", moment_text(certificate.destroyed_at)),
                ("  closed by", f"the act at leaf {certificate.index}, approved by {certificate.approval}"),
                ("  members were served until", certificate.open_until),
                ("  an export is held by", certificate.successor or "nobody"),
                *((f"  {table}", f"{rows} rows") for table, rows in certificate.rows.items()),
                ("  log", f"{certificate.size} leaves, root {certificate.root.hex()}"),
            ]
        ),
        "That no copy is left elsewhere is the registry's word. Evidence and receipts of its log still verify.",
    )


def _accept_inquiry_receipt(session: Run, file: Path, fingerprint: str, receipt: InquiryReceipt) -> None:
    session.output.result(
        receipt_content(receipt) | {"verified": True, "file": str(file), "fingerprint": fingerprint},
        f"VERIFIED: an inquiry of {receipt.asker} is in the log of the trust root {fingerprint}.",
        pairs(
            [
                ("  inquiry", receipt.inquiry_id.hex()),
                ("  purpose", receipt.purpose.name),
                ("  persons", receipt.persons),
                ("  signed", moment_text(receipt.issued_at)),
                ("  received", moment_text(receipt.received_at)),
                ("  outcome", receipt.outcome),
                ("  place", f"leaf {receipt.index} of the inquiry tree, in a log of {receipt.size} leaves"),
            ]
        ),
        "That a key of the asker signed it is not shown by this file: the evidence of the answer shows it.",
    )


def _accept_trust_root(session: Run, file: Path, root: "TrustRoot", *, compared: bool) -> None:
    session.output.result(
        trust_content(root) | {"verified": True, "file": str(file), "fingerprint_compared": compared},
        f"VERIFIED: {file} is the trust root that its genesis act makes, signed by its administrators.",
        *trust_lines(root),
        "It has the fingerprint that you gave." if compared else NOT_COMPARED,
    )


def _accept(
    session: Run,
    file: Path,
    fingerprint: str,
    answers: tuple[Answer, ...],
    put: InquiryReceipt | None = None,
    *,
    asked: bool = False,
    namer: str = "rulebook",
) -> None:
    persons: list[Json] = [answer.to_dict() for answer in answers]
    last = PROVED if asked else NOT_PROVED
    received = None if put is None else put.received_at
    shown = [] if received is None else [f"The registry took in this inquiry at {moment_text(received)}.", ""]
    session.output.result(
        {
            "verified": True,
            "file": str(file),
            "registry": answers[0].registry,
            "fingerprint": fingerprint,
            "as_of": plain(answers[0].as_of),
            "person_proved": asked,
            "inquiry_received_at": plain(received),
            "persons": persons,
            "note": last,
        },
        f"VERIFIED: every part of {file} follows from the trust root {fingerprint}.",
        *(line for answer in answers for line in answer_lines(answer, namer=namer)),
        "",
        *shown,
        last,
    )
