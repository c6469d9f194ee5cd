"""Why a file can't be read, and how much of one is read."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

# The most characters that one cell may hold.
LONGEST_CELL = 100_000


class Unreadable(ValueError):
    """A file that can't be imported at all; says why, with the line where one is to blame."""

    def __init__(self, why: str, line: int | None = None) -> None:
        super().__init__(f"Line {line:,}: {why}" if line else why)
        self.line = line


@dataclass(frozen=True)
class Limits:
    """The most that is read: rows without the header, columns, and of a workbook the bytes once unpacked, the
    texts that its cells share, the sheets, and the bytes of memory and seconds of a processor that opening it
    may take."""

    rows: int
    columns: int
    unpacked: int
    strings: int = 2_000_000
    sheets: int = 250
    memory: int = 512 * 1024 * 1024
    seconds: int = 600


def limits() -> Limits:
    settings = current_app.config
    return Limits(
        settings["IMPORT_MAX_ROWS"],
        200,
        settings["IMPORT_MAX_UNPACKED"],
        memory=settings["IMPORT_MAX_MEMORY"],
        seconds=settings["IMPORT_MAX_SECONDS"],
    )
