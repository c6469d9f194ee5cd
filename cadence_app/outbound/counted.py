"""A socket that ends when more came from the other side than may, for a library that reads for itself."""

from __future__ import annotations

import socket


class CountedSocket(socket.socket):
    """Takes over an open socket, from which at most `room` bytes are read by recv(), as asyncio does. Errors
    of recv(): ConnectionAbortedError past that."""

    def __init__(self, opened: socket.socket, room: int) -> None:
        timeout = opened.gettimeout()
        super().__init__(opened.family, opened.type, opened.proto, fileno=opened.detach())
        self.settimeout(timeout)
        self._left = room

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        found = super().recv(size, flags)
        self._left -= len(found)
        if self._left < 0:
            raise ConnectionAbortedError("the other side sent more than it may")
        return found
