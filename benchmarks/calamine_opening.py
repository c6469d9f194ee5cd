"""What cadence_app/contacts/imports/opening.py would be with python-calamine: the same question, limits and
answer, without what that library does not tell (hidden rows, formulas). workbooks.py runs it by its path."""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime, time
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum


def main() -> None:
    asked = json.loads(sys.argv[1])
    limits = asked["limits"]
    resource.setrlimit(resource.RLIMIT_CPU, (limits["seconds"], limits["seconds"] + 1))
    with open("/proc/self/statm") as statm:
        held = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + limits["memory"], held + limits["memory"]))
    try:
        book = CalamineWorkbook.from_filelike(sys.stdin.buffer)
        if asked["sheet"] is None:
            for sheet in book.sheets_metadata:
                _tell(["sheet", sheet.name, sheet.visible != SheetVisibleEnum.Visible])
        else:
            for line, cells in enumerate(book.get_sheet_by_name(asked["sheet"]).iter_rows(), 1):
                _tell(["row", line, [_text(cell) for cell in cells], [], False])
        _tell(["end"])
    except CalamineError as error:
        _tell(["refused", str(error), None])
    sys.stdout.flush()


def _tell(found: list[Any]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)


if __name__ == "__main__":
    main()
