"""What a spreadsheet must not run: text that somebody typed, in a cell of a CSV file (OWASP, CSV Injection).
A phone number that we validated is left alone; a workbook has types of its own and needs none of it.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, SQLColumnExpression, case, func, literal

# With the wide forms that Excel reads as the narrow ones.
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def runs(value: str) -> bool:
    """Whether a spreadsheet may take this text for a formula."""
    return value.startswith(_STARTS)


def defused(value: str) -> str:
    """Text for a cell, which no spreadsheet runs."""
    return f"'{value}" if runs(value) else value


def defused_in_sql(value: SQLColumnExpression[str]) -> ColumnElement[str]:
    """defused() in a statement. ascii() is the code point of the first character, in half the time of a
    regular expression."""
    return case((func.ascii(value).in_([ord(start) for start in _STARTS]), literal("'") + value), else_=value)
