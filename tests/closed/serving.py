"""A web server of Cadence's own as a process, and requests to it as they are on the wire."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from tests.conftest import ROOT, free_port

PUBLIC = "https://desk.college.example"
HOST = "desk.college.example"


@dataclass
class Answer:
    """`status` is 0 where the connection was closed without a word. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Server:
    port: int
    log: Path

    def say(self, request: str) -> Answer:
        """Sends a request as it stands, its lines ended by CR LF, and reads all of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall("\r\n".join(request.splitlines()).encode("latin-1") + b"\r\n\r\n")
            received = b""
            while piece := connection.recv(65536):
                received += piece
        head, _, body = received.decode("latin-1").partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return Answer(int(first.split()[1]) if first else 0, headers, body)

    def get(self, path: str, *headers: str, version: str = "1.1") -> Answer:
        return self.say("\n".join([f"GET {path} HTTP/{version}", "Connection: close", *headers]))


@contextmanager
def serving(app: Flask, folder: Path, **settings: str) -> Iterator[Server]:
    """The servers of the tests' own application, with other settings."""
    port, log = free_port(), folder / "web.log"
    given = {
        "DATABASE_URL": str(app.config["SQLALCHEMY_DATABASE_URI"]).replace("+psycopg", ""),
        "REDIS_URL": str(app.config["RQ_CONNECTION"]),
        "MAIL_SERVER": "127.0.0.1",
        "PORT": str(port),
        "CADENCE_DEVELOPMENT": "",
    }
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}"]
    command += ["--no-control-socket", "--worker-class", "gthread", "--threads", "4"]
    with log.open("w") as out:
        program = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | given | settings, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        server = Server(port, log)
        _wait_for(server, program)
        yield server
    finally:
        program.terminate()
        program.wait(30)


def _wait_for(server: Server, program: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until and program.poll() is None:
        try:
            if server.get("/healthz", "Host: 127.0.0.1").status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(server.log.read_text())
