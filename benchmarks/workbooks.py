"""Two readers of workbooks in the limited process that opens them: openpyxl, which the import uses, and
python-calamine. The same files, by turns in one run, so that the ratio holds on a slow machine too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rustpy_xlsxwriter import write_worksheets

from benchmarks.scratch import ROOT
from cadence_app.contacts.imports.refusal import LONGEST_CELL, Limits

SIZES = (100_000, 300_000)
READERS = {
    "openpyxl": ROOT / "cadence_app" / "contacts" / "imports" / "opening.py",
    "python-calamine": ROOT / "benchmarks" / "calamine_opening.py",
}
_LOOK_EVERY = 2_000
_LIMITS = asdict(Limits(rows=1_000_000, columns=200, unpacked=2**30)) | {"cell": LONGEST_CELL}


def report(folder: Path, sizes: Sequence[int] = SIZES) -> str:
    """Measures, writes workbooks.json and workbooks.md to the folder, and returns the latter."""
    with TemporaryDirectory() as made:
        results = {str(rows): _measure(Path(made) / "people.xlsx", rows) for rows in sizes}
    (folder / "workbooks.json").write_text(json.dumps(results, indent=2) + "\n")
    told = _markdown(results)
    (folder / "workbooks.md").write_text(told)
    return told


def _measure(path: Path, rows: int) -> dict[str, dict[str, float]]:
    """By the reader: seconds, MB at the peak, and rows that came."""
    people = (
        {
            "FirstName": f"Given{number}",
            "LastName": f"Family{number}",
            "ContactId": f"{number:07}",
            "MobileNumber": f"+1212{number:07}",
            "DepartmentCode": ("ADM", "FIN", "ATH")[number % 3],
            "OptedOut": number % 50 == 0,
        }
        for number in range(rows)
    )
    write_worksheets([("People", people)], str(path))
    return {name: read(program, path, "People", _LIMITS) for name, program in READERS.items()}


def read(program: Path, path: Path, sheet: str, limits: dict[str, int]) -> dict[str, float]:
    """One sheet, read by one of the programs. Rows are -1 where it was ended or refused the file."""
    command = [sys.executable, "-I", str(program), json.dumps({"sheet": sheet, "limits": limits})]
    environment = {"OPENPYXL_LXML": "False", "OPENPYXL_DEFUSEDXML": "True"}
    before = time.perf_counter()
    with path.open("rb") as file:
        opening = subprocess.Popen(
            command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        assert opening.stdout
        rows, last, peak = -1, b"", 0.0
        for line in opening.stdout:
            rows, last = rows + 1, line
            if rows % _LOOK_EVERY == 0:
                peak = _peak_mb(opening.pid) or peak
    opening.wait()
    whole = last.startswith(b'["end"')
    seconds = time.perf_counter() - before
    return {"seconds": seconds, "peak_mb": peak, "rows": rows if whole else -1}


def _peak_mb(pid: int) -> float:
    """The most that a process has held so far (what wait4() tells counts the process that started it); 0 for
    one that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0


def _markdown(results: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = [
        "# Reading workbooks",
        "",
        "Six columns, in the process that opens workbooks, with its limits (`script/bench workbooks`).",
        "",
        "| Rows | openpyxl | python-calamine | Times as fast | Times the memory |",
        "|---|---|---|---|---|",
    ]
    for rows, found in results.items():
        ours, theirs = found["openpyxl"], found["python-calamine"]
        lines.append(
            f"| {int(rows):,} | {ours['seconds']:.1f} s, {ours['peak_mb']:.0f} MB"
            f" | {theirs['seconds']:.1f} s, {theirs['peak_mb']:.0f} MB"
            f" | {ours['seconds'] / theirs['seconds']:.1f} | {theirs['peak_mb'] / ours['peak_mb']:.1f} |"
        )
    return "\n".join(lines) + "\n"
