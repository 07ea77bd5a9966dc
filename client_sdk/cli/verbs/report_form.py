"""One report from a TOML form: read from a file, or written in an editor until no rule is broken."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.cli.ui.columns import identity_cells
from client_sdk.cli.ui.editor import discard_kept, editing
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import STANDARD_INPUT, read_identity
from client_sdk.cli.ui.input_file import check_readable
from client_sdk.cli.ui.record_form import form_text, read_form, without_notes
from client_sdk.cli.verbs.report_one import report_one
from client_sdk.errors import PreflightError
from client_sdk.lending.columns import report_of
from client_sdk.models import IdType, Kind
from client_sdk.models.batch import RejectedRow
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from client_sdk.cli.ui.exit_codes import ExitCode
    from client_sdk.cli.ui.session import Run
    from client_sdk.client import Client
    from client_sdk.models.report import Report

__all__ = ["IdentitySource", "empty_form", "form_of_file", "report_edited", "report_form"]

_MAX_BYTES = 65_536
_HINT = N_("name a form, such as `report --template` prints.")


class IdentitySource(NamedTuple):
    """Where the identity number comes from if the form holds none.

    Attributes:
        file: as ``--identity-file``; None asks.
        id_type: of the number, unless the form says it.
        issuing_state: likewise.
    """

    file: str | None
    id_type: IdType
    issuing_state: str


def empty_form(given: Mapping[str, str]) -> str:
    """Return a form with the cells that are given, of the columns of their kind; of all where no kind is given."""
    return form_text(Kind.__members__.get(given.get("kind", "").strip().upper()), given)


def report_form(
    session: Run, source: Path, given: Mapping[str, str], identity: IdentitySource, *, dry_run: bool, yes: bool
) -> ExitCode:
    """Report the record of a form; ``given`` fills in columns that are empty in it.

    Raises:
        UsageError: there is no such file, it is too long or no text, or a column is given twice.
        PreflightError: the form or the report breaks a rule.
        CreditRegistryError: as ``Client.report``.
    """
    cells = read_form(form_of_file(source))
    if twice := sorted(set(cells) & set(given)):
        raise UsageError(
            say("{twice}: given by the form and by an option", twice=", ".join(twice)), say("give one or the other.")
        )
    with session.client() as client:
        report = _Reader(session, client, identity).report(cells | dict(given))
        code = report_one(session, client, report, dry_run=dry_run, yes=yes)
    if not dry_run and not code:
        discard_kept(session.home, source)
    return code


def report_edited(
    session: Run, source: Path | None, given: Mapping[str, str], identity: IdentitySource, *, yes: bool
) -> ExitCode:
    """Open a form in an editor, again and again until it breaks no rule, and report its record after confirmation.

    Args:
        session: of the verb.
        source: a form to begin with; None for an empty one.
        given: cells that an empty one begins with.
        identity: where the identity number comes from if the form holds none.
        yes: do not ask.

    Raises:
        UsageError: as ``report_form``, or there is no editor.
        PreflightError: the form was saved unchanged although the broken rules stood in it.
        CreditRegistryError: as ``Client.report``.
    """
    text = empty_form(given) if source is None else without_notes(form_of_file(source))
    with session.client() as client, editing(session.output, session.home, text) as draft:
        reader = _Reader(session, client, identity)
        report = draft.read(lambda saved: reader.report(read_form(saved)))
        code = report_one(session, client, report, dry_run=False, yes=yes)
    if source is not None and not code:
        discard_kept(session.home, source)
    return code


class _Reader:
    """Makes reports of cells; an identity number that no form holds is asked for once."""

    def __init__(self, session: Run, client: Client, identity: IdentitySource) -> None:
        self._session = session
        self._client = client
        self._source = identity
        self._asked: dict[str, str] | None = None

    def report(self, cells: Mapping[str, str]) -> Report:
        """Return the report of cells.

        Raises:
            PreflightError: a rule is broken.
            UsageError: the identity number is given twice, or not at all and standard input is not a terminal.
        """
        read = report_of({**cells, **self._identity(cells)}, 0)
        if isinstance(read, RejectedRow):
            raise PreflightError(read.violations)
        if broken := self._client.preflight([read]).violations:
            raise PreflightError(tuple(broken))
        return read

    def _identity(self, cells: Mapping[str, str]) -> dict[str, str]:
        if "id_number" in cells:
            if self._source.file is not None:
                raise UsageError(
                    say("the form and --identity-file give an identity number"), say("give one or the other.")
                )
            return {} if "id_type" in cells else {"id_type": self._source.id_type.value}
        if self._asked is None:
            id_type = IdType.__members__.get(cells.get("id_type", "").upper(), self._source.id_type)
            state = cells.get("issuing_state", self._source.issuing_state)
            self._asked = identity_cells(read_identity(self._session, self._source.file, id_type, state))
        return self._asked


def form_of_file(source: Path) -> str:
    """Return the text of a form.

    Raises:
        UsageError: there is none, or it is too long or no UTF-8.
    """
    if str(source) == STANDARD_INPUT:
        data = sys.stdin.buffer.read(_MAX_BYTES + 1)
    else:
        check_readable(source, _HINT)
        with source.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise UsageError(say("that form has more than {max_bytes} bytes", max_bytes=_MAX_BYTES), _HINT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(say("that form is no UTF-8 text"), _HINT) from None
