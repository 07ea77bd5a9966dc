"""``verify``: verify evidence, receipts, proofs of misbehaviour and trust roots offline."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.demands import (
    Demanded,
    ReplayMaxLagOption,
    ReplayQuorumOption,
    TrustRootOption,
    WitnessQuorumOption,
    trust_root_of,
)
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.kind_of_file import kind_of_file
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuingStateOption
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import answer_lines, receipt_content
from client_sdk.cli.ui.told_contradiction import tell_contradiction
from client_sdk.cli.ui.trust_shown import FingerprintOption, fingerprint_of, trust_content, trust_lines
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.erasure import erasure_content, erasure_rows
from client_sdk.errors import VerificationError
from client_sdk.forms import moment_text, plain
from client_sdk.models import Identity, IdType
from client_sdk.models.answer import Answer
from client_sdk.models.destruction import DestructionCertificate
from client_sdk.models.erasure import ErasureProof
from client_sdk.models.receipt import InquiryReceipt, Receipt
from client_sdk.texts import N_, say
from client_sdk.verification import (
    is_contradiction,
    is_destruction,
    is_erasure,
    is_evidence,
    is_inquiry_receipt,
    is_receipt,
    is_trust_root,
    read_evidence,
    verify_by,
    verify_contradiction,
    verify_destruction,
    verify_erasure,
    verify_inquiry_receipt,
    verify_receipt,
    verify_trust_root,
)

if TYPE_CHECKING:
    from client_sdk import Client, TrustRoot
    from client_sdk.cli.ui.output import Json

__all__ = ["register"]

# What an evidence file cannot prove.
NOT_PROVED = N_(
    "That the pseudonym is a given person's is not proved by this file: only asking the key services again "
    "shows it, which a member who knows the identity number does with --identity-file."
)
# What a trust root cannot prove of itself.
NOT_COMPARED = N_(
    "That it is the registry's is shown by the fingerprint alone: compare it with the one that an "
    "administrator told you over another channel, or give that one with --fingerprint."
)
NAMED = N_(
    "The key services gave the same pseudonym for the identity number: the proof names that person. That the "
    "record was about this person is the word of {asker}, which asked for the proof: the registry knew it no "
    "more."
)
# What `verify` judges.
VERIFIED_FILES = N_(
    "Verified are: evidence of an answer, also of a person's own report; receipts of records and of inquiries; proofs "
    "of erasure and of misbehaviour; certificates of destruction; trust roots."
)
PROVED = N_("The key services gave the same pseudonym for the identity number: the file is about that person.")


# Of a checkpoint of another log than that of the trust root.
_OTHER_LOG = "checkpoint.origin"

FileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Evidence, a receipt, a proof or a trust root."),
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
        check_file(
            file, say("give the evidence that `check --save` wrote; an identity number goes elsewhere."), pipe=True
        )
        wanted = fingerprint_of(fingerprint)
        if sum(option is not None for option in (inquiry_receipt, fingerprint, identity_file)) > 1:
            raise UsageError(
                say("--inquiry-receipt, --fingerprint and --identity-file do not go together"), say("use one a run.")
            )
        demanded = Demanded(session, trust_root, witness_quorum, replay_quorum, replay_max_lag)
        data = read_evidence(file)
        try:
            if identity_file is not None:
                demanded.refuse_files()
                identity = read_identity(session, identity_file, id_type, issuing_state)
                root = trust_root_of(session, trust_root)
                with session.client(replay_max_lag=replay_max_lag) as client:
                    _verify_person(session, client, file, data, root, identity)
                return ExitCode.OK
            if wanted or (inquiry_receipt is None and is_trust_root(data)):
                _accept_trust_root(session, file, verify_trust_root(data, wanted), compared=bool(wanted))
                return ExitCode.OK
            root = trust_root_of(session, trust_root)
            if inquiry_receipt is not None:
                answers = verify_by(data, root, demanded.of(root))
                put = verify_inquiry_receipt(read_evidence(inquiry_receipt), root, data)
                _accept(session, file, root.fingerprint, answers, put, namer=demanded.namer)
                return ExitCode.OK
            return _verify_file(session, file, data, root, demanded)
        except VerificationError as error:
            _refuse(session, file, error, data)
            return ExitCode.FOUND


def _verify_person(
    session: Run, client: "Client", file: Path, data: bytes, root: "TrustRoot", identity: Identity
) -> None:
    """Ask the key services again, which shows whom a file is about."""
    if is_erasure(data):
        _accept_erasure(session, file, root.fingerprint, client.verify_erasure(data, identity), asked=True)
        return
    _accept(session, file, root.fingerprint, client.verify(data, identity), asked=True)


def _verify_file(session: Run, file: Path, data: bytes, root: "TrustRoot", demanded: Demanded) -> ExitCode:
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
        _accept(session, file, root.fingerprint, verify_by(data, root, demanded.of(root)), namer=demanded.namer)
    return ExitCode.OK


def _refuse(session: Run, file: Path, error: VerificationError, data: bytes) -> None:
    content: Json = {
        "verified": False,
        "file": str(file),
        "part": error.part,
        "rule": error.rule,
        "message": error.message,
    }
    if error.part == "evidence" and not is_evidence(data):
        session.output.result(
            content,
            say(
                "REFUSED: {file} is none of the files that are verified: it holds {kind}.",
                file=file,
                kind=say(kind_of_file(data)),
            ),
            say(VERIFIED_FILES),
        )
        return
    session.output.result(
        content,
        say("REFUSED: {file} does not verify.", file=file),
        say("  part: {part}", part=error.part),
        say("  rule: {rule}", rule=error.rule) + (f" ({error.message})" if error.message else ""),
        _meaning(error),
    )


def _meaning(error: VerificationError) -> str:
    if error.rule != _OTHER_LOG:
        return say("Rely on nothing in it: it was changed, or belongs to another registry or person.")
    got, want = (name.partition("/log/")[0] for name in (error.complaint.got, error.complaint.want))
    return say(
        "It is of another registry: got {got}, want {want}. Verify it against the trust root of that one.",
        got=got,
        want=want,
    )


def _accept_receipt(session: Run, file: Path, fingerprint: str, receipt: Receipt) -> None:
    session.output.result(
        receipt_content(receipt) | {"verified": True, "file": str(file), "fingerprint": fingerprint},
        say(
            "VERIFIED: version {version} of {uuid} is in the log of the trust root {fingerprint}.",
            version=receipt.version,
            uuid=receipt.uuid,
            fingerprint=fingerprint,
        ),
        pairs(
            [
                ("  issuer", receipt.issuer),
                ("  leaf", receipt.index),
                ("  logged", moment_text(receipt.logged_at)),
                ("  checkpoint", say("of {size} leaves", size=receipt.size)),
            ]
        ),
        say("A receipt does not show that this version is the newest, or that the key that signed it counts."),
    )


def _accept_erasure(session: Run, file: Path, fingerprint: str, proof: ErasureProof, *, asked: bool) -> None:
    last = (
        say(NAMED, asker=proof.asker)
        if asked
        else say("Whom it was about is shown to a member who knows the identity number alone.")
    )
    session.output.result(
        erasure_content(proof)
        | {"verified": True, "file": str(file), "fingerprint": fingerprint, "person_proved": asked},
        say(
            "VERIFIED: the registry of the trust root {fingerprint} says that it has erased {issuer}/{uuid}.",
            fingerprint=fingerprint,
            issuer=proof.issuer,
            uuid=proof.uuid,
        ),
        pairs(erasure_rows(proof)),
        last,
    )


def _accept_destruction(session: Run, file: Path, fingerprint: str, certificate: DestructionCertificate) -> None:
    session.output.result(
        certificate.to_dict() | {"verified": True, "file": str(file), "fingerprint": fingerprint},
        say(
            "VERIFIED: the registry of the trust root {fingerprint} says that it has destroyed what it held.",
            fingerprint=fingerprint,
        ),
        pairs(
            [
                ("  destroyed", moment_text(certificate.destroyed_at)),
                (
                    "  closed by",
                    say(
                        "the act at leaf {index}, approved by {approval}",
                        index=certificate.index,
                        approval=certificate.approval,
                    ),
                ),
                ("  members were served until", certificate.open_until),
                ("  an export is held by", certificate.successor or say("nobody")),
                *((f"  {table}", say("{rows} rows", rows=rows)) for table, rows in certificate.rows.items()),
                ("  log", say("{size} leaves, root {root}", size=certificate.size, root=certificate.root.hex())),
            ]
        ),
        say("That no copy is left elsewhere is the registry's word. Evidence and receipts of its log still verify."),
    )


def _accept_inquiry_receipt(session: Run, file: Path, fingerprint: str, receipt: InquiryReceipt) -> None:
    session.output.result(
        receipt_content(receipt) | {"verified": True, "file": str(file), "fingerprint": fingerprint},
        say(
            "VERIFIED: an inquiry of {asker} is in the log of the trust root {fingerprint}.",
            asker=receipt.asker,
            fingerprint=fingerprint,
        ),
        pairs(
            [
                ("  inquiry", receipt.inquiry_id.hex()),
                ("  purpose", receipt.purpose.name),
                ("  persons", receipt.persons),
                ("  signed", moment_text(receipt.issued_at)),
                ("  received", moment_text(receipt.received_at)),
                ("  outcome", receipt.outcome),
                (
                    "  place",
                    say(
                        "leaf {index} of the inquiry tree, in a log of {size} leaves",
                        index=receipt.index,
                        size=receipt.size,
                    ),
                ),
            ]
        ),
        say("That a key of the asker signed it is not shown by this file: the evidence of the answer shows it."),
    )


def _accept_trust_root(session: Run, file: Path, root: "TrustRoot", *, compared: bool) -> None:
    session.output.result(
        trust_content(root) | {"verified": True, "file": str(file), "fingerprint_compared": compared},
        say("VERIFIED: {file} is the trust root that its genesis act makes, signed by its administrators.", file=file),
        *trust_lines(root),
        say("It has the fingerprint that you gave.") if compared else say(NOT_COMPARED),
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
    last = say(PROVED) if asked else say(NOT_PROVED)
    received = None if put is None else put.received_at
    shown = (
        []
        if received is None
        else [say("The registry took in this inquiry at {received}.", received=moment_text(received)), ""]
    )
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
        say(
            "VERIFIED: every part of {file} follows from the trust root {fingerprint}.",
            file=file,
            fingerprint=fingerprint,
        ),
        *(line for answer in answers for line in answer_lines(answer, namer=namer)),
        "",
        *shown,
        last,
    )
