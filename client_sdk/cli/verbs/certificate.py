"""``certificate``: TLS certificates. The registry's CA certifies the TLS keys that a member vouches for."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from client_sdk.acts import CertificateRequest, EnrolmentFile
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.options import word_option
from client_sdk.cli.ui.output import Json, pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs import certificate_keys
from client_sdk.forms import plain
from client_sdk.home import create_next_tls_key, install_own_certificate, request_certificate
from client_sdk.models import KeyUsage
from client_sdk.signing import chain_pem, read_chain
from client_sdk.texts import say
from client_sdk.whole_file import read_whole

__all__ = ["register"]

NewKeyOption = Annotated[
    bool, typer.Option("--new-key", help="For a new TLS key, which takes the old one's place once it is certified.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        cls=Verbs, help="TLS certificates: install, renew, request, issue, list, revoke.", no_args_is_help=True
    )
    app.add_typer(group, name="certificate")
    certificate_keys.register(group)

    @verb(
        group,
        "install",
        examples=["certificate install lender-1.pem", "certificate install lender-1.pem --ca ca.pem"],
    )
    def install(
        session: Run,
        /,
        *,
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Certificate with its chain, PEM.")],
        ca: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="The registry's ca.pem, unless FILE ends with it.", show_default=False),
        ] = None,
    ) -> None:
        """Install the certificate that an administrator handed back, and the registry's CA with it."""
        certificate = read_whole(file)
        installed = install_own_certificate(session.config(), certificate, None if ca is None else read_whole(ca))
        session.output.result(_content(installed), *_lines(session, installed, "installed"))

    @verb(group, "renew", examples=["certificate renew", "certificate renew --new-key"])
    def renew(session: Run, /, *, new_key: NewKeyOption = False) -> None:
        """Get a new certificate over the one that still runs; a signing key of this home vouches for the TLS key.

        It also works after the signing key that vouched before has ended, as long as another one runs.
        """
        with session.client() as client:
            chain = read_chain(client.renew_certificate(new_key=new_key), say("the answer"))
        session.output.result(_content(chain[0]), *_lines(session, chain[0], "renewed"))

    @verb(
        group,
        "request",
        examples=["certificate request --out lender-1.request.json", "certificate request --new-key --out r.json"],
    )
    def request(
        session: Run,
        /,
        *,
        out: Annotated[Path, typer.Option(metavar="FILE", help="New file for the request; it holds no secret.")],
        usage: Annotated[
            KeyUsage | None, word_option(KeyUsage, "Signing key that vouches; without it the first of this home.")
        ] = None,
        new_key: NewKeyOption = False,
    ) -> ExitCode:
        """Write a request that an administrator carries, where this home cannot talk to the registry.

        Such as because the certificate has expired, or the TLS key was revoked: then with --new-key.
        """
        config = session.config()
        with OutputFile(out) as target:
            tls_key = create_next_tls_key(config) if new_key else config.tls_key_pem()
            signer = config.signer(next(iter(config.keys)) if usage is None else usage)
            made = request_certificate(config, tls_key, signer, datetime.now(UTC))
            target.write(session.output, made.encode())
        key = made.vouch.claim.spki_hash.hex()
        handed_out = [
            say("Wrote {out}. Hand it to an administrator, who runs:", out=out),
            f"  {session.their_command} certificate issue --request {out.name} --out {config.institution}.pem",
        ]
        session.output.result(
            {"institution": config.institution, "spki_hash": key, "file": target.written},
            *(handed_out if target.written else []),
            pairs([("  TLS key", key)]),
        )
        return target.code

    @verb(
        group,
        "issue",
        examples=[
            "--home admin-1 certificate issue --enrolment lender-1.enrolment.json --out lender-1.pem",
            "--home admin-1 certificate issue --request lender-1.request.json --out lender-1.pem",
        ],
    )
    def issue(
        session: Run,
        /,
        *,
        enrolment: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Enrolment file of a new member.", show_default=False)
        ] = None,
        request: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="What `certificate request` wrote.", show_default=False),
        ] = None,
        out: Annotated[
            Path, typer.Option(metavar="FILE", help="New file for the certificate, with the CA's behind it.")
        ],
    ) -> ExitCode:
        """Carry a member's request to the registry, and hand the certificate back (administrators).

        The registry issues it only for a TLS key that a running signing key of the member vouches for. The file holds
        no secret.
        """
        asked = _asked(enrolment, request)
        authority = read_chain(read_whole(session.config().tls_ca), say("the CA"))
        with OutputFile(out) as target:
            with session.client() as client:
                issued = client.issue_certificate(asked)
            chain = read_chain(issued, say("the answer"))
            target.write(session.output, chain_pem([*chain, *(one for one in authority if one not in chain)]))
        session.output.result(
            _content(chain[0]) | {"file": target.written},
            *(
                _handed_out(session, asked.institution, out)
                if target.written
                else [say("Issued for {institution}.", institution=asked.institution)]
            ),
        )
        return target.code


def _handed_out(session: Run, institution: str, out: Path) -> list[str]:
    return [
        say("Wrote {out} for {institution}. Hand it to the member, who runs:", out=out, institution=institution),
        f"  {session.their_command} certificate install {out.name}",
    ]


def _asked(enrolment: Path | None, request: Path | None) -> CertificateRequest:
    if enrolment is not None and request is None:
        return CertificateRequest.of(EnrolmentFile.parse(read_whole(enrolment)))
    if request is not None and enrolment is None:
        return CertificateRequest.parse(read_whole(request))
    raise UsageError(say("what is asked for is not clear"), say("give --enrolment for a new member, or --request."))


def _content(certificate: x509.Certificate) -> dict[str, Json]:
    return {
        "not_before": plain(certificate.not_valid_before_utc),
        "not_after": plain(certificate.not_valid_after_utc),
        "serial": f"{certificate.serial_number:x}",
    }


def _lines(session: Run, certificate: x509.Certificate, done: str) -> list[str]:
    return [
        say(
            "The certificate was {done}; it is good until {not_valid_after_utc:%Y-%m-%d}.",
            done=done,
            not_valid_after_utc=certificate.not_valid_after_utc,
        ),
        say("Renew it before that day: {command} certificate renew", command=session.command),
    ]
