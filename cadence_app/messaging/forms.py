from __future__ import annotations

from typing import Any

from flask import request
from flask_login import current_user
from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import Field, SelectMultipleField, StringField, SubmitField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length

from cadence_app.contacts.agreed_form import AgreedForm
from cadence_app.contacts.names import folded
from cadence_app.contacts.number_field import NumberField
from cadence_app.form_fields import (
    LaterField,
    exact_time,
    no_control_characters,
    one_kind_of_line_end,
    stripped,
)
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging import quiet_warnings
from cadence_app.messaging.carriers.of_inbox import carrier_of
from cadence_app.messaging.media import kinds, returned
from cadence_app.messaging.media.service import Refused, Upload, check_together, upload_of
from cadence_app.messaging.notes import MAX_LENGTH
from cadence_app.messaging.quiet_warnings import Caution
from cadence_app.messaging.sending import MAX_BODY_LENGTH
from cadence_app.ui import query_values


class ComposeForm(FlaskForm):
    body = TextAreaField(
        "Text",
        [
            DataRequired("Write something first."),
            Length(max=MAX_BODY_LENGTH, message=f"A text may be {MAX_BODY_LENGTH} characters long at most."),
            no_control_characters,
        ],
        filters=[one_kind_of_line_end, stripped],
    )
    files = MultipleFileField("Files")
    # Files of a text that was taken back, each by its signed word.
    kept = SelectMultipleField("Files to send again", validate_choice=False, choices=[])
    submit = SubmitField("Send")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.uploads: list[Upload] = []
        # Why it did not go yet: it would come in the person's quiet hours, and nobody had said so before.
        self.quiet: Caution | None = None

    def told_of(self, warning: Caution | None) -> bool:
        """Whether the writer knew of this warning as they pressed; else it is kept to be shown."""
        if quiet_warnings.told(warning, request.form.getlist("quiet_told")):
            return True
        self.quiet = warning
        return False

    @property
    def kept_files(self) -> list[returned.ReturnedFile]:
        """Those of a text that was taken back, which are in the box."""
        return returned.readable(current_user, self.kept.data or [])

    def validate_kept(self, field: Field) -> None:
        """After validate_files()."""
        try:
            kept = returned.read(current_user, self.kept.data or [])
            check_together([*(len(upload.content) for upload in self.uploads), *(each.size for each in kept)])
        except Refused as refusal:
            raise ValidationError(str(refusal)) from refusal

    def validate_files(self, field: Field) -> None:
        """Fills `uploads`."""
        given = [each for each in field.data or [] if getattr(each, "filename", "")]
        try:
            # No more is read of each than shows that it is too large.
            self.uploads = [upload_of(each.filename, each.read(kinds.MAX_SENT_BYTES + 1)) for each in given]
            check_together([len(upload.content) for upload in self.uploads])
        except Refused as refusal:
            raise ValidationError(str(refusal)) from refusal

    def carried_by(self, inbox: Inbox) -> bool:
        """Whether the inbox's carrier takes files, where there are any; says at them if it does not."""
        if not (self.uploads or self.kept.data) or (carrier := carrier_of(inbox)).sends_files:
            return True
        self.files.errors = [
            f"{carrier.said_name}, which carries this inbox's texts, takes no files. Send it without."
        ]
        return False


class LaterForm(ComposeForm):
    """A text for a later time, by the user's clock; `send_at.instant` is in UTC once the form is valid."""

    send_at = LaterField("Send at")

    def validate_files(self, field: Field) -> None:
        super().validate_files(field)
        if self.uploads or self.kept.data:
            raise ValidationError("A text for a later time can't have files. Send it now, or take them out.")

    def validate_send_at(self, field: Field) -> None:
        self.send_at.check(current_user.zone)

    def told_of_time(self, number: str) -> bool:
        """told_of() for the time that it is set for, said at its field with a button that sets it anyway."""
        at = self.send_at.instant
        if self.told_of(quiet_warnings.of_time(current_user.tenant, number, at)):
            return True
        self.send_at.errors = [self.quiet.words if self.quiet else ""]
        self.send_at.meant = (quiet_warnings.anyway(at, current_user.zone),)
        return False


def sets_time(given: query_values.Given) -> bool:
    """Whether the button that was pressed sets a time: Set, one of the usual times, or one that was asked
    about."""
    return "later" in given or any(exact_time(each) for each in given.getlist("send_at"))


class NoteForm(FlaskForm):
    note = TextAreaField(
        "Note",
        [
            DataRequired("Write something first."),
            Length(max=MAX_LENGTH, message=f"A note may be {MAX_LENGTH} characters long at most."),
            no_control_characters,
        ],
        filters=[one_kind_of_line_end, stripped],
    )


class NewTextForm(AgreedForm, ComposeForm):
    """A text to a contact, with how they agreed, should they join a team by it."""


class NewTextLaterForm(AgreedForm, LaterForm):
    pass


class NewcomerFields:
    """Who a new text goes to, where nobody whom the user may see has the number. It holds E.164 once the form
    is valid."""

    number = NumberField("Mobile number", [InputRequired("Enter a mobile number.")])
    first_name = StringField(
        "First name", [Length(max=200), no_control_characters], filters=[folded, stripped]
    )
    last_name = StringField("Last name", [Length(max=200), no_control_characters], filters=[folded, stripped])


class NewcomerForm(NewcomerFields, NewTextForm):
    pass


class NewcomerLaterForm(NewcomerFields, NewTextLaterForm):
    pass
