"""Workbooks (.xlsx), opened in a process of their own with limits (opening.py): a file that asks for more
than they allow ends that process, and never the worker that waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from cadence_app.contacts.imports.refusal import LONGEST_CELL, Limits, Unreadable

TOO_LARGE = "This workbook is too large to open. Save it as CSV and upload that."
_PROGRAM = str(Path(__file__).with_name("opening.py"))
# Nothing of Cadence's own: no address of a database, no key.
_ENVIRONMENT = {"OPENPYXL_LXML": "False", "OPENPYXL_DEFUSEDXML": "True"}
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Sheet:
    name: str
    hidden: bool


def sheets(file: IO[bytes], limits: Limits) -> list[Sheet]:
    """The sheets with cells, in their order. Errors: Unreadable."""
    with closing(_opened(file, None, limits)) as told:
        found = [Sheet(name, hidden) for _, name, hidden in told]
    if not found:
        raise Unreadable("The workbook has no sheet with cells.")
    return found


def first_visible(found: Sequence[Sheet]) -> str:
    """The name of the sheet that a person sees first; where all are hidden, of the first."""
    return next((sheet.name for sheet in found if not sheet.hidden), found[0].name)


def rows(
    file: IO[bytes], name: str, limits: Limits
) -> Generator[tuple[int, list[str], frozenset[int], bool]]:
    """Line number, cells as text, the numbers of those that are formulas, and whether it is hidden, of each
    row that is not blank. A cell beyond the most columns stands in the one after them. To be closed, which
    ends the process. Errors: Unreadable."""
    with closing(_opened(file, name, limits)) as told:
        for _, line, cells, formulas, hidden in told:
            yield line, cells, frozenset(formulas), hidden


def _opened(file: IO[bytes], sheet: str | None, limits: Limits) -> Generator[list[Any]]:
    """What the program tells of a file, of one sheet or of which there are. Errors: Unreadable."""
    asked = {"sheet": sheet, "limits": asdict(limits) | {"cell": LONGEST_CELL}}
    with _on_disk(file) as stored:
        program = subprocess.Popen(
            [sys.executable, "-I", _PROGRAM, json.dumps(asked)],
            stdin=stored,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
        )
        assert program.stdout  # noqa: S101 - it was asked for
        try:
            for line in program.stdout:
                told = _read(line)
                if told[0] == "end":
                    return
                if told[0] == "refused":
                    raise Unreadable(told[1], told[2])
                yield told
            raise Unreadable(TOO_LARGE)
        finally:
            program.kill()
            program.stdout.close()
            program.wait()


def _read(line: bytes) -> list[Any]:
    """A line of the program's. Errors: Unreadable for one in the middle of which it was ended."""
    try:
        told: list[Any] = json.loads(line)
    except ValueError as error:
        raise Unreadable(TOO_LARGE) from error
    return told


@contextmanager
def _on_disk(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file as one that another process can read, from its beginning."""
    file.seek(0)
    try:
        file.fileno()
    except OSError:
        with TemporaryFile() as copy:
            while piece := file.read(_PIECE):
                copy.write(piece)
            copy.seek(0)
            yield copy
    else:
        yield file
