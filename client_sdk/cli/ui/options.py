"""Options that several verbs share, and how their texts become values."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Literal, TypeVar, get_args, get_origin
from uuid import UUID

import typer
from typer.models import OptionInfo

from client_sdk.errors import FormatError
from client_sdk.forms import Word, check_institution_id, check_record_id
from client_sdk.lending.typed_text import NoDayError, read_day
from client_sdk.models import IdType, Kind, RecordKey
from client_sdk.texts import recognised, say

__all__ = [
    "DAY",
    "AttemptOption",
    "ContestedFromOption",
    "DaskOption",
    "EndedOption",
    "IdTypeOption",
    "IdentityFileOption",
    "IssuerOption",
    "IssuingStateOption",
    "MaybeFirstDayOption",
    "MaybeKindOption",
    "MaybeReferenceOption",
    "OfficerOption",
    "RemovedOnOption",
    "YesOption",
    "completing",
    "day",
    "digest",
    "hexadecimal",
    "inquiry_id",
    "record_key",
    "uuid8",
    "word",
    "word_option",
    "worded",
    "words_of",
]

# Between the words that an option takes, as help shows them.
_BETWEEN = "|"
DAY = "YYYY-MM-DD"

E = TypeVar("E", bound=Word)


def word(kind: type[E], words: Sequence[str] | None = None) -> Callable[[str | E], E]:
    """Return a parser for the names of an enumeration, in any case, with hyphens or underscores.

    Args:
        kind: the enumeration.
        words: those that are taken; all if left out.
    """
    taken = tuple(words or words_of(kind))

    def parse(text: str | E) -> E:
        if isinstance(text, kind):
            return text
        name = str(text).strip().upper().replace("-", "_")
        if name not in taken:
            raise typer.BadParameter(say("want one of {taken}", taken=", ".join(taken)))
        return kind[name]

    return parse


def worded(annotation: object) -> object:
    """Return an annotation by which typer names the words of ``word_option`` where one is missing.

    Of an enumeration it would name the values, which are numbers here.
    """
    if get_origin(annotation) is not Annotated:
        return annotation
    kind, option = get_args(annotation)[:2]
    if not (isinstance(kind, type) and issubclass(kind, Word) and isinstance(option, OptionInfo) and option.metavar):
        return annotation
    return Annotated[Literal[tuple(option.metavar.split(_BETWEEN))], option]


def completing(words: Sequence[str]) -> Callable[[str], list[str]]:
    """Return what completes one of these words in a shell."""
    return lambda incomplete: [word for word in words if word.startswith(incomplete.upper())]


def word_option(
    kind: type[E],
    help_: str,
    *names: str,
    panel: str | None = None,
    words: Sequence[str] | None = None,
    default: str | None = None,
) -> object:
    """Return an option that takes the names of an enumeration and completes them.

    Args:
        kind: the enumeration.
        help_: of the option.
        names: such as ``--kind``; that of the parameter if left out.
        panel: heading in the help.
        words: those that are taken; all if left out.
        default: as the help shows it.
    """
    offered = tuple(words or words_of(kind))
    return typer.Option(
        *names,
        parser=word(kind, offered),
        metavar=_BETWEEN.join(offered),
        help=help_,
        autocompletion=completing(offered),
        rich_help_panel=panel,
        show_default=default or False,
    )


def words_of(kind: type[Word]) -> Sequence[str]:
    """Return the names of an enumeration."""
    return tuple(kind.__members__)


def day(text: str | date) -> date:
    """Return the day that a text names, as people type days."""
    if isinstance(text, date):
        return text
    try:
        return read_day(text)
    except NoDayError as error:
        wanted = say(
            "want a day with the year first, such as 2026-01-05, 2026/1/5, 2026年1月5日 or 20260105; found {got}",
            got=recognised(error.got),
        )
        raise typer.BadParameter(wanted) from None


def hexadecimal(length: int) -> Callable[[str | bytes], bytes]:
    """Return a parser for so many bytes in hexadecimal."""

    def parse(text: str | bytes) -> bytes:
        if isinstance(text, bytes):
            return text
        try:
            value = bytes.fromhex(text)
        except ValueError:
            value = b""
        if len(value) != length:
            raise typer.BadParameter(say("want {length} bytes in hexadecimal", length=length))
        return value

    return parse


def uuid8(text: str | bytes) -> bytes:
    """Return the record id that a UUID names."""
    if isinstance(text, bytes):
        return text
    try:
        return check_record_id(UUID(text).bytes, "record")
    except (ValueError, FormatError):
        alone = say("; of ISSUER/RECORD the part after the slash") if "/" in text else ""
        raise typer.BadParameter(say("want a record id, a UUID of version 8{alone}", alone=alone)) from None


def record_key(text: str | RecordKey) -> RecordKey:
    """Return the record that ``issuer/UUID`` names, as answers and reasons write it."""
    if isinstance(text, RecordKey):
        return text
    issuer, slash, record_id = text.partition("/")
    if not slash:
        raise typer.BadParameter(say("want issuer/UUID, such as lender-1/01234567-89ab-8def-8123-456789abcdef"))
    try:
        return RecordKey(check_institution_id(issuer, "record", "issuer"), uuid8(record_id))
    except FormatError as error:
        raise typer.BadParameter(say("issuer: want {want}", want=error.want)) from None


def any_record(text: str | RecordKey) -> RecordKey:
    """Return the record that ``issuer/UUID`` names, or the UUID alone: then its issuer is an empty text."""
    if isinstance(text, str) and "/" not in text:
        return RecordKey("", uuid8(text))
    return record_key(text)


# SHA-256 of a document, and the id of an inquiry.
digest = hexadecimal(32)
inquiry_id = hexadecimal(16)
OfficerOption = Annotated[
    str, typer.Option(help="Who asks, as you name your staff, with at most 6 digits; only a commitment is logged.")
]
DaskOption = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Share the work out to your own Dask cluster, whose scheduler is at tls://HOST:PORT, or on this machine "
        "at tcp://HOST:PORT; needs the extra [dask].",
        show_default=False,
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ContestedFromOption = Annotated[
    int | None,
    typer.Option(min=1, metavar="LEAF", help="What it signed at this leaf or later is in doubt; nothing without it."),
]
IssuerOption = Annotated[
    str, typer.Option(metavar="ID", help="Who reported it, where that is not you and you are its named successor.")
]
EndedOption = Annotated[
    bool, typer.Option("--ended", help="Those that have ended instead, with their outcome; of each record the newest.")
]
AttemptOption = Annotated[
    int, typer.Option(min=0, help="How many records of the episode were withdrawn before this one.")
]
# The same where the record may also be named by its id.
MaybeKindOption = Annotated[Kind | None, word_option(Kind, "Kind of the record.")]
MaybeReferenceOption = Annotated[str | None, typer.Option(help="Your own name of the debt.", show_default=False)]
MaybeFirstDayOption = Annotated[
    date | None,
    typer.Option(parser=day, metavar=DAY, help="First day of the episode as first reported.", show_default=False),
]
RemovedOnOption = Annotated[
    date | None,
    typer.Option(
        parser=day,
        metavar=DAY,
        help="Day on which the court removed the entry that a LISTING copies; shows by when it is withdrawn.",
        show_default=False,
    ),
]
IdTypeOption = Annotated[IdType, typer.Option(case_sensitive=False, help="What kind of number it is.")]
IssuingStateOption = Annotated[
    str, typer.Option(metavar="XX", help="State that issued it, ISO 3166-1 alpha-2; only for passports.")
]
IdentityFileOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|-",
        help="Where the identity number is: a file, or - for standard input; without it you are asked, hidden.",
        show_default=False,
    ),
]
