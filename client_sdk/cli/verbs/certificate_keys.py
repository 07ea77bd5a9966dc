"""``certificate list`` and ``certificate revoke``: which TLS keys talk for this member, and the end of one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.acts import spki_hash
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.options import YesOption
from client_sdk.cli.ui.output import Json, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.forms import moment_text, plain
from client_sdk.signing import read_chain
from client_sdk.texts import say
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from client_sdk.models.certificate import CertificateView

__all__ = ["register"]

_COLUMNS = ("TLS key", "issued", "good until", "vouched by", "carried by", "stands")


def register(group: typer.Typer) -> None:
    """Add the verbs to those of ``certificate``."""

    @verb(group, "list", examples=["certificate list", "--home admin-1 certificate list --institution lender-1"])
    def list_(
        session: Run,
        /,
        *,
        institution: Annotated[
            str, typer.Option(metavar="ID", help="Whose (administrators); without it your own.", show_default=False)
        ] = "",
    ) -> None:
        """List the certificates that the registry issued for this member, newest first: is each of them yours?

        An administrator sees of another member for which TLS key and when.
        """
        with session.client() as client:
            found = client.certificates(institution)
        content: list[Json] = [_listed_content(one) for one in found]
        session.output.result({"certificates": content}, table(_COLUMNS, map(_listed_row, found)))

    @verb(
        group,
        "revoke",
        examples=["certificate revoke 3f1c09ab", "certificate revoke --file stolen-machine.pem --yes"],
    )
    def revoke(
        session: Run,
        /,
        *,
        key: Annotated[
            str, typer.Argument(metavar="[TLS-KEY]", help="TLS key, or how it begins; see `certificate list`.")
        ] = "",
        file: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Or a certificate of it, PEM.", show_default=False)
        ] = None,
        yes: YesOption = False,
    ) -> None:
        """Revoke a TLS key of this member, at once and for good: it talks to the registry never again.

        If it is the one of this home, get a certificate for another key first: `certificate renew --new-key`.
        """
        if bool(key) is (file is not None):
            raise UsageError(
                say("which TLS key is not clear"), say("name it as `certificate list` does, or give --file.")
            )
        with session.client() as client:
            revoked = _key_of(client.certificates(), key) if file is None else _key_in(file)
            own = say(" It is the one of this home!") if revoked == _own_key(session) else ""
            session.confirm(say("Revoke the TLS key {revoked} for good?{own}", revoked=revoked.hex(), own=own), yes=yes)
            revoked_at = client.revoke_tls_key(revoked)
        session.output.result(
            {"spki_hash": revoked.hex(), "revoked_at": plain(revoked_at)},
            say(
                "The TLS key {revoked} is revoked since {revoked_at}.",
                revoked=revoked.hex(),
                revoked_at=moment_text(revoked_at),
            ),
            say("Key services do not learn of it; to keep it from them too, administrators end it by an act:"),
            f"  {session.their_command} act propose tls-key --institution {session.config().institution} "
            f"--end {revoked.hex()} --ground theft",
        )


def _key_of(found: Sequence["CertificateView"], begins: str) -> bytes:
    keys = {one.spki_hash for one in found if one.spki_hash.hex().startswith(begins.lower())}
    if len(keys) != 1:
        message = say("{keys} TLS key of this member begins so", keys=say("no") if not keys else say("more than one"))
        raise UsageError(message, say("see `credit-registry certificate list`."))
    return keys.pop()


def _key_in(file: Path) -> bytes:
    return spki_hash(read_chain(read_whole(file), str(file))[0].public_key())


def _own_key(session: Run) -> bytes:
    return _key_in(session.config().tls_certificate)


def _listed_content(one: "CertificateView") -> dict[str, Json]:
    content = one.to_dict()
    if one.standing is None:
        return {name: content[name] for name in ("institution", "spki_hash", "issued_at")}
    return content | {"carried_by": one.carried_by or None}


def _listed_row(one: "CertificateView") -> tuple[object, ...]:
    issued = (one.spki_hash.hex(), moment_text(one.issued_at))
    if one.standing is None or one.not_after is None:
        return (*issued, "", "", "", "")
    until, carried = moment_text(one.not_after), one.carried_by or say("the founding")
    return (*issued, until, one.vouching_key_id.hex()[:16], carried, one.standing.name)
