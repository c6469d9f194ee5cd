"""A way out for a library that opens its own connections: a door on this machine that leads to one server.

obstore has no say in which address a name is connected to, and follows redirects. It is given this door as
its proxy (RFC 9110, section 9.3.6, CONNECT; for http the absolute form of RFC 9112, section 3.2.2). The door
leads to the addresses that were looked at when it opened and to nowhere else, whatever it is asked for: a
redirect to another server ends here. TLS goes through it from end to end, so certificates are verified as
ever.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from threading import RLock, Thread, current_thread
from types import TracebackType

from cadence_app.outbound import gate
from cadence_app.outbound.gate import Failure, NotConnected, Target
from cadence_app.outbound.policy import POLICIES, Kind

_HEAD = 16 * 1024
_PIECE = 256 * 1024
# In how many bytes of a file TLS and chunks may put one of their own: a server that writes small records adds
# one in forty.
_WRAPPED_AT_MOST = 16


class NarrowWay:
    """The door, while it is used as a context manager. `room` are the bytes that may come back through it, in
    all, beside what the policy lets every answer have. Errors on entering: Refused, NotConnected."""

    def __init__(self, kind: Kind, target: Target, room: int = 0) -> None:
        self._kind, self._target, self._policy = kind, target, POLICIES[kind]
        self._left = room + self._policy.most_bytes
        self._until = time.monotonic() + self._policy.seconds
        self._open: set[socket.socket] = set()
        # Whoever forgets a way may do so in any thread, that of this one among them (close()).
        self._lock = RLock()
        # The last thing that went wrong on the way, which the library does not tell as well.
        self.failure: Failure | None = None

    def __enter__(self) -> NarrowWay:
        target = self._target
        self._found = gate.find(
            self._kind, target.host, target.port, self._policy.connect_seconds, target.scheme == "http"
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends every connection by it. Once is enough; twice does no harm."""
        with self._lock:
            for each in (self._listener, *self._open):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        if self._thread is not current_thread():
            self._thread.join()
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            self._keep(stack, near)
            near.settimeout(self._policy.silent_seconds)
            try:
                onward = self._ask(near)
                if onward is None:
                    near.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    return
                far = gate.connect_to(self._kind, self._found, self._target.port, self._until)
                self._keep(stack, far)
                if self._target.scheme == "https":
                    near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                if onward:
                    far.sendall(onward)
                self._carry(near, far)
            except NotConnected as error:
                self.failure = error.failure
                with contextlib.suppress(OSError):
                    near.sendall(
                        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    )
            except TimeoutError:
                self.failure = Failure.TIME
            except OSError:
                # Either side hung up, which the library will notice.
                return

    def expect(self, size: int) -> None:
        """Makes room for a file of so many bytes, that the server has just said it sends."""
        with self._lock:
            self._left += size + size // _WRAPPED_AT_MOST

    def _keep(self, stack: contextlib.ExitStack, connection: socket.socket) -> None:
        """Closes a connection in the end, and lets __exit__ end it before."""
        with self._lock:
            self._open.add(connection)

        def close() -> None:
            with self._lock:
                self._open.discard(connection)
            connection.close()

        stack.callback(close)

    def _ask(self, near: socket.socket) -> bytes | None:
        """What is to be sent on of what was asked for; None where that is another server."""
        said = b""
        while b"\r\n\r\n" not in said:
            piece = near.recv(_PIECE)
            if not piece or len(said) > _HEAD:
                return None
            said += piece
        line, _, rest = said.partition(b"\r\n")
        method, _, asked = line.partition(b" ")
        asked, _, version = asked.rpartition(b" ")
        host = f"[{self._target.host}]" if ":" in self._target.host else self._target.host
        if self._target.scheme == "https":
            wanted = (
                method == b"CONNECT"
                and asked.decode("latin-1").lower() == f"{host}:{self._target.port}".lower()
            )
            return said.partition(b"\r\n\r\n")[2] if wanted else None
        for start in (
            f"http://{host}:{self._target.port}/",
            *((f"http://{host}/",) if self._target.port == 80 else ()),
        ):
            if asked.decode("latin-1").lower().startswith(start.lower()):
                path = asked[len(start) - 1 :]
                return b"%s %s %s\r\n%s" % (method, path, version, rest)
        return None

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        """Hands on what comes from either side until one of them ends, the time is over, or more came back
        than may. A library that does not read for a while, as whoever it reads for is slow, is no silence."""
        other = {near: far, far: near}
        near.settimeout(max(self._until - time.monotonic(), 0.001))
        with selectors.DefaultSelector() as waiting:
            for each in other:
                waiting.register(each, selectors.EVENT_READ)
            while True:
                left = min(self._until - time.monotonic(), self._policy.silent_seconds)
                ready = waiting.select(left) if left > 0 else []
                if not ready:
                    raise TimeoutError
                for key, _ in ready:
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    piece = source.recv(_PIECE)
                    if not piece:
                        return
                    if source is far and not self._room_for(len(piece)):
                        self.failure = Failure.SIZE
                        return
                    other[source].sendall(piece)

    def _room_for(self, size: int) -> bool:
        with self._lock:
            self._left -= size
            return self._left >= 0
