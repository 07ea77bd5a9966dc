"""The XML of a workbook's parts (ECMA-376 part 1, 18.3), read as a stream: one row of a sheet at a time.

``openpyxl`` takes five times as long for the same rows; readers that are faster hold the whole sheet in memory and tell
nothing of formulas, hidden rows and number formats (ADR 0075). A callback for an element costs more than the parsing of
it, so the ends of elements are not listened to: an element ends where the next one begins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from xml.parsers import expat

from client_sdk.tables.values import TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import IO

__all__ = [
    "FILLED",
    "FORMULA",
    "MAX_COLUMNS",
    "TEXT",
    "Area",
    "XmlCell",
    "XmlRow",
    "area_of",
    "column_of",
    "elements",
    "sheet_rows",
]

# More than any portfolio has, and few enough that no row fills the memory.
MAX_COLUMNS = 1024
# Excel takes 32,767 characters in a cell.
_MAX_TEXT = 65_536
_CHUNK = 256 * 1024
# Pieces of a part in which nothing ends: a tag, a text or a nesting without an end would fill the memory.
_MOST_IDLE = 8
_DEEPEST = 64
_LETTERS = 26
# A cell with a style and nothing in it, as programs write for each one that has a border.
_EMPTY_CELL = re.compile(rb'<c r="[A-Z]+[0-9]+"(?: s="[0-9]+")?/>')
_AFTER_EMPTY = b'"/><c r="'
_AREA = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Z]{1,3})\$?([0-9]{1,7}))?")
_SAVED = "a workbook as Excel saves it"
# What a reader that indents puts behind a piece of a text.
_INDENT = re.compile(r"\s*\n\s*\Z")

# Attributes of the element ``c``; beside them, under names that no attribute has, its text, its formula, and which
# cells that one fills.
XmlCell: TypeAlias = "dict[str, str]"
TEXT = ""
FORMULA = "="
FILLED = "#"


class XmlRow(NamedTuple):
    """Attributes of a ``row``, and its cells as they stand in it."""

    attributes: dict[str, str]
    cells: list[XmlCell]


class Area(NamedTuple):
    """Cells in a rectangle; rows count from 1, columns from 0, and the last ones are inside."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


def column_of(letters: str) -> int:
    """Return the place of a column, such as ``AB``, counted from 0."""
    place = 0
    for letter in letters:
        place = place * _LETTERS + ord(letter) - ord("A") + 1
    return place - 1


def area_of(text: str) -> Area | None:
    """Return the cells that a reference such as ``B2:C9`` names; None for another text."""
    found = _AREA.fullmatch(text)
    if found is None:
        return None
    left, top, right, bottom = found.groups()
    return Area(int(top), column_of(left), int(bottom or top), column_of(right or left))


def elements(file: IO[bytes], take: Callable[[str, dict[str, str], str], None], most: int) -> None:
    """Read a small part: call ``take`` at the end of each element with its name, attributes and own text.

    Raises:
        TableError: it is no XML, has a document type, or more than ``most`` elements.
    """
    parser, open_elements = _parser(), list[tuple[str, dict[str, str], list[str]]]()
    ended = idle = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_elements) == _DEEPEST:
            raise TableError("file.form", got="XML that is nested too deeply", want=_SAVED)
        open_elements.append((_local(name), attributes, []))

    def characters(text: str) -> None:
        if open_elements:
            open_elements[-1][2].append(text)

    def end(_: str) -> None:
        nonlocal ended
        ended += 1
        name, attributes, parts = open_elements.pop()
        take(name, attributes, "".join(parts))

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    before = 0
    for _ in _parsed(_pieces(file), parser):
        idle = 0 if ended > before else idle + 1
        before = ended
        if ended > most:
            got = f"more than {most:,} elements in a part"
            raise TableError("workbook.size", got=got, want="a workbook as Excel saves it")
        _check_idle(idle)


def sheet_rows(file: IO[bytes], columns_are: Callable[[dict[str, str]], None]) -> Iterator[XmlRow]:
    """Yield the rows of a sheet, in their order.

    Args:
        file: the part of the package.
        columns_are: is called with the attributes of each ``col``; all come before the first row.

    Raises:
        TableError: it is no worksheet, is damaged, or a row has too many cells or a cell too long a text.
    """
    parser, events = _parser(), _Events(columns_are)
    parser.StartElementHandler, parser.CharacterDataHandler = events.start, events.characters
    idle = 0
    for _ in _parsed(_without_empty_cells(_pieces(file)), parser):
        events.check()
        whole = events.take()
        idle = 0 if whole else idle + 1
        _check_idle(idle)
        yield from whole
    yield from events.take(last=True)


class _Events:
    """Collects what the parser finds; ``start`` and ``characters`` are called millions of times."""

    def __init__(self, columns_are: Callable[[dict[str, str]], None]) -> None:
        self._columns_are = columns_are
        self._rows: list[XmlRow] = []
        self._cells: list[XmlCell] = []
        self._cell: XmlCell = {}
        # Where characters go; None for those between elements.
        self._into: str | None = None
        self._prefix: str | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self._prefix:
            name = name.removeprefix(self._prefix)
        if name == "c":
            self._cell = attributes
            self._cells.append(attributes)
            self._into = None
        elif name in ("v", "t"):
            self._into = TEXT
        elif name == "is":
            self._into = None
        elif name == "row":
            self._cells = []
            self._rows.append(XmlRow(attributes, self._cells))
            self._into = None
        elif name == "f":
            self._start_formula(attributes)
        else:
            self._start_other(name, attributes)

    def characters(self, text: str) -> None:
        into = self._into
        if into is not None:
            cell = self._cell
            cell[into] = cell[into] + text if into in cell else text

    def _start_formula(self, attributes: dict[str, str]) -> None:
        self._cell[FORMULA] = ""
        self._into = FORMULA
        if attributes.get("t") in ("array", "dataTable"):
            self._cell[FILLED] = attributes.get("ref", "")

    def _start_other(self, name: str, attributes: dict[str, str]) -> None:
        self._into = None
        if self._prefix is None:
            prefix, colon, local = name.rpartition(":")
            if local != "worksheet":
                raise TableError("workbook.sheet", got="a sheet without cells, such as a chart", want="a worksheet")
            self._prefix = prefix + colon
        elif name == "r" and TEXT in self._cell:
            self._cell[TEXT] = _INDENT.sub("", self._cell[TEXT])
        elif name == "rPh":
            # How the text is pronounced; nothing that follows in this cell is part of it.
            self._cell = {}
        elif name == "col":
            self._columns_are(attributes)

    def check(self) -> None:
        """Check that what is not whole yet stays small."""
        if len(self._cells) > MAX_COLUMNS:
            got = f"more than {MAX_COLUMNS:,} cells in a row"
            raise TableError("workbook.columns", got=got, want="a column for each thing that a portfolio tells")
        if max(map(len, self._cell.values()), default=0) > _MAX_TEXT:
            got = f"more than {_MAX_TEXT:,} characters in a cell"
            raise TableError("workbook.cell", got=got, want="a cell as Excel saves it")

    def take(self, *, last: bool = False) -> list[XmlRow]:
        """Return the rows that are whole: all before the last one, and with ``last`` that one too."""
        whole = self._rows if last else self._rows[:-1]
        self._rows = [] if last else self._rows[-1:]
        return whole


def _parser() -> expat.XMLParserType:
    """Return a parser that takes no document type, and so expands no entities."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise TableError("file.form", got="a document type in its XML", want=_SAVED)

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_CHUNK):
        yield piece


def _without_empty_cells(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Take out most cells of a sheet that hold nothing: parsing costs more than all else that is done with one."""
    is_plain, last = True, b""
    for piece in pieces:
        # In a comment or in CDATA the same bytes are no cells.
        is_plain = is_plain and b"<!" not in piece and not (last == b"<" and piece.startswith(b"!"))
        last = piece[-1:]
        yield _EMPTY_CELL.sub(b"", piece) if is_plain and _AFTER_EMPTY in piece else piece


def _parsed(pieces: Iterable[bytes], parser: expat.XMLParserType) -> Iterator[None]:
    """Parse a part and stop after each piece of it."""
    try:
        for piece in pieces:
            parser.Parse(piece)
            yield
        parser.Parse(b"", True)
    except expat.ExpatError:
        raise TableError("file.form", got="XML that breaks off or is damaged", want=_SAVED) from None


def _check_idle(pieces: int) -> None:
    if pieces > _MOST_IDLE:
        got = f"more than {_MOST_IDLE * _CHUNK // 1024**2} MiB in one piece"
        raise TableError("workbook.size", got=got, want="rows and cells as Excel saves them")


def _local(name: str) -> str:
    return name.rpartition(":")[2]
