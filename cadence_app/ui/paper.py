"""Paper for documents that are handed on: a PDF with fonts for many scripts, page numbers and few shapes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from unicodedata import category

from fpdf import FPDF, ViewerPreferences, XPos, YPos
from fpdf.fonts import TTFFont

_FONTS = Path(__file__).parent / "fonts"
_SANS, _MONO, _EAST_ASIAN = "sans", "mono", "east-asian"
# Millimetres: as wide as A4 and as tall as US Letter, so that it prints on either unscaled.
_PAGE = (210.0, 279.4)
_MARGIN, _TOP, _BOTTOM = 18.0, 20.0, 18.0
_LABEL = 27.0
_LINE = 4.0
_SMALL, _BODY, _HEADING, _TITLE = 7.5, 8.5, 10.0, 16.0
# Where East Asian scripts begin. Their font is large, and read only for a document that needs it.
_FIRST_EAST_ASIAN = 0x2E80
# Where letters begin whose shape and place depend on their neighbours: combining marks, Hebrew, Arabic.
# Working those out takes ten times as long, so plain text does without.
_FIRST_SHAPED = 0x0300
# Invisible characters that turn the direction of text around; shown by number, so that nothing is disguised.
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Paper(FPDF):
    """A document with a title, a running head on every page but the first, and a foot with page numbers.

    Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic, Chinese, Japanese and Korean are drawn as they
    are written; a character of another script, and one that can't be seen, as its number: [U+0E01].
    """

    def __init__(self, title: str, head: str, foot: str, author: str, made_at: datetime) -> None:
        super().__init__(format=_PAGE)
        self.set_margins(_MARGIN, _TOP, _MARGIN)
        self.set_auto_page_break(True, margin=_BOTTOM)
        self.c_margin = 0
        self.add_font(_SANS, "", _FONTS / "DejaVuSans.ttf")
        self.add_font(_SANS, "B", _FONTS / "DejaVuSans-Bold.ttf")
        self.add_font(_MONO, "", _FONTS / "DejaVuSansMono.ttf")
        self._drawable = self._characters_of(_SANS)
        self._head, self._foot = self._shown(head), self._shown(foot)
        self.set_lang("en")
        self.set_title(title)
        self.set_author(author)
        self.set_creator("Cadence")
        self.set_creation_date(made_at)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.add_page()
        self._write(title, "B", _TITLE, 8)

    def header(self) -> None:
        if self.page_no() == 1:
            return
        self.set_y(_TOP / 2)
        self.set_font(_SANS, "", _SMALL)
        self.set_text_shaping(any(ord(c) >= _FIRST_SHAPED for c in self._head))
        self.cell(0, _LINE, self._head)
        self.set_y(_TOP)

    def footer(self) -> None:
        self.set_y(5 - _BOTTOM)
        self.set_font(_SANS, "", _SMALL)
        self.cell(0, _LINE, self._foot)
        self.set_x(_MARGIN)
        self.cell(0, _LINE, f"Page {self.page_no()} of {{nb}}", align="R")

    def section(self, title: str) -> None:
        """A heading with a line under it, never left alone at the end of a page."""
        self.ln(3)
        self.keep_together(6)
        self._write(title, "B", _HEADING, 5.5)
        self.line(_MARGIN, self.y, self.w - _MARGIN, self.y)
        self.ln(1.5)

    def item(self, title: str) -> None:
        """The title of one of many things."""
        self.ln(1.5)
        self._write(title, "B", _BODY, _LINE + 0.5)

    def fact(self, label: str, value: str, exact: bool = False) -> None:
        """A label and beside it the value, on as many lines as it takes; `exact` in letters of one width."""
        self.keep_together(1)
        self.set_font(_SANS, "", _SMALL)
        self.set_text_color(80)
        self.cell(_LABEL, _LINE, label)
        self.set_text_color(0)
        self.set_font(_MONO if exact else _SANS, "", _SMALL if exact else _BODY)
        self._lines(_LINE, value)

    def paragraph(self, text: str) -> None:
        self._write(text, "", _BODY, _LINE + 0.2)
        self.ln(1)

    def keep_together(self, lines: int) -> None:
        """Begins a page where fewer lines than these fit on this one."""
        if self.will_page_break(lines * _LINE):
            self.add_page()

    def _write(self, text: str, style: str, size: float, height: float) -> None:
        self.set_font(_SANS, style, size)
        self._lines(height, text)

    def _lines(self, height: float, text: str) -> None:
        shown = self._shown(text)
        self.set_text_shaping(any(ord(c) >= _FIRST_SHAPED for c in shown))
        if "\n" not in shown and self.get_string_width(shown) < self.w - _MARGIN - self.x:
            self.cell(0, height, shown, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        else:
            self.multi_cell(0, height, shown, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _shown(self, text: str) -> str:
        """The text, with what can't be drawn or would disguise it written as a number."""
        if _EAST_ASIAN not in self.fonts and any(ord(c) >= _FIRST_EAST_ASIAN for c in text):
            self.add_font(_EAST_ASIAN, "", _FONTS / "DroidSansFallback.ttf")
            self.set_fallback_fonts([_SANS, _EAST_ASIAN], exact_match=False)
            self._drawable |= self._characters_of(_EAST_ASIAN)
        return "".join(c if self._can_show(c) else f"[U+{ord(c):04X}]" for c in text.replace("\r\n", "\n"))

    def _characters_of(self, name: str) -> set[int]:
        font = self.fonts[name]
        return set(font.cmap) if isinstance(font, TTFFont) else set()

    def _can_show(self, character: str) -> bool:
        if character == "\n":
            return True
        return ord(character) in self._drawable and character not in _TURNS and category(character) != "Cc"
