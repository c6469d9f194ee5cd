"""The blueprint of what is done on a contact's record."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("record", __name__, url_prefix="/contacts/<int:contact_id>")
