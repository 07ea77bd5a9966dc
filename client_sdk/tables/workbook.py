"""Excel workbooks (.xlsx, ECMA-376), read row by row in bounded memory; nothing in them is run, followed or fetched.

A workbook is a zip file of XML parts. Its parts are held against limits before one is unpacked, and no part is unpacked
further than its entry says.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple
from urllib.parse import unquote

from client_sdk.tables.number_format import NumberFormat, format_of
from client_sdk.tables.sheet_cells import SheetCells, unescaped
from client_sdk.tables.sheet_xml import elements
from client_sdk.tables.values import TableError, TableRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["MAX_UNPACKED", "SheetName", "Workbook", "check_no_old_workbook"]

# A million rows of a portfolio are some 1.6 GiB of XML; a zip bomb is more.
MAX_UNPACKED = 2 * 1024**3
# Kept in memory, each text once.
MAX_TEXTS_UNPACKED = 256 * 1024**2
# Names of parts, formats and sheets: of a workbook that people use, a few hundred kilobytes.
_MAX_SMALL = 16 * 1024**2
_MAX_SMALL_ELEMENTS = 500_000
_MAX_PARTS = 10_000
_WORKBOOK = "xl/workbook.xml"
_SAVE_AS = "save it as .xlsx, or as CSV UTF-8"
_SAVED = "a workbook as Excel saves it"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_CHUNK = 1024 * 1024
_SMALLER = "a smaller workbook: split it, or save it as CSV UTF-8"
_TRUE = frozenset(("1", "true"))
_OTHER_ZIPS = (
    ("xl/vbaProject.bin", "workbook.macros", "a workbook with macros (.xlsm), which may change what it shows"),
    ("xl/workbook.bin", "file.form", "a binary workbook (.xlsb)"),
    ("word/document.xml", "file.form", "a text document"),
    ("ppt/presentation.xml", "file.form", "a presentation"),
    ("Index/Document.iwa", "file.form", "a workbook of Numbers"),
)
_MAX_TEXTS = 4_000_000
# Each text has one of its own, and one for each piece of it.
_MAX_TEXT_ELEMENTS = 4 * _MAX_TEXTS
_MAX_ID_DIGITS = 10


class SheetName(NamedTuple):
    """A sheet that a workbook has.

    Attributes:
        name: as Excel shows it.
        hidden: whether Excel does not show it.
        part: where it is in the package.
    """

    name: str
    hidden: bool
    part: str


class Workbook:
    """A workbook that may be read again and again.

    Args:
        open_: opens its bytes, which can be sought in, each time from their start.

    Attributes:
        sheets: that it has, in order.

    Raises:
        TableError: it is no workbook that can be read, or larger than the limits.
    """

    def __init__(self, open_: Callable[[], BinaryIO]) -> None:
        self._open = open_
        self._from_1904 = False
        self._kinds: dict[str, str] = {}
        self.sheets: list[SheetName] = []
        with _package(open_) as package:
            _check_parts(package)
            self._read_names(package)
            self._styles = self._read_styles(package)
            self._texts = self._read_texts(package)

    def sheet(self, wanted: str | None) -> SheetName:
        """Return the sheet that is to be read.

        Args:
            wanted: its name, or its place counted from 1; None for the only one that is shown, or that which is called
                ``portfolio``.

        Raises:
            TableError: there is no such sheet, or several that it may be.
        """
        shown = [sheet for sheet in self.sheets if not sheet.hidden]
        if wanted is None:
            named = [sheet for sheet in shown if sheet.name.strip().lower() == "portfolio"] or shown
            if len(named) == 1:
                return named[0]
            got = f"{len(shown)} sheets that are shown" if shown else "no sheet that is shown"
            raise TableError("workbook.sheets", got=got, want="one, or its name or place: --sheet NAME")
        for sheet in self.sheets:
            if sheet.name == wanted:
                return sheet
        if wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:9]) <= len(self.sheets):
            return self.sheets[int(wanted) - 1]
        got = f"no sheet of that name or place among {len(self.sheets)}"
        raise TableError("workbook.sheets", got=got, want="a name as its tab shows it, or a place from 1")

    def rows(self, sheet: SheetName) -> Iterator[TableRow]:
        """Yield the rows of a sheet, those without a value as empty ones.

        Raises:
            TableError: it is damaged, or no sheet of cells.
        """
        cells = SheetCells(self._texts, self._styles, from_1904=self._from_1904)
        with _package(self._open) as package:
            with _part(package, sheet.part, MAX_UNPACKED) as file:
                cells.look_behind(file)
            with _part(package, sheet.part, MAX_UNPACKED) as file:
                yield from cells.rows(file)

    def _read_names(self, package: zipfile.ZipFile) -> None:
        """Read which part is what, and which sheets there are."""
        root = _related(package, "_rels/.rels", "")
        start = next((part for kind, part in root.values() if kind == "officeDocument"), None)
        if start is None:
            raise TableError("file.form", got="another zip file", want=_SAVE_AS)
        folder, _, file = start.rpartition("/")
        related = _related(package, posixpath.join(folder, "_rels", f"{file}.rels"), folder)
        self._kinds = dict(related.values())
        is_workbook = False
        for name, attributes, _ in _read_small(package, start):
            local = {key.rpartition(":")[2]: value for key, value in attributes.items()}
            if name == "workbookPr":
                self._from_1904 = local.get("date1904") in _TRUE
            elif name == "sheet":
                kind, part = related.get(local.get("id", ""), ("", ""))
                hidden = local.get("state", "visible") != "visible"
                if kind == "worksheet":
                    self.sheets.append(SheetName(local.get("name", ""), hidden, part))
            is_workbook |= name == "workbook"
        if not is_workbook:
            raise TableError("file.form", got="a zip file of another program", want=_SAVE_AS)

    def _read_styles(self, package: zipfile.ZipFile) -> list[NumberFormat]:
        """Return what each cell format shows of a number."""
        part = self._kinds.get("styles")
        if part is None or part not in package.namelist():
            return []
        codes: dict[int, str] = {}
        styles: list[NumberFormat] = []
        formats: list[int] = []
        for name, attributes, _ in _read_small(package, part):
            if name == "numFmt":
                codes[_whole(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
            elif name == "xf":
                formats.append(_whole(attributes.get("numFmtId")))
            elif name == "cellStyleXfs":
                formats.clear()
            elif name == "cellXfs":
                styles = [format_of(one, codes.get(one)) for one in formats]
        return styles

    def _read_texts(self, package: zipfile.ZipFile) -> list[str]:
        """Return the texts that cells name by their place."""
        part = self._kinds.get("sharedStrings")
        if part is None or part not in package.namelist():
            return []
        texts: list[str] = []
        pieces: list[str] = []

        def take(name: str, _: dict[str, str], text: str) -> None:
            if name == "t":
                pieces.append(text)
            elif name == "rPh":
                # How the text before it is pronounced.
                del pieces[-1:]
            elif name == "si":
                if len(texts) == _MAX_TEXTS:
                    got = f"more than {_MAX_TEXTS:,} texts"
                    raise TableError(
                        "workbook.size", got=got, want="a smaller workbook: split it, or save it as CSV UTF-8"
                    )
                texts.append(unescaped("".join(pieces)))
                pieces.clear()

        with _part(package, part, MAX_TEXTS_UNPACKED) as file:
            elements(file, take, _MAX_TEXT_ELEMENTS)
        return texts


def _check_parts(package: zipfile.ZipFile) -> None:
    parts = package.infolist()
    names = {part.filename for part in parts}
    if "EncryptedPackage" in names:
        raise TableError("workbook.encrypted", got="an encrypted workbook", want=f"no password; {_SAVE_AS}")
    if "mimetype" in names and _WORKBOOK not in names:
        kind = "an OpenDocument spreadsheet (.ods)" if "content.xml" in names else "another zip file"
        raise TableError("file.form", got=kind, want=_SAVE_AS)
    for name, rule, got in _OTHER_ZIPS:
        if name in names:
            raise TableError(rule, got=got, want=_SAVE_AS)
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        got = f"more than {MAX_UNPACKED // 1024**3} GiB unpacked, or {_MAX_PARTS:,} parts"
        raise TableError("workbook.size", got=got, want=_SMALLER)
    if any(part.flag_bits & 1 for part in parts):
        raise TableError("workbook.encrypted", got="a zip file with a password", want=f"no password; {_SAVE_AS}")


def _read_small(package: zipfile.ZipFile, name: str) -> list[tuple[str, dict[str, str], str]]:
    found: list[tuple[str, dict[str, str], str]] = []
    with _part(package, name, _MAX_SMALL) as file:
        elements(file, lambda *element: found.append(element), _MAX_SMALL_ELEMENTS)
    return found


def _related(package: zipfile.ZipFile, name: str, folder: str) -> dict[str, tuple[str, str]]:
    """Return, by id, the kind and the part of each relation; those to other files are left out."""
    if name not in package.namelist():
        return {}
    found = {}
    for element, attributes, _ in _read_small(package, name):
        if element == "Relationship" and attributes.get("TargetMode") != "External":
            target = unquote(attributes.get("Target", ""))
            path = target if target.startswith("/") else posixpath.join(folder, target)
            part = posixpath.normpath(path).lstrip("/")
            found[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], part)
    return found


@contextmanager
def _part(package: zipfile.ZipFile, name: str, most: int) -> Iterator[IO[bytes]]:
    """Open a part of the package.

    Raises:
        TableError: it is missing, longer than ``most``, damaged, or packed in a way that is not known.
    """
    try:
        info = package.getinfo(name)
        size = info.file_size
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            got = "a part that is packed as no workbook is"
            raise TableError("file.form", got=got, want=_SAVED)
        if size > most:
            got = f"a part of {size:,} bytes unpacked"
            raise TableError("workbook.size", got=got, want=_SMALLER)
        with _opened(package, name) as file:
            yield file
    except KeyError:
        raise TableError("file.form", got="a package without one of its parts", want=_SAVED) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError):
        raise TableError("file.form", got="a damaged workbook, or another damaged zip file", want=_SAVED) from None


def _opened(package: zipfile.ZipFile, name: str) -> IO[bytes]:
    try:
        return package.open(name)
    except ValueError:
        # It is said to begin in front of the file.
        raise zipfile.BadZipFile("a part outside of the file") from None


@contextmanager
def _package(open_: Callable[[], BinaryIO]) -> Iterator[zipfile.ZipFile]:
    with open_() as file:
        try:
            package = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, EOFError, ValueError, RuntimeError):
            raise TableError("file.form", got="a damaged workbook, or another damaged zip file", want=_SAVED) from None
        with package:
            yield package


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < _MAX_ID_DIGITS else 0


def check_no_old_workbook(file: BinaryIO) -> None:
    """Refuse a file of Office's old form, which encrypted workbooks have too.

    Raises:
        TableError: it is one.
    """
    if file.read(len(_OLD_OFFICE)) != _OLD_OFFICE:
        return
    # The names of its streams stand in a folder that may be anywhere; an encrypted workbook has this one.
    before = b""
    while chunk := file.read(_CHUNK):
        if _ENCRYPTED in before + chunk:
            raise TableError("workbook.encrypted", got="an encrypted workbook", want=f"no password; {_SAVE_AS}")
        before = chunk[-len(_ENCRYPTED) :]
    raise TableError("file.form", got="a workbook of the old form (.xls)", want=_SAVE_AS)
