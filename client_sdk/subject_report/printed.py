"""A person's own report as PDF, A4.

Chinese is set in STSong-Light, one of the fonts of Adobe's Simplified Chinese set that a reader of PDF brings along or
replaces by its own: nothing is embedded, and a report of ten pages takes some 40 KB. A character that the set does not
have is printed as its code point; the page shows it as it is.
"""

from __future__ import annotations

import html
import io
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reportlab.lib import colors
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import CondPageBreak, HRFlowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from client_sdk.subject_report.facts import END_ISOLATE, ISOLATE
from client_sdk.texts import Language

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.subject_report.content import Document, Part, Rows

__all__ = ["as_pdf"]

_LATIN, _BOLD, _CHINESE = "Helvetica", "Helvetica-Bold", "STSong-Light"
_QUIET, _LINE, _BAND = colors.HexColor("#5b6670"), colors.HexColor("#c9d0d6"), colors.HexColor("#f4f6f8")
_CLEAR, _LISTED, _MARK = colors.HexColor("#17693a"), colors.HexColor("#7a4b00"), colors.HexColor("#a3201c")
_MARGIN = 17 * mm
# A frame keeps 6 points free on each side.
_WIDTH = A4[0] - 2 * _MARGIN - 12
# Room that a heading needs, so that it does not stand alone at the end of a page.
_ROOM = 32 * mm
_NAMES = 38 * mm
# Shares of the page's width of the columns of a table, by how many there are.
_SHARES = {3: (0.26, 0.36, 0.38), 4: (0.26, 0.38, 0.22, 0.14)}
_NO_ISOLATES = str.maketrans("", "", ISOLATE + END_ISOLATE)


def as_pdf(document: Document) -> bytes:
    """Return the document; the same report gives the same bytes."""
    _register()
    target = io.BytesIO()
    template = SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=document.title,
        author="",
        invariant=1,
        lang="zh-CN" if document.language is Language.CHINESE else "en",
    )

    def number(canvas: Any, _template: object) -> None:
        font, text = _CHINESE, document.page.format(page=canvas.getPageNumber())
        canvas.setFont(font, 8)
        canvas.setFillColor(_QUIET)
        canvas.drawRightString(A4[0] - _MARGIN, 9 * mm, text)

    template.build([*_story(document)], onFirstPage=number, onLaterPages=number)
    return target.getvalue()


@cache
def _register() -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))


def _style(name: str, size: float, **more: object) -> Any:
    chosen = {"fontName": _LATIN, "fontSize": size, "leading": size * 1.45, "alignment": TA_LEFT, "wordWrap": "CJK"}
    return ParagraphStyle(name, **{**chosen, **more})


_BODY = _style("body", 9.5)
_SMALL = _style("small", 8.5)
# No table: a long statement must go on on the next page.
_QUOTE = _style("quote", 9.5, backColor=_BAND, borderPadding=(4, 6, 5, 8), leftIndent=10, rightIndent=6, spaceAfter=6)
_NAME = _style("name", 9, textColor=_QUIET)
_HEAD = _style("head", 8.5, textColor=_QUIET)
_TITLE = _style("title", 20, leading=25)
_SECTION = _style("section", 13, spaceBefore=14, spaceAfter=5)
_RECORD = _style("record", 11.5, spaceBefore=10, spaceAfter=4)
_LABEL = _style("label", 9, textColor=_QUIET, spaceBefore=7, spaceAfter=3)


def _story(document: Document) -> Iterator[Any]:
    yield _paragraph(document.title, _TITLE, bold=True)
    yield _paragraph(document.subtitle, _NAME)
    yield HRFlowable(width="100%", thickness=1.5, color=colors.black, spaceBefore=5, spaceAfter=9)
    colour = _LISTED if document.listed else _CLEAR
    verdict = Table(
        [[_paragraph(document.verdict, _style("verdict", 11, textColor=colour), bold=True)]], colWidths=[_WIDTH]
    )
    verdict.setStyle(TableStyle([("LINEBEFORE", (0, 0), (0, 0), 3, colour), ("BACKGROUND", (0, 0), (0, 0), _BAND)]))
    yield verdict
    for part in document.parts:
        yield from _part(part)


def _part(part: Part) -> Iterator[Any]:
    record = part.level > 2  # noqa: PLR2004 - the level of a heading
    yield CondPageBreak(_ROOM)
    if record:
        yield HRFlowable(width="100%", thickness=0.5, color=_LINE, spaceBefore=6, spaceAfter=0)
    badges = "".join(f'   <font color="{_MARK.hexval()}" size="9">[{_runs(badge)}]</font>' for badge in part.badges)
    yield Paragraph(_runs(part.title, bold=True) + badges, _RECORD if record else _SECTION)
    for paragraph in part.paragraphs:
        yield _paragraph(paragraph, _BODY)
    if part.pairs:
        cells = [[_paragraph(name, _NAME), _paragraph(value, _BODY)] for name, value in part.pairs]
        yield _table(cells, [_NAMES, _WIDTH - _NAMES])
    if part.quote:
        yield CondPageBreak(_ROOM / 2)
        yield _paragraph(part.quote_title, _LABEL)
        yield _paragraph(part.quote, _QUOTE)
    for rows in part.tables:
        if rows.title:
            yield CondPageBreak(_ROOM / 2)
            yield _paragraph(rows.title, _LABEL)
        yield _rows(rows)
    yield Spacer(1, 2)


def _rows(rows: Rows) -> Any:
    head = [_paragraph(name, _HEAD) for name in rows.head]
    cells = [[_paragraph(cell, _SMALL) for cell in row] for row in rows.rows]
    table = _table([head, *cells], [share * _WIDTH for share in _SHARES[len(head)]], repeat=1)
    table.setStyle(TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE)]))
    return table


def _table(cells: list[list[Any]], widths: list[float], repeat: int = 0) -> Any:
    table = Table(cells, colWidths=widths, repeatRows=repeat, hAlign="LEFT", splitInRow=1)
    padding = [("LEFTPADDING", 0), ("RIGHTPADDING", 6), ("TOPPADDING", 1.5), ("BOTTOMPADDING", 2.5)]
    table.setStyle(
        TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *((name, (0, 0), (-1, -1), size) for name, size in padding)])
    )
    return table


def _paragraph(text: str, style: Any, *, bold: bool = False) -> Any:
    return Paragraph(_runs(text, bold=bold), style)


def _runs(text: str, *, bold: bool = False) -> str:
    """Return a text as reportlab's markup, escaped, each run in a font that has its characters."""
    shown = "".join(map(_printable, text.translate(_NO_ISOLATES)))
    latin = _BOLD if bold else _LATIN
    return "".join(
        f'<font name="{latin if is_latin else _CHINESE}">{html.escape("".join(run))}</font>'
        for is_latin, run in groupby(shown, _is_latin)
    )


def _is_latin(character: str) -> bool:
    return ord(character) < 0x100  # noqa: PLR2004 - Latin-1, which the standard fonts have


def _printable(character: str) -> str:
    """Return a character that one of the two fonts has, else its code point."""
    if _is_latin(character):
        return character
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return f"[U+{ord(character):04X}]"
    return character
