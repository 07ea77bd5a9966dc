"""``act propose``: one verb a kind of act. What is decided is checked against the rules before it is signed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.acts import (
    JURISDICTIONS,
    SPKI_HASH_BYTES,
    AdministratorsBody,
    ClockBody,
    EnrolmentFile,
    ErasureBody,
    KeyEndBody,
    KeyGrantBody,
    KeyGrantFile,
    KeyService,
    KeyServiceFile,
    KeyServices,
    KeyServicesBody,
    Overlay,
    RetireKeyServicesBody,
    Rulebook,
    RulebookBody,
    StateBody,
    TlsKeyBody,
    moment,
)
from client_sdk.checkpoints import CLOCKS_DIFFER_MS, NO_QUORUM, WitnessQuorum, read_auditors, read_witnesses
from client_sdk.cli.ui.demands import read_quorum
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.options import ContestedFromOption, YesOption, hexadecimal, record_key, word_option
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.act import propose_about_members, propose_breach, propose_closing
from client_sdk.cli.verbs.act.approve import tell_approved
from client_sdk.cli.verbs.act.preview import show_preview
from client_sdk.cli.verbs.act.proposing import InstitutionOption, propose_body
from client_sdk.clock import clock_ms
from client_sdk.errors import FormatError
from client_sdk.forms import moment_text
from client_sdk.models import InstitutionStatus, RecordKey
from client_sdk.rulebook_values import LimitMistake, RulebookValueError, typed_limits, with_limits
from client_sdk.texts import recognised, say
from client_sdk.whole_file import read_whole

if TYPE_CHECKING:
    from client_sdk.acts import Directory

__all__ = ["propose_body", "register"]

_KEY_ID_BYTES = 32


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    propose = typer.Typer(
        cls=Verbs, help="Propose an act with your own signature; the others then approve it.", no_args_is_help=True
    )
    app.add_typer(propose, name="propose")
    propose_about_members.register(propose)
    propose_breach.register(propose)
    propose_closing.register(propose)

    @verb(
        propose,
        "key",
        examples=[
            "act propose key --grant lender-1.report-2.key.json",
            "act propose key --institution lender-1 --end 3f1c… --contested-from 120345",
        ],
    )
    def key(
        session: Run,
        /,
        *,
        grant: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="The file that `key add` made: a further key.", show_default=False),
        ] = None,
        institution: Annotated[
            str | None, typer.Option(metavar="ID", help="Whose key ends.", show_default=False)
        ] = None,
        end: Annotated[
            bytes | None,
            typer.Option(parser=hexadecimal(_KEY_ID_BYTES), metavar="KEY-ID", help="Which ends.", show_default=False),
        ] = None,
        contested_from: ContestedFromOption = None,
        yes: YesOption = False,
    ) -> None:
        """Give a member a further key, or end one."""
        if (grant is None) is (end is None):
            raise UsageError(
                say("what to do with which key is not clear"), say("give --grant FILE, or --institution and --end.")
            )
        if grant is not None:
            file = KeyGrantFile.parse(read_whole(grant))
            propose_body(session, lambda _: KeyGrantBody(file.institution, file.grant), yes=yes)
            return
        if institution is None or end is None:
            raise UsageError(say("the institution of the key is missing"), say("give --institution ID."))
        ended = KeyEndBody(institution, end, contested_from or 0)
        propose_body(session, lambda _: ended, yes=yes)

    @verb(
        propose,
        "state",
        examples=[
            "act propose state --institution lender-1 --status SUSPENDED",
            "act propose state --institution lender-1 --status TERMINATED",
        ],
    )
    def state(
        session: Run,
        /,
        *,
        institution: InstitutionOption,
        status: Annotated[
            InstitutionStatus,
            word_option(InstitutionStatus, "The new state."),
        ],
        yes: YesOption = False,
    ) -> None:
        """Suspend, reactivate or terminate a member."""
        propose_body(session, lambda _: StateBody(institution, status), yes=yes)

    @verb(
        propose,
        "key-services",
        examples=[
            "act propose key-services --key-service a.key-service.json --key-service b.key-service.json",
            "act propose key-services --retire 1",
        ],
    )
    def key_services(
        session: Run,
        /,
        *,
        key_service: Annotated[
            list[Path] | None,
            typer.Option(metavar="FILE", help="Of a service of the next version, in order.", show_default=False),
        ] = None,
        retire: Annotated[
            int | None, typer.Option(min=1, metavar="VERSION", help="Or: a version that ends.", show_default=False)
        ] = None,
        yes: YesOption = False,
    ) -> None:
        """Introduce the next version of the subject keys, or retire one that no live record carries."""
        if bool(key_service) is (retire is not None):
            raise UsageError(
                say("a new version, or one that ends?"), say("give --key-service for each service, or --retire.")
            )
        if retire is not None:
            propose_body(session, lambda _: RetireKeyServicesBody(retire), yes=yes)
            return
        services = tuple(KeyServiceFile.parse(read_whole(path)).service for path in key_service or [])
        propose_body(session, lambda directory: _introduced(directory, services), yes=yes)

    @verb(
        propose,
        "rulebook",
        examples=[
            "act propose rulebook --set notice_hours=72 --set dispute_days=15",
            "act propose rulebook --from cn --set daily_statements=100000",
            "act propose rulebook --set holidays=2027-01-01,2027-02-08 --set workdays=2027-02-14",
            "act propose rulebook --overlays overlays.json",
            "act propose rulebook --witness-quorum witnesses.policy",
            "act propose rulebook --replay-quorum auditors.policy",
            "act propose rulebook --set stale_days=92 --preview",
        ],
    )
    def rulebook(
        session: Run,
        /,
        *,
        change: Annotated[
            list[str] | None,
            typer.Option(
                "--set",
                metavar="NAME=VALUE",
                help="What changes; the rest stays as it is. Days stand between commas.",
                show_default=False,
            ),
        ] = None,
        shipped: Annotated[
            str,
            typer.Option(
                "--from", metavar="NAME", help="Begin with the rulebook that ships under this name, instead of today's."
            ),
        ] = "",
        overlays: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="JSON list of all overlays from now on; an empty one for none."),
        ] = None,
        witness_quorum: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="C2SP tlog-policy: the witnesses that must cosign from now on; `quorum none` for no demand.",
            ),
        ] = None,
        replay_quorum: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="The same of the auditors that rebuild the log; their keys are those of `key replay`.",
            ),
        ] = None,
        preview: Annotated[
            bool,
            typer.Option("--preview", help="Show what it would change for records and members; nothing is signed."),
        ] = False,
        yes: YesOption = False,
    ) -> None:
        """Change limits, overlays, witnesses and auditors that apply to all; jurisdiction and time zone stay."""
        lists: dict[str, object] = {} if overlays is None else {"overlays": _overlays(overlays)}
        lists |= _quorums(witness_quorum, replay_quorum)
        _decide_rulebook(session, shipped, change, lists, preview=preview, yes=yes)

    @verb(
        propose,
        "erasure",
        examples=[
            "act propose erasure --record lender-1/01234567-89ab-8def-8123-456789abcdef --ground '(2026) ruling 7'"
        ],
    )
    def erasure(
        session: Run,
        /,
        *,
        record: Annotated[
            list[RecordKey],
            typer.Option(parser=record_key, metavar="ISSUER/UUID", help="As answers name it; may be repeated."),
        ],
        ground: Annotated[str, typer.Option(help="Statute, court order or decision.")],
        yes: YesOption = False,
    ) -> None:
        """Erase records by order; a record goes together with those that it continues."""
        records = tuple(sorted(set(record)))
        propose_body(session, lambda _: ErasureBody(records, ground), yes=yes)

    @verb(propose, "clock", examples=["act propose clock"])
    def clock(session: Run, /, *, yes: YesOption = False) -> None:
        """Correct the log's time where its newest leaf lies in the future.

        The leaf of this act may carry an earlier time than the leaf before it: the registry's, and no earlier than this
        machine's by a minute. Look at this machine's clock and the registry's before you sign.
        """
        body = ClockBody(clock_ms() - CLOCKS_DIFFER_MS)
        session.output.tell(
            say(
                "The log's time goes back to the registry's, not before {not_before}.",
                not_before=moment_text(moment(body.not_before)),
            )
        )
        session.confirm(say("Sign and propose this act?"), yes=yes)
        with session.client() as client:
            approved = client.propose(body)
        tell_approved(session, approved)

    @verb(
        propose,
        "administrators",
        examples=[
            "act propose administrators --administrator admin-1 --administrator admin-2 --threshold 2",
            "act propose administrators … --administrator admin-4 --enrolment admin-4.enrolment.json --threshold 2",
        ],
    )
    def administrators(
        session: Run,
        /,
        *,
        administrator: Annotated[
            list[str], typer.Option(metavar="ID", help="Each administrator from now on, also those that stay.")
        ],
        threshold: Annotated[int, typer.Option(min=1, help="How many of them must sign an act.")],
        enrolment: Annotated[
            list[Path] | None,
            typer.Option(metavar="FILE", help="Of each that is no member yet.", show_default=False),
        ] = None,
        yes: YesOption = False,
    ) -> None:
        """Change the administrators; the old threshold and the new must sign."""
        files = [EnrolmentFile.parse(read_whole(path)) for path in enrolment or []]
        enrolments = tuple(sorted((file.enrolment for file in files), key=lambda item: item.id))
        body = AdministratorsBody(enrolments, tuple(sorted(set(administrator))), threshold)
        propose_body(session, lambda _: body, yes=yes)

    @verb(
        propose,
        "tls-key",
        examples=["act propose tls-key --institution lender-1 --end 3f1c… --ground 'theft, reported by telephone'"],
    )
    def tls_key(
        session: Run,
        /,
        *,
        institution: InstitutionOption,
        end: Annotated[
            bytes,
            typer.Option(
                parser=hexadecimal(SPKI_HASH_BYTES), metavar="TLS-KEY", help="As `certificate list` names it."
            ),
        ],
        ground: Annotated[str, typer.Option(help="Why: theft, court order or decision.")],
        yes: YesOption = False,
    ) -> None:
        """End a TLS key of a member for good, at the registry and at the key services."""
        propose_body(session, lambda _: TlsKeyBody(institution, end, ground), yes=yes)


def _introduced(directory: "Directory", services: tuple[KeyService, ...]) -> KeyServicesBody:
    version = directory.state.newest_subject_key_version + 1
    return KeyServicesBody(KeyServices(version, services))


def _decide_rulebook(
    session: Run, shipped: str, changes: list[str] | None, lists: dict[str, object], *, preview: bool, yes: bool
) -> None:
    """Propose a rulebook, or show what it would change."""
    if not preview:
        propose_body(
            session, lambda directory: RulebookBody(_proposed(directory.rulebook, shipped, changes, lists)), yes=yes
        )
        return
    with session.client() as client:
        directory = client.directory()
        show_preview(session, client, directory, _proposed(directory.rulebook, shipped, changes, lists))


def _proposed(rulebook: Rulebook, shipped: str, changes: list[str] | None, lists: dict[str, object]) -> Rulebook:
    """Return the rulebook that is proposed: today's, or one that ships, with the changes.

    Raises:
        UsageError: nothing changes, or no rulebook of that name ships.
    """
    if not shipped and not changes and not lists:
        hint = say(
            "give --set NAME=VALUE, --from NAME, --overlays FILE, --witness-quorum FILE or --replay-quorum FILE."
        )
        raise UsageError(say("what changes is missing"), hint)
    if shipped and shipped not in JURISDICTIONS:
        raise UsageError(
            say("--from {shipped}: no such rulebook ships", shipped=shipped),
            say("one of {jurisdictions}.", jurisdictions=", ".join(JURISDICTIONS)),
        )
    return _changed(Rulebook.shipped(shipped) if shipped else rulebook, changes or [], lists)


def _overlays(path: Path) -> tuple[Overlay, ...]:
    """Return the overlays that a JSON file lists.

    Raises:
        UsageError: it is no list of overlays.
    """
    try:
        given = json.loads(read_whole(path))
        return tuple(map(Overlay.from_dict, given if isinstance(given, list) else [given]))
    except FormatError as error:
        raise UsageError(say("--overlays {path}: {error}", path=path, error=error)) from None
    except (ValueError, RecursionError):
        raise UsageError(say("--overlays {path}: want a JSON list of overlays", path=path)) from None


def _quorums(witnesses: Path | None, auditors: Path | None) -> dict[str, tuple[str, ...]]:
    """Return the lines of the rulebook for each policy, in any spelling, that a file has.

    Raises:
        UsageError: it is no policy, names a log, or keys of the other kind.
    """
    found: dict[str, tuple[str, ...]] = {}
    if witnesses is not None:
        found["witness_quorum"] = read_quorum("--witness-quorum", witnesses, lambda data: _lines(read_witnesses(data)))
    if auditors is not None:
        found["replay_quorum"] = read_quorum("--replay-quorum", auditors, lambda data: _lines(read_auditors(data)))
    return found


def _lines(quorum: WitnessQuorum) -> tuple[str, ...]:
    return () if quorum.quorum == NO_QUORUM else quorum.lines()


def _changed(rulebook: Rulebook, changes: list[str], lists: dict[str, object]) -> Rulebook:
    """Return the rulebook with what ``NAME=VALUE`` says, and with the lists that files give.

    Raises:
        UsageError: no such name, or another type of value.
    """
    known = typed_limits(rulebook)
    typed: dict[str, str] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or name not in known:
            raise UsageError(
                say("--set {change}: no such limit", change=change),
                say("one of {known}, as NAME=VALUE.", known=", ".join(known)),
            )
        typed[name] = value
    try:
        return with_limits(rulebook, typed, lists)
    except RulebookValueError as error:
        raise UsageError("\n".join(_limit_text(item, typed) for item in error.mistakes)) from None


def _limit_text(item: LimitMistake, typed: dict[str, str]) -> str:
    """Return what is wrong with one limit, with the list of a file, or with all together."""
    if item.name in typed:
        return say("--set {name}: want {want}", name=item.name, want=recognised(item.want))
    text = say("{rule}, want {want}", rule=item.rule, want=recognised(item.want))
    return say("this makes no rulebook: {text}", text=text)
