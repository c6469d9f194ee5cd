"""Why a file can't be read, and how much of one is read."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app


class Unreadable(ValueError):
    """A file that can't be imported at all; says why, with the line where one is to blame."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(f"Line {line:,}: {why}" if line else why)
        self.line = line


@dataclass(frozen=True)
class Limits:
    """The most that is read: rows without the header, columns, and bytes of a workbook once unpacked."""

    rows: int
    columns: int
    unpacked: int


def limits() -> Limits:
    settings = current_app.config
    return Limits(settings["IMPORT_MAX_ROWS"], 200, settings["IMPORT_MAX_UNPACKED"])
