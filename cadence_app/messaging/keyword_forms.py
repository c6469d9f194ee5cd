"""The forms of the keywords page: a word to add, and a text to try."""

from __future__ import annotations

from collections.abc import Sequence

from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length

from cadence_app.accounts.models import Team
from cadence_app.consent.keywords import Meaning
from cadence_app.form_fields import no_control_characters, one_kind_of_line_end, stripped
from cadence_app.messaging.auto_replies import MAX_AUTO_REPLY

MEANING_NAMES = {Meaning.OUT: "Opts out", Meaning.IN: "Opts in", Meaning.HELP: "Asks for help"}
EVERYBODY = ""


class KeywordForm(FlaskForm):
    word = StringField(
        "Word", [InputRequired("Enter a word."), Length(max=200), no_control_characters], filters=[stripped]
    )
    meaning = RadioField(
        "What it does",
        choices=[SelectChoice(str(meaning), name) for meaning, name in MEANING_NAMES.items()],
        default=str(Meaning.OUT),
    )
    team = SelectField("For")
    answer = TextAreaField(
        "Answer",
        [
            Length(max=MAX_AUTO_REPLY, message=f"An answer has at most {MAX_AUTO_REPLY} characters."),
            no_control_characters,
        ],
        filters=[one_kind_of_line_end, stripped],
    )

    def offer(self, teams: Sequence[Team]) -> None:
        named = [SelectChoice(str(team.id), team.name) for team in teams]
        self.team.choices = [SelectChoice(EVERYBODY, "The whole organization"), *named]


class TryForm(FlaskForm):
    """Sent by GET: it changes nothing, and its address can be passed on."""

    class Meta:
        csrf = False

    text = TextAreaField("Text", [InputRequired("Write a text."), Length(max=1600), no_control_characters])
    to = SelectField("Sent to")
    opted_out = BooleanField("The sender is opted out")
    personal = BooleanField("To a personal inbox")

    def offer(self, teams: Sequence[Team]) -> None:
        self.to.choices = [SelectChoice(str(team.id), team.name) for team in teams]
