"""``certificate``: who talks. The registry's own small CA issues it from a request; signatures are another matter."""

from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from client_sdk.cli.exit_codes import ExitCode
from client_sdk.cli.failures import UsageError
from client_sdk.cli.group import Verbs
from client_sdk.cli.holders import institutions_of
from client_sdk.cli.output import Json
from client_sdk.cli.session import Session
from client_sdk.cli.target import Target
from client_sdk.cli.verb import verb
from client_sdk.errors import ConfigError
from client_sdk.home import install_certificate
from client_sdk.ledger.enrolment_file import EnrolmentFile
from client_sdk.signing import create_certificate_request, read_private

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="TLS certificates: install, renew, issue.", no_args_is_help=True)
    app.add_typer(group, name="certificate")

    @verb(
        group,
        "install",
        examples=["certificate install lender-1.pem", "certificate install lender-1.pem --ca ca.pem"],
    )
    def install(
        session: Session,
        /,
        *,
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Certificate with its chain, PEM.")],
        ca: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="The registry's ca.pem, unless FILE ends with it.", show_default=False),
        ] = None,
    ) -> None:
        """Install the certificate that an administrator handed back, and the registry's CA with it."""
        chain = _read_chain(file.read_bytes(), str(file))
        authority = None if ca is None else _pem(_read_chain(ca.read_bytes(), str(ca)))
        if authority is None and len(chain) > 1 and chain[-1].issuer == chain[-1].subject:
            authority = _pem(chain[-1:])
        _check_own(session, chain[0])
        if authority is None and not session.config().tls_ca.exists():
            raise UsageError("this home has no CA yet", "give --ca with the ca.pem of the registry.")
        install_certificate(session.home, _pem(chain), authority)
        session.output.result(_content(chain[0]), *_lines(chain[0], "installed"))

    @verb(group, "renew", examples=["certificate renew"])
    def renew(session: Session) -> None:
        """Get a new certificate for the TLS key of this home, over the one that still runs."""
        with session.client() as client:
            chain = _read_chain(client.renew_certificate(), "the answer")
        session.output.result(_content(chain[0]), *_lines(chain[0], "renewed"))

    @verb(
        group,
        "issue",
        examples=["--home admin-1 certificate issue --enrolment lender-1.enrolment.json --out lender-1.pem"],
    )
    def issue(
        session: Session,
        /,
        *,
        enrolment: Annotated[Path, typer.Option(metavar="FILE", help="Enrolment file of the new member.")],
        out: Annotated[
            Path, typer.Option(metavar="FILE", help="New file for the certificate, with the CA's behind it.")
        ],
    ) -> ExitCode:
        """Issue the first certificate of a member whose enrolment is in the log (administrators).

        Hand the file back to the member; it holds no secret.
        """
        file = EnrolmentFile.parse(enrolment.read_bytes())
        authority = _read_chain(session.config().tls_ca.read_bytes(), "the CA")
        with Target(out) as target:
            with session.client() as client:
                issued = client.issue_certificate(file.csr, file.enrolment.id)
            chain = _read_chain(issued, "the answer")
            target.write(session.output, _pem([*chain, *(one for one in authority if one not in chain)]))
        session.output.result(
            _content(chain[0]) | {"file": target.written},
            *(_handed_out(file.enrolment.id, out) if target.written else [f"Issued for {file.enrolment.id}."]),
        )
        return target.code


def _handed_out(institution: str, out: Path) -> list[str]:
    return [
        f"Wrote {out} for {institution}. Hand it to the member, who runs:",
        f"  credit-registry certificate install {out.name}",
    ]


def _read_chain(pem: bytes, name: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise ConfigError(f"{name} holds no certificate in PEM") from None


def _pem(chain: list[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in chain)


def _check_own(session: Session, certificate: x509.Certificate) -> None:
    """Refuse a certificate of somebody else or for another key.

    Raises:
        ConfigError: it is one.
    """
    config = session.config()
    if config.institution not in institutions_of(certificate):
        raise ConfigError(f"the certificate is not for {config.institution}")
    request = x509.load_pem_x509_csr(create_certificate_request(read_private(config.tls_key), config.institution))
    if request.public_key() != certificate.public_key():
        raise ConfigError("the certificate is for another TLS key than the one in this home")


def _content(certificate: x509.Certificate) -> dict[str, Json]:
    return {
        "not_before": int(certificate.not_valid_before_utc.timestamp() * 1000),
        "not_after": int(certificate.not_valid_after_utc.timestamp() * 1000),
        "serial": f"{certificate.serial_number:x}",
    }


def _lines(certificate: x509.Certificate, done: str) -> list[str]:
    return [
        f"The certificate was {done}; it is good until {certificate.not_valid_after_utc:%Y-%m-%d}.",
        "Renew it before that day: credit-registry certificate renew",
    ]
