"""Which files are kept and sent, how large they may be, and what each is called.

Only what carriers bring with MMS and no browser runs: neither HTML nor SVG is kept. What a file is its
content says where that can be told; a carrier's word counts only for sound, video and rarer pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

# Twice what a carrier brings with one message: 5 MB (docs/carriers.md, as for the limits below).
MAX_BYTES = 10 * 1024 * 1024
NOT_KEPT = "Files of this type are not kept."
# The most that carriers bring with one.
MOST_FILES = 10

# The most that all files of one text may have together: the least that any carrier advises, below the 600 KB
# that networks take of a whole message from a toll-free number.
MAX_SENT_BYTES = 500_000
MAX_SENT_WORDS = "500 KB"

PICTURES_SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
SENT = frozenset({"image/jpeg", "image/png", "image/gif", "text/vcard", "application/pdf"})
SENT_WORDS = "JPEG, PNG and GIF pictures, contact cards (.vcf) and PDF"
SENT_ENDINGS = ".jpg,.jpeg,.png,.gif,.vcf,.pdf"

# Every type that is kept, with the usual ending of its name.
ENDINGS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    "text/vcard": ".vcf",
    "application/pdf": ".pdf",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/amr": ".amr",
    "audio/3gpp": ".3gp",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "audio/aac": ".aac",
    "video/mp4": ".mp4",
    "video/mpeg": ".mpg",
    "video/3gpp": ".3gp",
    "video/3gpp2": ".3g2",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
}
_SAME = {
    "image/jpg": "image/jpeg",
    "image/heif": "image/heic",
    "image/x-ms-bmp": "image/bmp",
    "text/x-vcard": "text/vcard",
    "text/directory": "text/vcard",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
}
# The first bytes of what can be told by them.
_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_TOLD_BY_CONTENT = frozenset({*PICTURES_SHOWN, *SENT})
# How an MMS is laid out on the phone, which is no file that anybody sent.
LAYOUT = "application/smil"


def normal(content_type: str) -> str:
    """A Content-Type without its parameters, by the usual one of its names."""
    plain = content_type.partition(";")[0].strip().lower()
    return _SAME.get(plain, plain)


def told_by(content: bytes) -> str | None:
    """The type of a file by its content, of those that can be told so."""
    for beginning, content_type in _BEGINNINGS:
        if content.startswith(beginning):
            return content_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return "text/vcard" if start[:11].upper() == b"BEGIN:VCARD" else None


def kept_as(declared: str, content: bytes) -> str | None:
    """The type that a file is kept as; None for one that is not kept, or is not what it is said to be."""
    found = told_by(content)
    if found:
        return found
    declared = normal(declared)
    return declared if declared in ENDINGS and declared not in _TOLD_BY_CONTENT else None


def name_of(content_type: str) -> str:
    """What a file is, for people."""
    if content_type == "text/vcard":
        return "Contact card"
    if content_type == "application/pdf":
        return "PDF"
    family = content_type.partition("/")[0]
    return {"image": "Picture", "audio": "Sound", "video": "Video"}.get(family, "File")


def summary(content_types: Sequence[str]) -> str:
    """What a text brought that has no words, in a few: "Picture", "3 files"."""
    if len(content_types) == 1:
        return name_of(content_types[0])
    return f"{len(content_types)} files"
