"""Where files of texts are read: by who may see the conversation, and by carriers with a signed address."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from flask import Blueprint, Response, abort
from flask_login import current_user

from cadence_app import files
from cadence_app.accounts.roles import desk_required
from cadence_app.messaging.media import links, service
from cadence_app.messaging.media.models import MessageMedia

blueprint = Blueprint("media", __name__)

# Nothing in a file runs or loads anything, whatever a browser makes of it.
_CSP = "default-src 'none'; sandbox"


@blueprint.get("/messages/media/<int:media_id>")
@desk_required
def show(media_id: int) -> Response:
    """A picture to be shown, any other file as a download."""
    media = service.find(current_user, media_id) or abort(404)
    return _answer(media, "inline" if media.shown_inline else "attachment", media.download_name)


@blueprint.get("/media/<token>")
def public(token: str) -> Response:
    """A file of a text of ours, for the carrier that sends it."""
    media = links.media_of(token) or abort(404)
    # Carriers take the name from an inline disposition too (docs/carriers.md).
    return _answer(media, "inline", links.public_name(media))


def _answer(media: MessageMedia, disposition: str, name: str) -> Response:
    try:
        chunks = files.chunks(media.file_key)
    except FileNotFoundError:
        abort(404)
    response = Response(chunks, mimetype=media.content_type)
    response.headers.set("Content-Disposition", disposition, **_spelled(name))
    response.headers["Content-Length"] = str(media.size)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = _CSP
    response.headers["Cache-Control"] = "no-store"
    return response


def _spelled(name: str) -> dict[str, str]:
    """A file's name for a header: in ASCII and, where that is not all of it, in UTF-8 too (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return {"filename": plain} | ({} if plain == name else {"filename*": f"UTF-8''{quote(name, safe='')}"})
