"""``records correct``: a further version of a record of one's own, from options, a form or an editor."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.console import RenderableType

from client_sdk.cli.ui.columns import as_options, cells_of, column_options, identity_cells
from client_sdk.cli.ui.editor import discard_kept, editing
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import STANDARD_INPUT, read_identity
from client_sdk.cli.ui.options import (
    AttemptOption,
    IdentityFileOption,
    IdTypeOption,
    IssuingStateOption,
    MaybeFirstDayOption,
    MaybeKindOption,
    MaybeReferenceOption,
    YesOption,
)
from client_sdk.cli.ui.output import table
from client_sdk.cli.ui.record_form import form_text, read_form, without_notes
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.own_record import OF_THE_NAME, RecordArgument, named_record, record_id_of, tell_receipt
from client_sdk.cli.verbs.report_form import form_of_file
from client_sdk.cli.verbs.report_plan import warning_lines
from client_sdk.errors import ConflictError, PreflightError
from client_sdk.lending.columns import report_of
from client_sdk.lending.rows import facts_cells
from client_sdk.models import IdType
from client_sdk.models.batch import RejectedRow
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.client import Client
    from client_sdk.models import Identity
    from client_sdk.models.record import RecordView
    from client_sdk.models.report import Report

__all__ = ["register"]

# A correction changes none of these: they say which record of which person, and how it stands.
_KEPT = (*OF_THE_NAME, "standing", "id_type", "id_number", "issuing_state")


def register(group: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        group,
        "correct",
        examples=[
            "records correct 01234567-89ab-8def-8123-456789abcdef --edit",
            "records correct 01234567-89ab-8def-8123-456789abcdef --principal 120000",
            "records correct 01234567-89ab-8def-8123-456789abcdef --template > record.toml",
            "records correct 01234567-89ab-8def-8123-456789abcdef --from record.toml --yes",
            "records correct --kind DEFAULT --reference LOAN-4711 --first-day 2026-02-01 --principal 120000",
        ],
        options=column_options(apart_from=(*OF_THE_NAME, "standing")),
    )
    def correct(
        session: Run,
        /,
        *,
        record: RecordArgument = None,
        kind: MaybeKindOption = None,
        reference: MaybeReferenceOption = None,
        first_day: MaybeFirstDayOption = None,
        attempt: AttemptOption = 0,
        edit: Annotated[
            bool, typer.Option("--edit", help="Change the record as held in your editor (VISUAL, EDITOR, else vi).")
        ] = False,
        template: Annotated[
            bool, typer.Option("--template", help="Print the record as held as a form, and end.")
        ] = False,
        from_: Annotated[
            Path | None,
            typer.Option(
                "--from", metavar="FORM.toml", help="All facts from a form; - for standard input.", show_default=False
            ),
        ] = None,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        yes: YesOption = False,
        **cells: str | None,
    ) -> None:
        """Correct facts of a record: by options give only what changes; a form has the whole record as held.

        The record is named by its id, or by your own name of it. What changes is shown before anything is signed. The
        standing stays. A wrong person, or a mistaken end, is mended by `records withdraw` and reporting anew.
        """
        changes = cells_of(cells)
        if bool(changes) + template + (edit or from_ is not None) != 1:
            hint = say("give one of these alone: options for facts; --edit, --from FORM or both; --template.")
            raise UsageError(say("what is to be corrected is not clear"), hint)
        named = named_record(record, kind, reference, first_day, attempt, "")
        if identity_file == STANDARD_INPUT == str(from_):
            raise UsageError(
                say("form and identity number are both to come from standard input"), say("give one as a file.")
            )
        identity = read_identity(session, identity_file, id_type, issuing_state)
        with session.client() as client:
            correction = _Correction(client, identity, record_id_of(client, named))
            if template:
                form = correction.form()
                session.output.result({"template": form}, form.rstrip())
                return
            if edit:
                text = correction.form() if from_ is None else without_notes(form_of_file(from_))
                with editing(session.output, session.home, text, f"records correct {correction.uuid}") as draft:
                    correction.send(session, draft.read(correction.of_form), yes=yes)
            elif from_ is not None:
                correction.send(session, correction.of_form(form_of_file(from_)), yes=yes)
            else:
                correction.send(session, correction.of_options(changes), yes=yes)
        if from_ is not None:
            discard_kept(session.home, from_)


class _Correction:
    """A record as held, and the reports that correct it.

    Args:
        client: of the lender.
        identity: of the person.
        record_id: 16 bytes.

    Raises:
        ConflictError: there is no such live record about this person.
    """

    def __init__(self, client: "Client", identity: "Identity", record_id: bytes) -> None:
        self._client = client
        self._identity = identity
        self._record_id = record_id
        self._held = _held(client, record_id, identity)
        self._old = {} if self._held.facts is None else facts_cells(self._held.facts)
        self._old |= {
            "retain_until": "" if self._held.retain_until is None else self._held.retain_until.isoformat(),
            "transferee": self._held.transferee,
        }
        self.uuid = UUID(bytes=record_id)

    def form(self) -> str:
        """Return a form of the record as held."""
        return form_text(self._held.kind, self._old, apart_from=_KEPT)

    def of_form(self, text: str) -> "Report":
        """Return the report of a form.

        Raises:
            PreflightError: the form or the report breaks a rule.
            UsageError: the form names another record, or the person.
        """
        cells = read_form(text)
        if other := sorted(set(cells) & set(_KEPT)):
            hint = say("leave these columns out: a correction changes neither record, person nor standing.")
            raise UsageError(say("the form has {other}", other=", ".join(other)), hint)
        return self._report(cells)

    def of_options(self, changes: Mapping[str, str]) -> "Report":
        """Return the report with some cells changed; it is kept as long as the rulebook allows, unless one says else.

        Raises:
            PreflightError: a rule is broken, by option.
        """
        try:
            return self._report({**self._old, "retain_until": "", **changes})
        except PreflightError as error:
            raise PreflightError(as_options(error.violations)) from None

    def send(self, session: Run, report: "Report", *, yes: bool) -> None:
        """Show what changes and what looks wrong, ask, and send the further version.

        Raises:
            ConflictError: the record has changed meanwhile.
            DeclinedError: the answer is no.
        """
        if not yes:
            found = self._client.preview(report, self._record_id)
            if found.violations:
                raise PreflightError(found.violations)
            session.output.tell(*self._plan(report), *warning_lines(found.warnings))
        session.confirm(say("Sign and send a further version?"), yes=yes)
        receipt = self._client.correct(report, self._record_id)
        tell_receipt(session, say("Held already") if receipt.repeated else say("Corrected"), receipt)

    def _plan(self, report: "Report") -> list[RenderableType]:
        """Return which record is corrected, and the columns that change, as held and as corrected."""
        what = say(
            "{kind} {uuid}, version {version}, {standing}",
            kind=self._held.kind.name,
            uuid=self.uuid,
            version=self._held.version,
            standing=self._held.standing.name,
        )
        new = {} if report.facts is None else facts_cells(report.facts)
        new["transferee"] = report.transferee
        until = report.retain_until
        new["retain_until"] = self._old["retain_until"] if until is None else until.isoformat()
        pairs = [(name, self._old.get(name, ""), new.get(name, "")) for name in sorted({*self._old, *new})]
        changed = [(f"  {name}", old, now) for name, old, now in pairs if old != now]
        if not changed:
            return [say("Nothing changes in {what}", what=what)]
        return [say("To be corrected: {what}", what=what), table(("  column", "held", "corrected"), changed)]

    def _report(self, cells: Mapping[str, str]) -> "Report":
        """Return the report that cells make of the record, once it breaks no rule that needs no registry."""
        named = {"kind": self._held.kind.name, "standing": self._held.standing.name, "reference": str(self.uuid)}
        filled = {name: text for name, text in cells.items() if text}
        read = report_of({**filled, **named, **identity_cells(self._identity)}, 0)
        if isinstance(read, RejectedRow):
            raise PreflightError(read.violations)
        if broken := self._client.preflight([read]).violations:
            raise PreflightError(broken)
        return read


def _held(client: "Client", record_id: bytes, identity: "Identity") -> "RecordView":
    found = list(client.records([record_id], identity=identity))
    if not found:
        want = say("a live record of your own, about this person")
        raise ConflictError("RECORD_UNKNOWN", field="record", rule="record.known", got="none", want=want)
    return found[0]
