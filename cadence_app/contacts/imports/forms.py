"""The forms of an import's steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, Field, Form, SelectField, SubmitField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import Length, ValidationError

from cadence_app.accounts.models import Team
from cadence_app.contacts.imports import mapping
from cadence_app.contacts.imports.mapping import NEW_FIELD, SKIP, Target
from cadence_app.contacts.imports.models import Import
from cadence_app.contacts.imports.reading import DELIMITERS, ENCODINGS, Options
from cadence_app.ui.fields import MultiCheckboxField, no_control_characters, stripped
from cadence_app.ui.navigation import Words

_LONGEST_FIELD_NAME = 100


class UploadForm(FlaskForm):
    file = FileField("File", [FileRequired("Choose a file.")])
    submit = SubmitField("Upload")


class StartForm(FlaskForm):
    """The tick and the written reason without which nobody's own STOP is lifted."""

    lift_stops = BooleanField("Opt in also people who stopped by their own text")
    stop_reason = TextAreaField(
        "How they gave consent again", [Length(max=500), no_control_characters], filters=[stripped]
    )

    def validate_stop_reason(self, field: Field) -> None:
        if self.lift_stops.data and not field.data:
            raise ValidationError("Write how these people gave consent again.")
        if field.data and not self.lift_stops.data:
            raise ValidationError("Tick the box above too, or leave this empty.")


class AreaCodeForm(FlaskForm):
    """The one area code that the seven-digit numbers of a file get; empty takes it away again."""

    area_code = SelectField("Area code")

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__()
        self.area_code.choices = [*((code, code) for code in codes), ("", "None")]


class ReadingForm(FlaskForm):
    """How a draft's file is read; the fields that its format has no use for are left out."""

    encoding = SelectField("Encoding")
    delimiter = SelectField("Between cells")
    sheet = SelectField("Sheet")

    def __init__(self, imported: Import, sheets: Sequence[str]) -> None:
        options = Options(**imported.options)
        super().__init__(data=options.stored)
        if options.format == "xlsx":
            del self["encoding"], self["delimiter"]
            self.sheet.choices = [SelectChoice(name) for name in dict.fromkeys([options.sheet, *sheets])]
        else:
            del self["sheet"]
            self.encoding.choices = [SelectChoice(*each) for each in ENCODINGS.items()]
            self.delimiter.choices = [SelectChoice(*each) for each in DELIMITERS.items()]

    def options(self, imported: Import) -> Options:
        """What a valid form asks for."""
        asked = {name: self[name].data for name in ("encoding", "delimiter", "sheet") if name in self}
        return Options(**imported.options | asked)


class ColumnsForm(FlaskForm):
    """What each column is imported as. Its `columns` are fields of their own, made for the file at hand."""

    teams = MultiCheckboxField("Teams", coerce=int)

    def __init__(self, imported: Import, teams: Sequence[Team], words: Words) -> None:
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
        self.columns = made(request.form if self.is_submitted() else None, data=current)

    @property
    def chosen(self) -> list[str]:
        return [field.data for field in self.columns]

    def validate(self, extra_validators: Any = None) -> bool:
        own = super().validate(extra_validators)
        return self.columns.validate() and self._makes_sense() and own

    def _makes_sense(self) -> bool:
        """Each target once, somebody to find people by, and a team for everybody."""
        seen: dict[str, str] = {}
        good = True
        for name, field in zip(self.headers, self.columns, strict=True):
            problem = ""
            if field.data == NEW_FIELD and not name:
                problem = "Give the column a name in the file first."
            elif field.data == NEW_FIELD and len(name) > _LONGEST_FIELD_NAME:
                problem = f"The name is longer than {_LONGEST_FIELD_NAME} characters."
            elif field.data not in {SKIP, NEW_FIELD} and field.data in seen:
                problem = f"{seen[field.data]} is that already."
            if problem:
                field.errors = [*field.errors, problem]
                good = False
            seen.setdefault(field.data, name or field.label.text)
        if not {"external_id", "number"} & set(self.chosen):
            self.form_errors.append("Choose which column is the ContactId or the mobile number.")
            good = False
        if "teams" not in self.chosen and not self.teams.data:
            self.teams.errors = [*self.teams.errors, f"Choose a {self.words.team}: no column names one."]
            good = False
        return good
