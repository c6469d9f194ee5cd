"""Where the pages of webhooks are registered."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("webhooks", __name__, url_prefix="/settings/webhooks")
