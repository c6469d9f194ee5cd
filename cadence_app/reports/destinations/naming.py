"""What a delivered file is called: a pattern with placeholders, and the ending that its format has."""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

DEFAULT_PATTERN = "{kind}-{from}-to-{to}"
PLACEHOLDERS = {
    "{kind}": "what it holds, such as opt-out-history",
    "{date}": "the day it was made",
    "{time}": "the time it was made, in UTC",
    "{from}": "its first day",
    "{to}": "its last day",
}
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
# Letters and digits that every server and storage takes, and nothing that is a folder.
_PLAIN = re.compile(r"[A-Za-z0-9 ._-]*", re.ASCII)


def problem_of(pattern: str) -> str:
    """Why a pattern can't be used; empty for one that can."""
    unknown = [found for found in _PLACEHOLDER.findall(pattern) if found not in PLACEHOLDERS]
    if unknown:
        return f"There is no placeholder {unknown[0]}."
    rest = _PLACEHOLDER.sub("", pattern)
    if not _PLAIN.fullmatch(rest):
        return "Use letters, digits, spaces, points, hyphens, underscores and the placeholders only."
    if pattern.startswith("."):
        return "Begin with something else than a point: such a file is hidden."
    if pattern.lower().endswith((".csv", ".xlsx")):
        return "Leave the ending away: .csv or .xlsx is added by the format."
    return ""


def file_name(
    pattern: str, kind: str, start: date, end: date, made_at: datetime, zone: ZoneInfo, ending: str
) -> str:
    """The name for a file that was asked for at an instant; `zone` decides which day that was."""
    values = {
        "{kind}": kind,
        "{date}": made_at.astimezone(zone).date().isoformat(),
        "{time}": f"{made_at.astimezone(ZoneInfo('UTC')):%H%M%S}",
        "{from}": start.isoformat(),
        "{to}": end.isoformat(),
    }
    return _PLACEHOLDER.sub(lambda found: values[found[0]], pattern) + f".{ending}"


def digest_line(sha256: str, name: str) -> bytes:
    """The companion file's content, as `sha256sum --check` reads it."""
    return f"{sha256}  {name}\n".encode()
