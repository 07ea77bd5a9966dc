"""``erasure``: the proof for a person that a record was erased."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuerOption, IssuingStateOption, any_record
from client_sdk.cli.ui.output import Json, pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.forms import moment_text
from client_sdk.models import ErasureProof, IdType, RecordKey
from client_sdk.texts import say

__all__ = ["erasure_content", "erasure_rows", "register"]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="Proofs that a record was erased.", no_args_is_help=True)
    app.add_typer(group, name="erasure")

    @verb(
        group,
        "proof",
        examples=[
            "erasure proof 01234567-89ab-8def-8123-456789abcdef --identity-file number.txt --out loan-4711.erasure",
            "erasure proof lender-1/01234567-89ab-8def-8123-456789abcdef --identity-file number.txt -o loan.erasure",
        ],
    )
    def proof(
        session: Run,
        /,
        *,
        record: Annotated[
            RecordKey,
            typer.Argument(
                parser=any_record, metavar="[ISSUER/]RECORD", help="An own record, or for a representative any."
            ),
        ],
        out: Annotated[
            Path, typer.Option("--out", "-o", metavar="FILE", help="Write it to a new file, for the person.")
        ],
        issuer: IssuerOption = "",
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
    ) -> ExitCode:
        """Get the registry's signed proof that a record was erased, for the person whom it was about.

        With --identity-file it names the person, so that only who knows the identity number can tell whose it is. Check
        the number with care: the registry knows no more whom the record was about, so it cannot refuse a wrong person,
        and that it was this person is your word alone. `verify FILE` verifies the proof offline, for anybody.
        """
        given = identity_file is not None
        identity = read_identity(session, identity_file, id_type, issuing_state) if given else None
        with OutputFile(out) as target:
            with session.client() as client:
                found = client.erasure_proof(record.record_id, issuer or record.issuer, identity=identity)
            target.write(session.output, found.file)
        session.output.result(
            erasure_content(found) | {"file": target.written},
            say("Erased: {issuer}/{uuid}", issuer=found.issuer, uuid=found.uuid),
            pairs([*erasure_rows(found), *([] if target.written is None else [("  written to", target.written)])]),
        )
        return target.code


def erasure_content(proof: ErasureProof) -> dict[str, Json]:
    """Return what a verb tells of a proof of erasure: all but the bytes of its file."""
    return {name: value for name, value in proof.to_dict().items() if name != "file"}


def erasure_rows(proof: ErasureProof) -> list[tuple[str, object]]:
    """Return the lines that describe a proof of erasure."""
    return [
        ("  by", proof.by),
        ("  erased", say("{erased_at} at leaf {index}", erased_at=moment_text(proof.erased_at), index=proof.index)),
        (
            "  person",
            say("named by {asker}, whose word alone it is", asker=proof.asker)
            if proof.names_person
            else say("not named"),
        ),
        ("  checkpoint", say("of {size} leaves", size=proof.size)),
    ]
