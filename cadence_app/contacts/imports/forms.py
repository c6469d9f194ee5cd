"""The forms of an import's steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import request
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    Field,
    Form,
    HiddenField,
    SelectField,
    SelectMultipleField,
    SubmitField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import Length, NumberRange, Optional, ValidationError

from cadence_app.accounts.models import Team
from cadence_app.consent.evidence import EARLIEST, MOST_WORDS
from cadence_app.contacts.imports import mapping
from cadence_app.contacts.imports.looking import Sample
from cadence_app.contacts.imports.mapping import NEW_FIELD, SKIP, Target
from cadence_app.contacts.imports.models import Import
from cadence_app.contacts.imports.reading import DELIMITERS, ENCODINGS, Options
from cadence_app.contacts.imports.refusals import CHOICES, Choice, Kind
from cadence_app.form_fields import (
    DayField,
    MultiCheckboxField,
    WholeNumberField,
    no_control_characters,
    one_kind_of_line_end,
    stripped,
)
from cadence_app.ui.navigation import Words

_LONGEST_FIELD_NAME = 100
# What a person reads of a row to tell whether it names the columns.
_SHOWN_CELLS, _SHOWN = 6, 90


class UploadForm(FlaskForm):
    file = FileField("File", [FileRequired("Choose a file.")])
    submit = SubmitField("Upload")


class StartForm(FlaskForm):
    """The tick and the written reason without which nobody's own STOP is lifted, and the number that a person
    types where many refused rows say opt out."""

    lift_stops = BooleanField("Opt in also people who stopped by their own text")
    stop_reason = TextAreaField(
        "How they gave consent again", [Length(max=500), no_control_characters], filters=[stripped]
    )
    opt_outs = WholeNumberField("How many refused rows say opt out")
    agreed = SelectMultipleField("Who agreed", coerce=int, validate_choice=False)
    agreed_reason = TextAreaField(
        "How these people agreed to texts", [Length(max=500), no_control_characters], filters=[stripped]
    )
    signed = BooleanField()
    statement = TextAreaField(
        "How did the people in this file agree?",
        [Length(max=MOST_WORDS), no_control_characters],
        filters=[one_kind_of_line_end, stripped],
    )
    statement_on = DayField("When they agreed", [Optional()])

    def __init__(self, imported: Import, **options: Any) -> None:
        super().__init__(**options)
        self._imported = imported
        if not imported.types_opt_outs:
            del self["opt_outs"]
        self.signed.label.text = (
            f"I, {current_user.name}, state that the people in this file agreed to our texts in this way."
        )

    def validate_agreed_reason(self, field: Field) -> None:
        if self.agreed.data and not field.data:
            raise ValidationError("Write how the people you checked agreed to texts.")
        if field.data and not self.agreed.data:
            raise ValidationError("Check the people this is about, or leave this empty.")

    def validate_statement(self, field: Field) -> None:
        if self.signed.data and not field.data:
            raise ValidationError("Write how the people in this file agreed.")

    def validate_signed(self, field: Field) -> None:
        if self.statement.data and not field.data:
            raise ValidationError("Sign it by checking this box, or leave the text empty.")

    def validate_statement_on(self, field: Field) -> None:
        if field.data is None:
            return
        if not self.statement.data:
            raise ValidationError("Write how they agreed too, or leave this empty.")
        if field.data > datetime.now(current_user.tenant.zone).date():
            raise ValidationError("This day is still to come.")
        if field.data < EARLIEST:
            raise ValidationError(f"Enter a day from {EARLIEST:%B} {EARLIEST.day}, {EARLIEST.year} on.")

    def validate_opt_outs(self, field: Field) -> None:
        if field.data != self._imported.refused_opt_outs:
            raise ValidationError(f"Type {self._imported.refused_opt_outs} to confirm it.")

    @property
    def typed(self) -> int | None:
        return self.opt_outs.data if "opt_outs" in self else None

    def validate_stop_reason(self, field: Field) -> None:
        if self.lift_stops.data and not field.data:
            raise ValidationError("Write how these people gave consent again.")
        if field.data and not self.lift_stops.data:
            raise ValidationError("Check the box above too, or leave this empty.")


class AreaCodeForm(FlaskForm):
    """The one area code that the seven-digit numbers of a file get; empty takes it away again."""

    area_code = SelectField("Area code")

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__()
        self.area_code.choices = [*((code, code) for code in codes), ("", "None")]


class ReadingForm(FlaskForm):
    """How a draft's file is read; the fields that its format has no use for are left out."""

    encoding = SelectField("Encoding")
    delimiter = SelectField("Cells are separated by")
    sheet = SelectField("Sheet")
    header = SelectField("Names of the columns", coerce=int)

    def __init__(self, imported: Import, sample: Sample) -> None:
        options = Options(**imported.options)
        super().__init__(data=options.stored)
        lines = [SelectChoice(row.line, f"Line {row.line}: {_beginning(row.cells)}") for row in sample.head]
        if options.header not in [choice.value for choice in lines]:
            lines.insert(0, SelectChoice(options.header, f"Line {options.header or 1}"))
        self.header.choices = lines
        if options.format == "xlsx":
            del self["encoding"], self["delimiter"]
            hidden = {sheet.name: " (hidden)" if sheet.hidden else "" for sheet in sample.sheets}
            self.sheet.choices = [
                SelectChoice(name, f"{name}{hidden.get(name, '')}")
                for name in dict.fromkeys([options.sheet, *hidden])
            ]
        else:
            del self["sheet"]
            self.encoding.choices = [SelectChoice(*each) for each in ENCODINGS.items()]
            self.delimiter.choices = [SelectChoice(*each) for each in DELIMITERS.items()]

    def options(self, imported: Import) -> Options:
        """What a valid form asks for."""
        asked = {
            name: self[name].data for name in ("encoding", "delimiter", "sheet", "header") if name in self
        }
        return Options(**imported.options | asked)


class ColumnsForm(FlaskForm):
    """What each column is imported as, and which team is meant by each code that none has. Its `columns` and
    `codes` are fields of their own, made for the file at hand."""

    teams = MultiCheckboxField("Teams", coerce=int)

    def __init__(
        self,
        imported: Import,
        teams: Sequence[Team],
        words: Words,
        unknown_codes: Sequence[str] = (),
        usual_teams: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(data={"teams": imported.default_teams})
        self.headers: list[str] = imported.headers
        self.words = words
        self.teams.label.text = f"{words.Teams} for rows that name none"
        self.teams.choices = [SelectChoice(team.id, f"{team.name} ({team.code})") for team in teams]
        current = {f"column-{number}": Target(**each).choice for number, each in enumerate(imported.columns)}
        choices = [SelectChoice(*each) for each in mapping.choices(words.Team)]
        made: type[Form] = type(
            "Columns",
            (Form,),
            {
                f"column-{number}": SelectField(name or f"Column {number + 1}", choices=choices)
                for number, name in enumerate(self.headers)
            },
        )
        given = request.form if self.is_submitted() else None
        self.columns = made(given, data=current)
        self._codes = list(unknown_codes)
        offered = {team.id for team in teams}
        chosen = {**(usual_teams or {}), **imported.code_teams}
        meant = [
            SelectChoice(0, "Refuse these rows"),
            *(SelectChoice(team.id, f"{team.name} ({team.code})") for team in teams),
        ]
        coded: type[Form] = type(
            "Codes",
            (Form,),
            {
                f"code-{number}": SelectField(code, choices=meant, coerce=int)
                for number, code in enumerate(self._codes)
            },
        )
        known = {
            f"code-{number}": chosen[code] if chosen.get(code) in offered else 0
            for number, code in enumerate(self._codes)
        }
        # A page from before the check knew fewer codes.
        some = given if given and any(name in given for name in known) else None
        self.codes = coded(some, data=known)

    @property
    def chosen(self) -> list[str]:
        return [field.data for field in self.columns]

    @property
    def code_teams(self) -> dict[str, int]:
        """The ids of the teams that are chosen for codes."""
        return {code: field.data for code, field in zip(self._codes, self.codes, strict=True) if field.data}

    def validate(self, extra_validators: Any = None) -> bool:
        own = super().validate(extra_validators)
        return self.columns.validate() and self.codes.validate() and self._makes_sense() and own

    def _makes_sense(self) -> bool:
        """Each target once, somebody to find people by, and a team for everybody."""
        seen: dict[str, str] = {}
        twice = mapping.named_twice(self.headers)
        good = True
        for name, field in zip(self.headers, self.columns, strict=True):
            problem = ""
            if field.data == NEW_FIELD and not name:
                problem = "Give the column a name in the file first."
            elif field.data == NEW_FIELD and len(name) > _LONGEST_FIELD_NAME:
                problem = f"The name is longer than {_LONGEST_FIELD_NAME} characters."
            elif field.data not in {SKIP, NEW_FIELD} and field.data in seen:
                problem = f"{seen[field.data]} is that already."
            elif field.data != SKIP and name.casefold() in twice:
                problem = f"Two columns are named “{name}”. Rename one in the file, or leave both out."
            if problem:
                field.errors = [*field.errors, problem]
                good = False
            seen.setdefault(field.data, name or field.label.text)
        if {"opted_out", "status"} <= set(self.chosen):
            self.form_errors.append("Choose either OptedOut or Status: each tells who is opted out.")
            good = False
        if not {"external_id", "number"} & set(self.chosen):
            self.form_errors.append("Choose which column is the ContactId or the mobile number.")
            good = False
        if "teams" not in self.chosen and not self.teams.data:
            self.teams.errors = [*self.teams.errors, f"Choose a {self.words.team}: no column names one."]
            good = False
        return good


class HiddenRowsForm(FlaskForm):
    """Whether the rows that a sheet hides are imported."""

    hidden = SelectField(
        "Hidden rows", choices=[("leave_out", "Leave them out"), ("include", "Import them too")]
    )


class ChoiceForm(FlaskForm):
    """What is done with the refused rows of a kind, or with the one on `line`."""

    kind = HiddenField()
    line = WholeNumberField(validators=[Optional(), NumberRange(1, 2**31)])
    choice = SelectField("What to do", choices=[("", "Leave out"), *CHOICES.items()])

    def validate_kind(self, field: Field) -> None:
        if field.data not in list(Kind):
            raise ValidationError("There is no such kind.")

    @property
    def chosen(self) -> Choice | None:
        return Choice(self.choice.data) if self.choice.data else None


def _beginning(cells: Sequence[str]) -> str:
    shown = ", ".join(cell.strip() for cell in cells[:_SHOWN_CELLS])
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
