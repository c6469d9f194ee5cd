"""A server on a port of its own that answers each connection with the bytes it is told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


def answer_of(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer of HTTP."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class Server:
    host: str
    port: int
    pieces: Iterable[bytes] = ()
    taken: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"


@contextmanager
def answering(pieces: Iterable[bytes] = (), host: str = "127.0.0.1", port: int = 0) -> Iterator[Server]:
    """`pieces` are sent one after the other once a request's head has come, until the other side hangs up."""
    listener = socket.create_server((host, port))
    server = Server(host, listener.getsockname()[1], pieces)

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            server.taken.append(head)
            for piece in server.pieces:
                connection.sendall(piece)

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
