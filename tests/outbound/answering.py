"""Servers on ports of their own: one that answers with the bytes it is told, one that leads to another."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
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
    server = Server(host, 0, pieces)

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

    with _listening(serve, host, port) as server.port:
        yield server


@contextmanager
def speaking(pieces: Iterable[bytes]) -> Iterator[Server]:
    """`pieces` are sent to the first that connects, who says nothing that is heard, until they hang up."""
    server = Server("127.0.0.1", 0, pieces)

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            server.taken.append(b"")
            for piece in server.pieces:
                connection.sendall(piece)

    with _listening(serve) as server.port:
        yield server


@contextmanager
def leading_to(place: str, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A port that leads to a socket of this machine, by its path; with a context, over TLS. `taken` has an
    entry for each connection."""
    server = Server("127.0.0.1", 0)

    def serve(near: socket.socket) -> None:
        server.taken.append(b"")
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as far:
            far.connect(place)
            if context:
                near = context.wrap_socket(near, server_side=True)
            back = threading.Thread(target=_hand_on, args=(far, near), daemon=True)
            back.start()
            _hand_on(near, far)
            back.join(5)
        near.close()

    with _listening(serve) as server.port:
        yield server


def _hand_on(source: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            other.sendall(piece)
        other.shutdown(socket.SHUT_WR)


@contextmanager
def _listening(
    serve: Callable[[socket.socket], None], host: str = "127.0.0.1", port: int = 0
) -> Iterator[int]:
    listener = socket.create_server((host, port))

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
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
