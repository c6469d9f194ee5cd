"""A socket that ends when more came from the other side than may, for a library that reads for itself."""

from __future__ import annotations

import contextlib
import socket


class TooMuch(ConnectionAbortedError):
    """The other side sent more than it may."""


class CountedSocket(socket.socket):
    """Takes over an open socket, from which at most `room` bytes are read by recv(), as asyncio does. Errors
    of recv(): TooMuch past that."""

    def __init__(self, opened: socket.socket, room: int) -> None:
        timeout = opened.gettimeout()
        super().__init__(opened.family, opened.type, opened.proto, fileno=opened.detach())
        self.settimeout(timeout)
        self._left = room

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        found = super().recv(size, flags)
        self._left -= len(found)
        if self._left < 0:
            raise TooMuch("the other side sent more than it may")
        return found

    def cut(self) -> None:
        """Ends the connection whatever is going on, so that nobody waits for the other side any more."""
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)
