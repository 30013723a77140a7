"""A report as PDF: A4 across, a new page for each department or person, readable when printed in grey.

Two fonts of DejaVu come with us, for Latin, Greek and Cyrillic names. Chinese, Japanese and Korean names are
set in fonts that readers of PDF bring along; Arabic and Hebrew are not joined or turned.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from access.reports.cells import shown, style
from access.reports.shape import NUMBERS, Column, Kind, Report, Row, Totals
from access.reports.workbook import COLOURS

FONTS = Path(__file__).parent / "fonts"
PLAIN, BOLD = "DejaVu", "DejaVu-Bold"
# Which of the readers' own fonts shows a script, by the first and last character of its blocks.
FOREIGN = (
    ("HeiseiKakuGo-W5", 0x3040, 0x30FF),
    ("HYGothic-Medium", 0x1100, 0x11FF),
    ("HYGothic-Medium", 0xAC00, 0xD7AF),
    ("STSong-Light", 0x2E80, 0x9FFF),
)
WIDTH, HEIGHT = landscape(A4)
MARGIN = 30.0
HEAD, LINE = 24.0, 13.0
SIZE, SMALL = 7.5, 6.5
# Where rows begin, and where they end: above the legend, or above the lines to sign.
TOP, BOTTOM, SIGNED = HEIGHT - 62, 62.0, 92.0
INK, QUIET, RULE, GROUND = (HexColor(one) for one in ("#111827", "#6B7280", "#D1D5DB", "#F3F4F6"))


def write(
    report: Report, columns: Sequence[Column], rows: Iterable[Row], *, footer: Sequence[str] = ()
) -> Iterator[bytes]:
    """The file in chunks. Rows of one department, or of one person where pages are signed, stand together."""
    _register()
    together: dict[Any, list[Row]] = {}
    for row in rows:
        together.setdefault(row.about["person"] if report.signed else row.group, []).append(row)
    parts = [_Part(report, columns, found) for found in together.values()] or [_Part(report, columns, [])]
    with tempfile.TemporaryFile() as file:
        canvas = Canvas(file, pagesize=(WIDTH, HEIGHT), pageCompression=1)
        canvas.setTitle(str(report.title))
        canvas.setCreator("Lintel")
        pages = [(part, page) for part in parts for page in part.pages()]
        for number, (part, page) in enumerate(pages, start=1):
            part.draw(canvas, page, footer, _("Page %(n)d of %(all)d") % {"n": number, "all": len(pages)})
            canvas.showPage()
        canvas.save()
        file.seek(0)
        while chunk := file.read(65_536):
            yield chunk


@cache
def _register() -> None:
    for name, file in ((PLAIN, "DejaVuSansCondensed.ttf"), (BOLD, "DejaVuSansCondensed-Bold.ttf")):
        pdfmetrics.registerFont(TTFont(name, FONTS / file))
    for name in {name for name, _first, _last in FOREIGN}:
        pdfmetrics.registerFont(UnicodeCIDFont(name))


class _Part:
    """The pages of one department or one person: heading, rows, totals, and a line to sign."""

    def __init__(self, report: Report, columns: Sequence[Column], rows: list[Row]) -> None:
        self.report, self.rows = report, rows
        self.total = Totals(columns)
        for row in rows:
            self.total.add(row)
        # What stands in the heading of a person's page need not stand in each line.
        hidden = {"badge", "name", "department"} if report.signed else {"department"}
        self.shown = [n for n, column in enumerate(columns) if column.key not in hidden]
        self.columns = columns
        room = WIDTH - 2 * MARGIN
        wanted = [columns[n].width for n in self.shown]
        self.widths = [room * width / sum(wanted) for width in wanted]

    def pages(self) -> list[list[Row]]:
        """The rows of each page; the last leaves room for the totals."""
        most = int((TOP - HEAD - (SIGNED if self.report.signed else BOTTOM)) // LINE)
        pages = [self.rows[start : start + most] for start in range(0, len(self.rows), most)] or [[]]
        if len(pages[-1]) == most:
            pages.append([])
        return pages

    def draw(self, canvas: Canvas, rows: list[Row], footer: Sequence[str], number: str) -> None:
        self._heading(canvas, footer)
        y = self._head(canvas)
        for row in rows:
            self._row(canvas, y, row)
            y -= LINE
        last = not rows or rows[-1] is self.rows[-1]
        if last and self.rows:
            self._totals(canvas, y)
            if self.report.signed:
                _signatures(canvas, 60)
        self._foot(canvas, footer, number)

    def _heading(self, canvas: Canvas, footer: Sequence[str]) -> None:
        _text(canvas, MARGIN, HEIGHT - 40, footer[0] if footer else str(self.report.title), BOLD, 12)
        if not self.rows:
            return
        name = self.rows[0].group
        if self.report.signed:
            keys = [column.key for column in self.columns]
            told = (self.rows[0].cells[keys.index(key)] for key in ("name", "badge", "department"))
            name = " · ".join(filter(None, told))
        _text(canvas, WIDTH - MARGIN, HEIGHT - 40, name, BOLD, 11, right=True)

    def _head(self, canvas: Canvas) -> float:
        """The headings; answers where the first row stands."""
        canvas.setFillColor(GROUND)
        canvas.rect(MARGIN, TOP - HEAD, WIDTH - 2 * MARGIN, HEAD, stroke=0, fill=1)
        x = MARGIN
        for n, width in zip(self.shown, self.widths, strict=True):
            column = self.columns[n]
            if column.kind is Kind.CODE:
                day = date_format(column.day, "D")[:2] if column.day else ""
                _text(canvas, x + width / 2, TOP - 11, str(column.title), BOLD, SIZE, centre=True)
                _text(canvas, x + width / 2, TOP - 20, day, PLAIN, 5.5, QUIET, centre=True)
            else:
                right = column.kind in NUMBERS
                at = x + width - 2 if right else x + 2
                words = _wrapped(str(column.title), width - 3)
                for line, text in enumerate(reversed(words)):
                    _text(canvas, at, TOP - 19 + 8 * line, text, BOLD, SMALL, width=width - 3, right=right)
            x += width
        return TOP - HEAD - LINE

    def _row(self, canvas: Canvas, y: float, row: Row) -> None:
        x = MARGIN
        for n, width in zip(self.shown, self.widths, strict=True):
            column, value = self.columns[n], row.cells[n]
            text = shown(column, value, row)
            if column.kind is Kind.CODE:
                _code(canvas, x, y, width, text, style(column, value))
            elif value == 0 and column.kind in NUMBERS:
                _text(canvas, x + width - 2, y + 3.8, "–", PLAIN, SIZE, QUIET, right=True)
            elif column.kind in NUMBERS:
                _text(canvas, x + width - 2, y + 3.8, text, PLAIN, SIZE, width=width, right=True)
            else:
                ink = _colour(COLOURS[found][0]) if (found := style(column, value)) else INK
                _text(canvas, x + 2, y + 3.8, text, PLAIN, SIZE, ink, width=width - 4)
            x += width
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.3)
        canvas.line(MARGIN, y, WIDTH - MARGIN, y)

    def _totals(self, canvas: Canvas, y: float) -> None:
        if not self.total.sums:
            return
        _text(canvas, MARGIN + 2, y + 4, _("Total"), BOLD, SIZE)
        x = MARGIN
        for n, width in zip(self.shown, self.widths, strict=True):
            if n in self.total.sums:
                text = shown(self.columns[n], self.total.sums[n])
                _text(canvas, x + width - 2, y + 4, text, BOLD, SIZE, width=width, right=True)
            x += width
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.6)
        canvas.line(MARGIN, y + LINE, WIDTH - MARGIN, y + LINE)

    def _foot(self, canvas: Canvas, footer: Sequence[str], number: str) -> None:
        codes = next((column for column in self.columns if column.kind is Kind.CODE), None)
        x = MARGIN
        for code, (words, name) in codes.words.items() if codes else ():
            _code(canvas, x, 40, 16, code, name)
            x += 19
            x += _text(canvas, x, 44.5, str(words), PLAIN, SMALL, QUIET) + 9
        _text(canvas, MARGIN, 24, " · ".join(footer[1:]), PLAIN, SMALL, QUIET, width=WIDTH - 2 * MARGIN - 80)
        _text(canvas, WIDTH - MARGIN, 24, number, PLAIN, SMALL, QUIET, right=True)


def _code(canvas: Canvas, x: float, y: float, width: float, text: str, name: str) -> None:
    """A letter on its colour. Drawn once for a file and stamped from then on: a grid has thousands."""
    if not text:
        return
    form = f"code-{text}-{width:.1f}"
    if not canvas.hasForm(form):
        ink, ground = COLOURS[name or "default"]
        canvas.beginForm(form, 0, 0, width, LINE)
        canvas.setFillColor(_colour(ground))
        canvas.roundRect(0.6, 1, width - 1.2, LINE - 2, 2, stroke=0, fill=1)
        _text(canvas, width / 2, 4.2, text, BOLD, 6, _colour(ink), width=width, centre=True)
        canvas.endForm()
    canvas.saveState()
    canvas.translate(x, y)
    canvas.doForm(form)
    canvas.restoreState()


def _signatures(canvas: Canvas, y: float) -> None:
    canvas.setStrokeColor(QUIET)
    canvas.setLineWidth(0.5)
    for x, text in ((MARGIN, _("Date, employee")), (MARGIN + 240, _("Date, manager"))):
        canvas.line(x, y, x + 200, y)
        _text(canvas, x, y - 9, text, PLAIN, SMALL, QUIET)


@cache
def _colour(name: str) -> Any:
    return HexColor(name)


def _text(
    canvas: Canvas,
    x: float,
    y: float,
    text: str,
    font: str,
    size: float,
    ink: Any = INK,
    *,
    width: float = 0,
    right: bool = False,
    centre: bool = False,
) -> float:
    """Draw a text, cut with an ellipsis where it is wider than `width`; its width as drawn."""
    font = _font(text, font)
    taken = pdfmetrics.stringWidth(text, font, size)
    while width and taken > width and len(text) > 1:
        text = f"{text.rstrip('…')[:-1]}…"
        taken = pdfmetrics.stringWidth(text, font, size)
    canvas.setFillColor(ink)
    canvas.setFont(font, size)
    canvas.drawString(x - taken if right else x - taken / 2 if centre else x, y, text)
    return float(taken)


def _font(text: str, font: str) -> str:
    """The font that has these characters; ours, unless one of them is of another script."""
    if text.isascii():
        return font
    for letter in text:
        for name, first, last in FOREIGN:
            if first <= ord(letter) <= last:
                return name
    return font


def _wrapped(text: str, width: float) -> list[str]:
    """A heading in at most two lines, broken between words."""
    words = text.split()
    for n in range(len(words), 0, -1):
        line = " ".join(words[:n])
        if n == 1 or pdfmetrics.stringWidth(line, BOLD, SMALL) <= width:
            return [line, " ".join(words[n:])] if words[n:] else [line]
    return [text]
