"""The founding, for administrators: own keys, the genesis compared by telephone and signed, certificate, trust root."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk import TrustRoot
from client_sdk.act_signing import check_signable, sign_act_file
from client_sdk.acts import ActFile, GenesisBody
from client_sdk.desk.act_words import ActWords
from client_sdk.desk.form_values import FieldError, file_of_form
from client_sdk.desk.founding_words import LOG_KEY, SERVICE_KEY, compared_of, grouped, signers_of
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.member_words import usage_text
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import N_
from client_sdk.desk.visit import DeskPage, Visit, file_to_save
from client_sdk.errors import ConfigError, FormatError, RuleError
from client_sdk.home import install_own_certificate, install_trust_root
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.responses import Response

    from client_sdk.config import ClientConfig

__all__ = ["PAGES"]

_FORM_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class GivenGenesis:
    """A genesis that was handed over, for minutes: until it is compared and signed, or as it is signed."""

    file: ActFile
    body: GenesisBody

    @property
    def digest(self) -> str:
        """SHA-256 of what is signed."""
        return hashlib.sha256(self.file.payload).hexdigest()


def _founding(visit: Visit) -> Response:
    return _shown(visit, {})


def _shown(visit: Visit, wrong: dict[str, str]) -> Response:
    """Show the steps, those that are done marked by what is in the home."""
    config = visit.desk.config
    keys = [
        (usage_text(usage.name, visit.say), grouped(config.signer(usage).public_key.key_id.hex()))
        for usage in sorted(config.keys)
    ]
    rooted = config.trust_root_file.exists()
    return visit.show(
        "founding.html.j2",
        status=422 if wrong else 200,
        log_key=LOG_KEY,
        service_key=SERVICE_KEY,
        keys=keys,
        enrolment=_enrolment(config).exists(),
        certified=config.tls_certificate.exists() and config.tls_ca.exists(),
        rooted=rooted,
        fingerprint=grouped(config.trust_root().fingerprint) if rooted else "",
        done=not visit.desk.member.founding,
        wrong=wrong,
    )


def _own_enrolment(visit: Visit) -> Response:
    """Hand out the file that the operator needs; it holds no secret."""
    path = _enrolment(visit.desk.config)
    if not path.exists():
        text = visit.say("`credit-registry init` writes it into the home: look for a copy.")
        return visit.show("message.html.j2", status=404, title=visit.say("There is no enrolment file"), text=text)
    return file_to_save(read_whole(path), "application/json", path.name)


def _enrolment(config: ClientConfig) -> Path:
    return config.home / f"{config.institution}.enrolment.json"


def _take_genesis(visit: Visit) -> Response:
    """Take a genesis that a signature of this home would count for, and go on to compare it."""
    try:
        given = _genesis(visit)
    except FieldError as error:
        return _shown(visit, error.said(visit.say))
    return visit.go(f"/founding/genesis/{visit.keep(given)}")


def _genesis(visit: Visit) -> GivenGenesis:
    data = file_of_form(visit.form, "genesis", N_("Choose the file genesis.act that the operator handed over."))
    try:
        file = ActFile.parse(data)
        body = file.act.body
    except FormatError:
        raise FieldError("genesis", N_("This is no act file: ask the operator for genesis.act again.")) from None
    if not isinstance(body, GenesisBody):
        raise FieldError("genesis", N_("This act is no genesis: proposals are approved on their own page."))
    try:
        check_signable(visit.desk.config, file)
    except ConfigError:
        text = N_(
            "It is of another registry, or does not hold the key of this home: sign nothing, and call the operator."
        )
        raise FieldError("genesis", text) from None
    return GivenGenesis(file, body)


def _compare(visit: Visit) -> Response:
    return _compared(visit, {})


def _compared(visit: Visit, wrong: dict[str, str]) -> Response:
    """Show what to compare with whom, and all that is signed."""
    given = visit.kept(GivenGenesis)
    if given is None:
        return _gone(visit)
    return visit.show(
        "genesis.html.j2",
        status=422 if wrong else 200,
        key=visit.path["key"],
        words=ActWords(given.body, visit.say),
        compared=compared_of(given.body, visit.desk.config.institution, visit.say),
        ticked=[name for name in visit.form.texts if name.startswith("compared-")],
        signers=signers_of(given.file, given.body),
        threshold=given.body.threshold,
        digest=given.digest,
        wrong=wrong,
    )


def _sign(visit: Visit) -> Response:
    """Sign, once each thing was compared; keep the file for the signer to take along."""
    given = visit.kept(GivenGenesis)
    if given is None:
        return _gone(visit)
    count = len(compared_of(given.body, visit.desk.config.institution, visit.say))
    missing = [place for place in range(1, count + 1) if visit.form.text(f"compared-{place}") != "yes"]
    if missing:
        text = visit.say("Compare this first, over the telephone: everything that is ever verified rests on it.")
        return _compared(visit, {f"compared-{place}": text for place in missing})
    with visit.desk.journal.act(visit.user.name, DeskAct.SIGN_GENESIS, about=[given.digest]):
        signed = GivenGenesis(sign_act_file(visit.desk.config, given.file), given.body)
    return visit.go(f"/founding/signed/{visit.keep(signed)}")


def _signed(visit: Visit) -> Response:
    given = visit.kept(GivenGenesis)
    if given is None:
        return _gone(visit)
    signers = signers_of(given.file, given.body)
    missing = max(0, given.body.threshold - len(signers))
    return visit.show("genesis_signed.html.j2", key=visit.path["key"], signers=signers, missing=missing)


def _signed_file(visit: Visit) -> Response:
    given = visit.kept(GivenGenesis)
    return _gone(visit) if given is None else file_to_save(given.file.encode(), "application/json", "genesis.act")


def _gone(visit: Visit) -> Response:
    text = visit.say("A genesis that was handed over is kept for ten minutes: choose the file again.")
    return visit.show("message.html.j2", status=404, title=visit.say("This genesis is not here any more"), text=text)


def _install_certificate(visit: Visit) -> Response:
    try:
        wanted = N_("Choose the certificate that the operator handed back.")
        certificate, ca = file_of_form(visit.form, "certificate", wanted), visit.form.file("ca")
        with visit.desk.journal.act(visit.user.name, DeskAct.INSTALL_CERTIFICATE):
            install_own_certificate(visit.desk.config, certificate, ca or None)
    except FieldError as error:
        return _shown(visit, error.said(visit.say))
    except ConfigError:
        text = N_("It is no certificate of this member for the TLS key of this home, or the CA's file is missing.")
        return _shown(visit, {"certificate": visit.say(text)})
    return visit.go("/founding", visit.say("The certificate is installed."))


def _install_root(visit: Visit) -> Response:
    """Install the trust root whose fingerprint was told over the telephone, and typed."""
    try:
        data, root = _root(visit)
        with visit.desk.journal.act(visit.user.name, DeskAct.INSTALL_TRUST_ROOT, about=[root.fingerprint]):
            install_trust_root(visit.desk.config.home, data, root.fingerprint)
    except FieldError as error:
        return _shown(visit, error.said(visit.say))
    return visit.go("/founding", visit.say("The trust root is installed."))


def _root(visit: Visit) -> tuple[bytes, TrustRoot]:
    """Return the trust root that was chosen, once it has the fingerprint that was typed.

    Raises:
        FieldError: it has not, or is none of this registry.
    """
    data = file_of_form(visit.form, "root", N_("Choose the file trust-root.bin of the registry."))
    try:
        root = TrustRoot.parse(data)
    except (FormatError, RuleError):
        raise FieldError("root", N_("This is no trust root: ask the operator for it again.")) from None
    if root.registry != visit.desk.config.name:
        raise FieldError("root", N_("This trust root is of another registry than this home."))
    if "".join(visit.form.text("fingerprint").split()).lower() != root.fingerprint:
        text = N_("The file has another fingerprint: type it as you were told, and if it stays, do not go on.")
        raise FieldError("fingerprint", text)
    return data, root


PAGES = (
    DeskPage("GET", "/founding", Right.READ, _founding),
    DeskPage("GET", "/founding/enrolment", Right.READ, _own_enrolment, is_part=True),
    DeskPage("POST", "/founding/genesis", Right.APPROVE, _take_genesis, _FORM_BYTES),
    DeskPage("GET", "/founding/genesis/{key}", Right.APPROVE, _compare),
    DeskPage("POST", "/founding/genesis/{key}", Right.APPROVE, _sign),
    DeskPage("GET", "/founding/signed/{key}", Right.APPROVE, _signed),
    DeskPage("GET", "/founding/signed/{key}/file", Right.APPROVE, _signed_file, is_part=True),
    DeskPage("POST", "/founding/certificate", Right.ADMINISTER, _install_certificate, _FORM_BYTES),
    DeskPage("POST", "/founding/trust-root", Right.ADMINISTER, _install_root, _FORM_BYTES),
)
