"""What the cells of one row mean, and everything that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from cadence_app.consent.models import Status
from cadence_app.contacts.imports.mapping import SKIP, Target
from cadence_app.contacts.imports.reading import Row
from cadence_app.contacts.models import FieldKind
from cadence_app.contacts.numbers import BadNumber, LocalNumber, parse_number, with_area_code

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
_SEVERAL = re.compile(r"[;,]")


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
    tags: list[str] = field(default_factory=list)
    custom: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)


class Wrong(ValueError):
    """Something in a cell that can't be used; the text says what."""


class Reader:
    """Understands the rows of one file. `team_ids` are the tenant's by code; `team_word` is what the
    screens call a team. `area_code` is added to seven-digit numbers, where it is not empty; `local_numbers`
    counts them either way."""

    def __init__(
        self,
        targets: Sequence[Target],
        default_teams: Sequence[int],
        team_ids: dict[str, int],
        team_word: str,
        area_code: str = "",
    ) -> None:
        self.local_numbers = 0
        self._area_code = area_code
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
            "tags": self._tags,
        }
        self._status_column = next((number for number, t in self._columns if t.kind == "opted_out"), 0)
        kinds = {target.kind: number for number, target in reversed(self._columns)}
        self._who_column = kinds.get("number", kinds.get("external_id", 0))

    def understand(self, row: Row) -> Understood:
        found = Understood(row.line)
        cells = row.cells
        for number, target in self._columns:
            text = cells[number].strip() if number < len(cells) else ""
            if not text and number not in row.formulas:
                continue
            try:
                if number in row.formulas or text[0] == "=":
                    raise Wrong("This is a formula. Put its value in its place.")
                if target.kind == "field":
                    found.custom[str(target.field_id)] = _value(text, target.field_kind)
                else:
                    self._read[target.kind](found, text)
            except ValueError as error:
                found.problems.append((number, str(error)))
        if len(cells) > self._width and any(cells[self._width :]):
            found.problems.append((self._width, "The row has more cells than the header."))
        if not found.team_ids:
            found.team_ids = list(self._default_teams)
        if found.status and not found.team_ids:
            missing = f"Names no {self._team_word} in which to opt them in or out."
            found.problems.append((self._status_column, missing))
        if not found.external_id and not found.number and not found.problems:
            found.problems.append((self._who_column, "There is neither a ContactId nor a mobile number."))
        return found

    def _first_name(self, found: Understood, text: str) -> None:
        found.first_name = _short(text, _LONGEST_NAME)

    def _last_name(self, found: Understood, text: str) -> None:
        found.last_name = _short(text, _LONGEST_NAME)

    def _external_id(self, found: Understood, text: str) -> None:
        found.external_id = _short(text, _LONGEST_NAME)

    def _number(self, found: Understood, text: str) -> None:
        try:
            found.number = self._full(text)
        except BadNumber as error:
            raise Wrong(f"“{text[:40]}” is no phone number. {error}") from error

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
        codes = [code for part in _SEVERAL.split(text) if (code := part.strip())]
        known = [self._team_ids.get(code) or self._team_ids.get(code.casefold()) for code in codes]
        if unknown := [code for code, team_id in zip(codes, known, strict=True) if team_id is None]:
            raise Wrong(f"There is no {self._team_word} with the code {', '.join(unknown)[:200]}.")
        found.team_ids = sorted({team_id for team_id in known if team_id})

    def _opted_out(self, found: Understood, text: str) -> None:
        decimal = _AS_DECIMAL.fullmatch(text)
        try:
            found.status = _OPTED_OUT[decimal[1] if decimal else text.lower()]
        except KeyError as error:
            raise Wrong(f"“{text[:40]}” is none of yes, true, y, 1, no, false, n, 0.") from error

    def _tags(self, found: Understood, text: str) -> None:
        names = {name.lower(): name for part in _SEVERAL.split(text) if (name := part.strip())}
        found.tags = [_short(name, _LONGEST_TAG) for name in names.values()]


def _short(text: str, most: int) -> str:
    if len(text) > most:
        raise Wrong(f"Longer than {most:,} characters.")
    return text


def _value(text: str, kind: str) -> str:
    """A custom field's value as Contact.custom keeps it. Errors: Wrong."""
    if kind == FieldKind.NUMBER:
        try:
            if Decimal(text.replace(",", "")).is_finite():
                return text.replace(",", "")
        except InvalidOperation:
            pass
        raise Wrong(f"“{text[:40]}” is no number.")
    if kind == FieldKind.DATE:
        return _day(text).isoformat()
    return _short(text, _LONGEST_VALUE)


def _day(text: str) -> date:
    for form in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise Wrong(f"“{text[:40]}” is no day; write it as 2026-03-31 or 3/31/2026.")
