"""The forms of what a user is told of."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import BooleanField


class ChoiceForm(FlaskForm):
    mentions = BooleanField("A colleague mentions me in a note")
    assignments = BooleanField("A colleague assigns a conversation to me")
    waiting = BooleanField("A text has waited 15 minutes and nobody has opened it")
