"""Fields in a text that become the contact's own values: `{first_name}`, or `{first_name|there}` with what to
say where the contact has none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from cadence_app.contacts.models import Contact, CustomField
from cadence_app.extensions import db

_FIELD = re.compile(r"\{([^{}|]*)(?:\|([^{}]*))?\}")
_SPACES = re.compile(r"[ \t]{2,}")
_BUILT_IN: dict[str, Callable[[Contact], str]] = {
    "first_name": lambda contact: contact.first_name,
    "last_name": lambda contact: contact.last_name,
}


class UnknownField(ValueError):
    """A text names a field that this organisation does not have; `name` is what it says."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no field {name}")
        self.name = name


@dataclass(frozen=True)
class Used:
    """A field that a text uses, by its own name; `field_id` of a custom one. `spared`: wherever it stands the
    text has words for who has no value."""

    name: str
    field_id: int | None
    spared: bool


@dataclass(frozen=True)
class Fields:
    """The fields a tenant's texts may have: the built-in ones, and its custom fields by name, whatever the
    capitals, with their ids."""

    custom: Mapping[str, int]

    @property
    def names(self) -> list[str]:
        return [*_BUILT_IN, *self.custom]

    def check(self, body: str) -> None:
        """Errors: UnknownField."""
        for match in _FIELD.finditer(body):
            if self._value_of(match[1]) is None:
                raise UnknownField(match[1].strip())

    def used(self, body: str) -> bool:
        return _FIELD.search(body) is not None

    def used_in(self, body: str) -> list[Used]:
        """Each field that a text uses, once."""
        own = {custom.casefold(): (custom, field_id) for custom, field_id in self.custom.items()}
        found: dict[str, Used] = {}
        for match in _FIELD.finditer(body):
            key = match[1].strip().casefold()
            if key not in _BUILT_IN and key not in own:
                continue
            name, field_id = (key, None) if key in _BUILT_IN else own[key]
            spared = bool(match[2] and match[2].strip()) and (key not in found or found[key].spared)
            found[key] = Used(name, field_id, spared)
        return list(found.values())

    def render(self, body: str, contact: Contact) -> str:
        """The text as this contact gets it. Space that an empty field leaves doubled is closed up. A field
        that is gone by now says its fallback."""

        def value(match: re.Match[str]) -> str:
            of = self._value_of(match[1])
            return (of(contact) if of else "") or match[2] or ""

        return _SPACES.sub(" ", _FIELD.sub(value, body)).strip()

    def _value_of(self, written: str) -> Callable[[Contact], str] | None:
        name = written.strip().casefold()
        if name in _BUILT_IN:
            return _BUILT_IN[name]
        found = {custom.casefold(): field_id for custom, field_id in self.custom.items()}.get(name)
        return (lambda contact: contact.custom.get(str(found), "")) if found else None


def tenant_fields() -> Fields:
    rows = db.session.execute(
        select(CustomField.name, CustomField.id).order_by(CustomField.position, CustomField.id)
    )
    return Fields({row.name: row.id for row in rows})
