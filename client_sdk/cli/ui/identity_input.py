"""Reading identity numbers: from a hidden prompt, a file or standard input, never from the command line.

Other users of the machine see command lines, and shells keep them. A file holds one number a line, or
``ID_TYPE,number``, or ``ID_TYPE,number,ISSUING_STATE``; empty lines and lines that begin with # are left out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.input_file import check_readable
from client_sdk.errors import FormatError
from client_sdk.models import Identity, IdType
from client_sdk.regions import region_is_known
from client_sdk.texts import N_, recognised, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from client_sdk.cli.ui.session import Run

__all__ = ["read_identities", "read_identity", "refuse_on_command_line"]

STANDARD_INPUT = "-"
# A file of a hundred thousand numbers is some megabytes.
MAX_FILE_BYTES = 16 * 1024 * 1024
_GIVE = N_("give --identity-file FILE, or --identity-file - and the number on standard input.")
_HINT = N_(
    "leave it out to be asked at a hidden prompt, or give --identity-file FILE, or - and the number on standard input."
)
_PARTS = 3


def refuse_on_command_line(stray: Sequence[str] | None) -> None:
    """Refuse what stands on the command line where no word belongs, without repeating it.

    Raises:
        UsageError: there is such a word.
    """
    if stray:
        message = say(
            "an identity number must not stand on the command line, where others can read it (or a word too many)"
        )
        raise UsageError(message, _HINT)


def read_identity(session: Run, source: str | None, id_type: IdType, issuing_state: str) -> Identity:
    """Return the one identity that is asked about or reported.

    Raises:
        UsageError: there is none, more than one, or none can be asked for.
    """
    found = read_identities(session, source, id_type, issuing_state)
    if len(found) != 1:
        raise UsageError(say("{count} identity numbers were given", count=len(found)), say("give exactly one."))
    return found[0]


def read_identities(session: Run, source: str | None, id_type: IdType, issuing_state: str) -> list[Identity]:
    """Return the identities of a file or of standard input, one a line, or the one that is typed.

    Raises:
        UsageError: there is none, or a line holds no number. The number itself is never shown.
    """
    if source is None:
        return [_ask(session, id_type, issuing_state)]
    found: list[Identity] = []
    first: dict[Identity, int] = {}
    for number, line in _lines(source):
        identity = _parse(session, line, number, id_type, issuing_state)
        if identity in first:
            session.output.note(
                say(
                    "line {number}: Note: the person of line {first} again, asked about once.",
                    number=number,
                    first=first[identity],
                )
            )
        first.setdefault(identity, number)
        found.append(identity)
    if not found:
        raise UsageError(say("no identity number was given"), _HINT)
    return found


def _ask(session: Run, id_type: IdType, issuing_state: str) -> Identity:
    if not session.interactive:
        raise UsageError(say("an identity number is needed, and standard input is not a terminal"), _GIVE)
    typed = str(
        typer.prompt(say("Identity number ({id_type}, hidden)", id_type=id_type.value), hide_input=True, err=True)
    )
    return _checked(session, id_type, typed, issuing_state, "")


def _lines(source: str) -> Iterator[tuple[int, str]]:
    if source == STANDARD_INPUT:
        data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    else:
        path = Path(source)
        check_readable(path, _HINT, option="--identity-file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise UsageError(
            say("more than {max_file_bytes} bytes of identity numbers", max_file_bytes=MAX_FILE_BYTES),
            say("split the file."),
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(say("the identity numbers are no UTF-8 text")) from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _parse(session: Run, line: str, number: int, id_type: IdType, issuing_state: str) -> Identity:
    parts = [part.strip() for part in line.split(",")]
    place = say("line {number}: ", number=number)
    if len(parts) == 1:
        return _checked(session, id_type, parts[0], issuing_state, place)
    named = IdType.__members__.get(parts[0].upper())
    if named is None or len(parts) > _PARTS:
        want = say("want a number, or ID_TYPE,number with one of {members}", members=", ".join(IdType.__members__))
        raise UsageError(f"{place}{want}")
    state = parts[2] if len(parts) == _PARTS else issuing_state
    return _checked(session, named, parts[1], state, place)


def _checked(session: Run, id_type: IdType, typed: str, issuing_state: str, place: str) -> Identity:
    try:
        identity = Identity.parse(id_type, typed, issuing_state)
    except FormatError as error:
        hint = say(
            "compare it with the document: {found}. Another kind of number is named by --id-type.",
            found=recognised(error.complaint.found),
        )
        raise UsageError(
            say(
                "{place}no number of the type {id_type} (rule {rule})",
                place=place,
                id_type=id_type.value,
                rule=error.rule,
            ),
            hint,
        ) from None
    if not region_is_known(identity):
        session.output.note(
            say("{place}Note: the region in this number is unknown for its year of birth; look again.", place=place)
        )
    return identity
