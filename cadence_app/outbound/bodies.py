"""Reading an answer's body within its bounds, also when it is compressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

# More than the compressed form of anything that fits can have on top.
_OVERHEAD = 64 * 1024
_GZIP_OR_ZLIB = 47


class TooLarge(Exception):
    """The body is larger than it may be."""


class Garbled(Exception):
    """The body is compressed in a way that was not asked for, or not as it says."""


def unpacked(pieces: Iterable[bytes], encoding: str, most: int) -> Iterator[bytes]:
    """The body in pieces, by its Content-Encoding (RFC 9110, section 8.4.1): gzip and deflate, once. At no
    time is more than `most` bytes unpacked, however much a few bytes stand for. Errors: TooLarge, Garbled."""
    named = encoding.strip().lower()
    if named in ("", "identity"):
        return _counted(pieces, most)
    if named in ("gzip", "x-gzip", "deflate"):
        return _inflated(_counted(pieces, most + _OVERHEAD), most)
    raise Garbled(f"compressed as {named!r}")


def _counted(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    left = most
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise TooLarge
        yield piece


def _inflated(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    left, begun, inflating = most, False, zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        for piece in pieces:
            given, begun = piece, True
            while given and not inflating.eof:
                # One more than there is room for tells that there is more.
                out = inflating.decompress(given, left + 1)
                left -= len(out)
                if left < 0:
                    raise TooLarge
                if out:
                    yield out
                given = inflating.unconsumed_tail
        if begun and not inflating.eof:
            raise Garbled("cut off")
    except zlib.error as error:
        raise Garbled(str(error)) from error
