"""The forms of destinations, one for each protocol."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    PasswordField,
    RadioField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, ValidationError

from cadence_app.form_fields import WholeNumberField, stripped
from cadence_app.outbound import gate
from cadence_app.outbound.gate import Refused
from cadence_app.outbound.policy import Kind
from cadence_app.reports.destinations import naming, sftp
from cadence_app.reports.destinations.models import Destination, Protocol, WhenTaken
from cadence_app.reports.destinations.problems import DeliveryProblem
from cadence_app.reports.destinations.s3 import S3Place, amazon
from cadence_app.reports.destinations.service import Setup, is_elsewhere
from cadence_app.reports.destinations.sftp import SftpPlace
from cadence_app.reports.forms import offered

_HOST = re.compile(r"[A-Za-z0-9.:_-]+", re.ASCII)
_BUCKET = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_AGAIN = "It is on another server now: enter this again, so that it is not sent there by itself."


def printable(form: FlaskForm, field: Field) -> None:
    if not (field.data or "").isprintable():
        raise ValidationError("This has a character that can't be stored.")


class DestinationForm(FlaskForm):
    """What every destination has. `stored` is the one that is changed, None for a new one."""

    name = StringField(
        "Name", [DataRequired("Give it a name."), Length(max=80), printable], filters=[stripped]
    )
    file_pattern = StringField(
        "File name",
        [DataRequired("Say what the files are called."), Length(max=120)],
        default=naming.DEFAULT_PATTERN,
        filters=[stripped],
    )
    when_taken = RadioField(
        "When a file of that name is there already",
        [offered],
        default=WhenTaken.REPLACE,
        choices=[
            SelectChoice(str(WhenTaken.REPLACE), "Replace it"),
            SelectChoice(str(WhenTaken.WAIT), "Wait until it is gone, such as loaded and moved away"),
        ],
        validate_choice=False,
    )
    with_digest = BooleanField("Write a .sha256 file beside each file, after it")

    def __init__(self, stored: Destination | None, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stored = stored

    @property
    def secret_field(self) -> Field:
        raise NotImplementedError

    @property
    def place(self) -> SftpPlace | S3Place:
        raise NotImplementedError

    @property
    def setup(self) -> Setup:
        """What a form that is valid says."""
        return Setup(
            name=self.name.data,
            place=self.place,
            secret=self.secret_field.data or "",
            file_pattern=self.file_pattern.data,
            with_digest=self.with_digest.data,
            when_taken=WhenTaken(self.when_taken.data),
        )

    def validate_file_pattern(self, field: Field) -> None:
        if problem := naming.problem_of(field.data):
            raise ValidationError(problem)

    def validate(self, extra_validators: dict[str, list[object]] | None = None) -> bool:
        """Also tells where the secret is missing."""
        if not super().validate(extra_validators):
            return False
        if not self.secret_field.data and (self.stored is None or self._needs_secret(self.stored)):
            self.secret_field.errors = ["Enter this." if self.stored is None else _AGAIN]
            return False
        return True

    def _needs_secret(self, stored: Destination) -> bool:
        return is_elsewhere(stored, self.place)


class SftpForm(DestinationForm):
    host = StringField(
        "Host", [DataRequired("Enter the server's name."), Length(max=253)], filters=[stripped]
    )
    port = WholeNumberField(
        "Port", [InputRequired("Enter a number."), NumberRange(1, 65535, "From 1 to 65535.")], default=22
    )
    user = StringField(
        "User", [DataRequired("Enter the user."), Length(max=100), printable], filters=[stripped]
    )
    folder = StringField("Folder", [Length(max=500), printable], filters=[stripped])
    sign_in = RadioField(
        "Sign in with",
        [offered],
        default="password",
        choices=[SelectChoice("password", "A password"), SelectChoice("key", "A private key")],
        validate_choice=False,
    )
    password = PasswordField("Password", [Length(max=1000)])
    private_key = TextAreaField("Private key", [Length(max=20_000)], filters=[stripped])

    @property
    def secret_field(self) -> Field:
        return self.private_key if self.sign_in.data == "key" else self.password

    @property
    def place(self) -> SftpPlace:
        return SftpPlace(
            host=self.host.data,
            port=self.port.data,
            user=self.user.data,
            folder=self.folder.data,
            by_key=self.sign_in.data == "key",
        )

    def validate_host(self, field: Field) -> None:
        if not _HOST.fullmatch(field.data):
            raise ValidationError("Enter a name such as files.college.example, or an address.")

    def validate_password(self, field: Field) -> None:
        if "\x00" in (field.data or ""):
            raise ValidationError("This has a character that can't be stored.")

    def validate_private_key(self, field: Field) -> None:
        if self.sign_in.data != "key" or not field.data:
            return
        try:
            sftp.read_private_key(field.data)
        except DeliveryProblem as problem:
            raise ValidationError(f"{problem}.") from problem

    def _needs_secret(self, stored: Destination) -> bool:
        return super()._needs_secret(stored) or stored.place["by_key"] != self.place.by_key


class S3Form(DestinationForm):
    endpoint = StringField("Endpoint", [Length(max=500), printable], filters=[stripped])
    region = StringField(
        "Region", [DataRequired("Enter the region."), Length(max=60)], default="us-east-1", filters=[stripped]
    )
    bucket = StringField("Bucket", [DataRequired("Enter the bucket."), Length(max=255)], filters=[stripped])
    prefix = StringField("Folder", [Length(max=500), printable], filters=[stripped])
    key_id = StringField(
        "Access key", [DataRequired("Enter the access key."), Length(max=200), printable], filters=[stripped]
    )
    secret_key = PasswordField("Secret key", [Length(max=1000)])

    @property
    def secret_field(self) -> Field:
        return self.secret_key

    @property
    def place(self) -> S3Place:
        return S3Place(
            endpoint=(self.endpoint.data or amazon(self.region.data)).rstrip("/"),
            region=self.region.data,
            bucket=self.bucket.data,
            prefix=self.prefix.data.strip("/"),
            key_id=self.key_id.data,
        )

    def validate_endpoint(self, field: Field) -> None:
        try:
            parts = urlsplit(field.data or "https://amazon")
            target = gate.target_of(Kind.S3, field.data or "https://amazon")
            fine = bool(_HOST.fullmatch(target.host)) and not (parts.query or parts.fragment)
        except (ValueError, Refused):
            fine = False
        if not fine:
            raise ValidationError("Enter an address such as https://storage.example:9000.")
        if parts.scheme == "http" and not current_app.config["PRIVATE_DESTINATIONS"]:
            raise ValidationError("It must begin with https://.")

    def validate_region(self, field: Field) -> None:
        if not _BUCKET.fullmatch(field.data):
            raise ValidationError("Enter a region such as us-east-1.")

    def validate_bucket(self, field: Field) -> None:
        if not _BUCKET.fullmatch(field.data):
            raise ValidationError("A bucket's name has letters, digits, points and hyphens only.")

    def validate_secret_key(self, field: Field) -> None:
        printable(self, field)


FORMS: dict[Protocol, type[DestinationForm]] = {Protocol.SFTP: SftpForm, Protocol.S3: S3Form}


def as_data(destination: Destination) -> dict[str, Any]:
    """A destination as the fields of its form show it: without the secret."""
    place = dict(destination.place)
    if destination.kind == Protocol.SFTP:
        place["sign_in"] = "key" if place["by_key"] else "password"
    return place | {
        "name": destination.name,
        "file_pattern": destination.file_pattern,
        "when_taken": destination.when_taken,
        "with_digest": destination.with_digest,
    }
