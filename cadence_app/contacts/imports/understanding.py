"""What the cells of one row mean, and everything that is wrong with them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from cadence_app.consent.models import Status
from cadence_app.contacts.imports import consent_cells
from cadence_app.contacts.imports.mapping import SKIP, Target
from cadence_app.contacts.imports.moments import moment
from cadence_app.contacts.imports.reading import Row
from cadence_app.contacts.imports.refusals import Kind
from cadence_app.contacts.models import FieldKind
from cadence_app.contacts.names import folded
from cadence_app.phone_numbers import BadNumber, LocalNumber, parse_number, with_area_code

_UTC = ZoneInfo("UTC")
_LONGEST_NAME = 200
_LONGEST_TAG = 100
_LONGEST_VALUE = 2_000
# Mongoose's OptedOut import field.
_OPTED_OUT = {
    **dict.fromkeys(("yes", "true", "y", "1"), Status.OPTED_OUT),
    **dict.fromkeys(("no", "false", "n", "0"), Status.OPTED_IN),
}
# A spreadsheet or a data frame writes its 1 and 0 so where the column has a blank cell.
_AS_DECIMAL = re.compile(r"([01])[.,]0+")
# The report's Status, however it is spaced.
_STATUSES = {
    **dict.fromkeys(("optedout", "optout"), Status.OPTED_OUT),
    **dict.fromkeys(("optedin", "optin"), Status.OPTED_IN),
}
_SEVERAL = re.compile(r"[;,]")
# What our own files put before a text that a spreadsheet would run.
_DEFUSED = re.compile(r"^'(?=[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])")
_MOST_CODES = 200
_LONGEST_CODE = 100
# What is wrong with a cell of a column where nothing says it more exactly.
_KINDS = {
    "number": Kind.BAD_NUMBER,
    "teams": Kind.UNKNOWN_TEAM,
    "opted_out": Kind.BAD_STATUS,
    "status": Kind.BAD_STATUS,
    "status_date": Kind.BAD_DAY,
    "field": Kind.BAD_VALUE,
    "consent_date": Kind.BAD_CONSENT,
    "consent_source": Kind.BAD_CONSENT,
    "consent_text": Kind.BAD_CONSENT,
    "consent_url": Kind.BAD_CONSENT,
}


@dataclass
class Understood:
    """A row as ImportRow keeps it."""

    line: int
    first_name: str = ""
    last_name: str = ""
    external_id: str = ""
    number: str = ""
    team_ids: list[int] = field(default_factory=list)
    status: Status | None = None
    said_at: datetime | None = None
    tags: list[str] = field(default_factory=list)
    custom: dict[str, str] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    problems: list[tuple[int, Kind, str]] = field(default_factory=list)


class Wrong(ValueError):
    """Something in a cell that can't be used; the text says what. Without a kind it is the column's."""

    def __init__(self, text: str, kind: Kind | None = None) -> None:
        super().__init__(text)
        self.kind = kind


class Reader:
    """Understands the rows of one file. `team_ids` are the tenant's by code; `team_word` is what the
    screens call a team; `hidden` is whether rows that the sheet hides are as good as others. `area_code` is
    added to seven-digit numbers, where it is not empty. `zone` is the one of the tenant's calendar.

    `unknown_codes` counts the rows of each code that no team has, `local_numbers` those of seven digits.
    """

    def __init__(
        self,
        targets: Sequence[Target],
        default_teams: Sequence[int],
        team_ids: dict[str, int],
        team_word: str,
        hidden: bool = True,
        area_code: str = "",
        zone: ZoneInfo = _UTC,
    ) -> None:
        self.unknown_codes: Counter[str] = Counter()
        self.local_numbers = 0
        self._hidden, self._area_code, self._zone = hidden, area_code, zone
        self._columns = [(number, target) for number, target in enumerate(targets) if target.kind != SKIP]
        self._width = len(targets)
        self._default_teams = list(default_teams)
        self._team_ids = team_ids | {code.casefold(): team_id for code, team_id in team_ids.items()}
        self._team_word = team_word
        self._read: dict[str, Callable[[Understood, str], None]] = {
            "first_name": self._first_name,
            "last_name": self._last_name,
            "external_id": self._external_id,
            "number": self._number,
            "teams": self._teams,
            "opted_out": self._opted_out,
            "status": self._status,
            "tags": self._tags,
            "consent_date": self._consent_date,
            "consent_source": self._consent_source,
            "consent_text": self._consent_text,
            "consent_url": self._consent_url,
        }
        kinds = {target.kind: number for number, target in reversed(self._columns)}
        self._status_column = kinds.get("opted_out", kinds.get("status", 0))
        self._day_column = kinds.get("status_date")
        self._consent_column = min(
            (number for number, target in self._columns if target.kind.startswith("consent_")), default=0
        )
        self._who_column = kinds.get("number", kinds.get("external_id", 0))

    def understand(self, row: Row) -> Understood:
        found = Understood(row.line)
        cells = row.cells
        if row.hidden and not self._hidden:
            found.problems.append((self._width, Kind.HIDDEN, "The sheet hides this row."))
        if len(cells) > self._width and any(cell.strip() for cell in cells[self._width :]):
            found.problems.append((self._width, Kind.MORE_CELLS, "The row has more cells than the header."))
        for number, target in self._columns:
            text = cells[number].strip() if number < len(cells) else ""
            if (not text and number not in row.formulas) or number == self._day_column:
                continue
            try:
                if number in row.formulas or text[0] == "=":
                    raise Wrong("This is a formula. Put its value in its place.", Kind.FORMULA)
                if target.kind == "field":
                    found.custom[str(target.field_id)] = _value(text, target.field_kind)
                else:
                    self._read[target.kind](found, text)
            except ValueError as error:
                kind = (error.kind if isinstance(error, Wrong) else None) or _KINDS.get(target.kind)
                found.problems.append((number, kind or Kind.OTHER, str(error)))
        if found.status and self._day_column is not None:
            self._said_at(found, row, self._day_column)
        if not found.team_ids:
            found.team_ids = list(self._default_teams)
        if found.status and not found.team_ids:
            missing = f"Names no {self._team_word} in which to opt them in or out."
            found.problems.append((self._status_column, Kind.STATUS_WITHOUT_TEAM, missing))
        elif found.given and not found.team_ids:
            missing = f"Names no {self._team_word} to whose texts they agreed."
            found.problems.append((self._consent_column, Kind.STATUS_WITHOUT_TEAM, missing))
        if not found.external_id and not found.number and not found.problems:
            nobody = "There is neither a ContactId nor a mobile number."
            found.problems.append((self._who_column, Kind.NOBODY_NAMED, nobody))
        return found

    def _first_name(self, found: Understood, text: str) -> None:
        found.first_name = _short(_one_line(text), _LONGEST_NAME)

    def _last_name(self, found: Understood, text: str) -> None:
        found.last_name = _short(_one_line(text), _LONGEST_NAME)

    def _external_id(self, found: Understood, text: str) -> None:
        found.external_id = _short(_one_line(text), _LONGEST_NAME)

    def _number(self, found: Understood, text: str) -> None:
        try:
            found.number = self._full(text)
        except BadNumber as error:
            raise Wrong(f"“{text[:40]}” is not a phone number. {error}") from error

    def _full(self, text: str) -> str:
        """Errors: BadNumber."""
        try:
            return parse_number(text)
        except LocalNumber as local:
            self.local_numbers += 1
            if number := with_area_code(self._area_code, local.digits):
                return number
            raise

    def _teams(self, found: Understood, text: str) -> None:
        codes = codes_in(text)
        known = [self._team_ids.get(code) or self._team_ids.get(code.casefold()) for code in codes]
        # What can be read of a refused row still tells which teams its opt out is for.
        found.team_ids = sorted({team_id for team_id in known if team_id})
        if unknown := [code for code, team_id in zip(codes, known, strict=True) if team_id is None]:
            for code in unknown:
                if code in self.unknown_codes or len(self.unknown_codes) < _MOST_CODES:
                    self.unknown_codes[code] += 1
            raise Wrong(f"There is no {self._team_word} with the code {', '.join(unknown)[:200]}.")

    def _opted_out(self, found: Understood, text: str) -> None:
        decimal = _AS_DECIMAL.fullmatch(text)
        try:
            found.status = _OPTED_OUT[decimal[1] if decimal else text.lower()]
        except KeyError as error:
            raise Wrong(f"“{text[:40]}” is none of yes, true, y, 1, no, false, n, 0.") from error

    def _status(self, found: Understood, text: str) -> None:
        try:
            found.status = _STATUSES[re.sub(r"[\W_]", "", text.lower())]
        except KeyError as error:
            raise Wrong(f"“{text[:40]}” is neither Opted Out nor Opted In.") from error

    def _said_at(self, found: Understood, row: Row, number: int) -> None:
        """Reads the StatusDate, once it is known what the status is."""
        text = row.cells[number].strip() if number < len(row.cells) else ""
        if not text and number not in row.formulas:
            return
        try:
            found.said_at = moment(text, found.status == Status.OPTED_OUT)
        except (ValueError, OverflowError):
            problem = f"“{text[:40]}” is no moment in the past; write it as 2026-03-31T09:30:00Z."
            found.problems.append((number, Kind.BAD_DAY, problem))

    def _tags(self, found: Understood, text: str) -> None:
        names = {name.lower(): name for part in _SEVERAL.split(text) if (name := _one_line(part))}
        found.tags = [_short(name, _LONGEST_TAG) for name in names.values()]

    def _consent_date(self, found: Understood, text: str) -> None:
        found.given |= consent_cells.agreed(text, self._zone)

    def _consent_source(self, found: Understood, text: str) -> None:
        if source := consent_cells.source(_undefused(text)):
            found.given |= {"source": source, "method": str(consent_cells.method_of(source))}

    def _consent_text(self, found: Understood, text: str) -> None:
        if words := consent_cells.words(_undefused(text)):
            found.given["words"] = words

    def _consent_url(self, found: Understood, text: str) -> None:
        found.given["url"] = consent_cells.page(text)


def codes_in(text: str) -> list[str]:
    """The codes of teams in a cell."""
    return [code for part in _SEVERAL.split(text) if (code := part.strip()[:_LONGEST_CODE])]


def _one_line(text: str) -> str:
    """A name or id as it is kept, and without what our own files put before it."""
    return _undefused(folded(text).strip())


def _undefused(text: str) -> str:
    return _DEFUSED.sub("", text, count=1)


def _short(text: str, most: int) -> str:
    if len(text) > most:
        raise Wrong(f"Longer than {most:,} characters.", Kind.TOO_LONG)
    return text


def _value(text: str, kind: str) -> str:
    """A custom field's value as Contact.custom keeps it. Errors: Wrong."""
    if kind == FieldKind.NUMBER:
        try:
            if Decimal(text.replace(",", "")).is_finite():
                return text.replace(",", "")
        except InvalidOperation:
            pass
        raise Wrong(f"“{text[:40]}” is not a number.")
    if kind == FieldKind.DATE:
        return _day(text).isoformat()
    return _short(text, _LONGEST_VALUE)


def _day(text: str) -> date:
    for form in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise Wrong(f"“{text[:40]}” is not a day; write it as 2026-03-31 or 3/31/2026.")
