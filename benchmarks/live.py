"""What an open page of the desk costs that nobody touches, and how long a new text takes to be shown: against
the pages of another checkout, on one database in one run.

`python -m benchmarks.live --against FOLDER` writes results/live.json and live.md. The folder is a checkout of
another version with its requirements installed in `.venv`; its pages may have several pollers, each with a
clock of its own.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import psutil

from benchmarks.desk import LONG, fill, signed_in_key
from benchmarks.scratch import ROOT, Scratch, scratch_installation
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.models import Conversation

ASKS = 300
ROUNDS = 3
TEXTS = 20
_WARM = 40


@dataclass(frozen=True)
class Poller:
    """What a page asks, and how many seconds apart."""

    path: str
    seconds: float


class Server:
    """gunicorn as script/server runs it, from a checkout."""

    def __init__(self, root: Path, cookie: str) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        command = [str(root / ".venv/bin/python"), "-W", "ignore", "-m", "gunicorn", "wsgi:app", "--preload"]
        command += ["--bind", f"127.0.0.1:{self.port}", "--no-control-socket"]
        command += ["--worker-class", "gthread", "--workers", "2", "--threads", "8"]
        self.process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
        self._cookie = cookie
        self._wait()
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port)

    def get(self, path: str) -> tuple[int, str]:
        try:
            return self._get(path)
        except (http.client.HTTPException, ConnectionError):
            # gunicorn ends a connection that was quiet for two seconds.
            self._connection.close()
            return self._get(path)

    def _get(self, path: str) -> tuple[int, str]:
        self._connection.request("GET", path, headers={"Cookie": self._cookie})
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def pollers(self, page: str) -> list[Poller]:
        """What the open page asks from here on."""
        status, text = self.get(page)
        assert status == 200, status
        found = []
        for tag in re.findall(r"<div[^>]*data-live[^>]*>", text):
            path = unescape(re.findall(r'hx-get="([^"]+)"', tag)[0])
            for state in re.findall(r'hx-include="#([^"]+)"', tag):
                held = re.findall(rf'<div id="{state}".*?</div>', text, re.DOTALL)[0]
                named = urlencode(re.findall(r'name="([^"]+)" value="([^"]*)"', unescape(held)))
                path += f"{'&' if '?' in path else '?'}{named}"
            found.append(Poller(path, float(re.findall(r'data-live="([^"]+)"', tag)[0])))
        return found

    def cpu(self) -> float:
        own = psutil.Process(self.process.pid)
        return sum(_seconds(each) for each in [own, *own.children(recursive=True)])

    def _wait(self) -> None:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError("gunicorn did not start")


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _postgres_cpu(data_dir: Path) -> float:
    pid = int(next(data_dir.rglob("postmaster.pid")).read_text().split()[0])
    own = psutil.Process(pid)
    return sum(_seconds(each) for each in [own, *own.children(recursive=True)])


@contextmanager
def _servers(roots: list[Path], cookie: str) -> Iterator[list[Server]]:
    started = [Server(root, cookie) for root in roots]
    try:
        yield started
    finally:
        for each in started:
            each.process.terminate()
            each.process.wait()


def _cost(scratch: Scratch, server: Server, page: str) -> dict[str, float]:
    """Milliseconds of the processor and questions a minute, of a page that asks in vain."""
    cost = {"web": 0.0, "postgres": 0.0, "questions": 0.0}
    for poller in server.pollers(page):
        for _ in range(_WARM):
            assert server.get(poller.path)[0] == 204
        web, postgres = server.cpu(), _postgres_cpu(scratch.data_dir)
        for _ in range(ASKS):
            assert server.get(poller.path)[0] == 204
        a_minute = 60 / poller.seconds
        cost["web"] += 1000 * (server.cpu() - web) / ASKS * a_minute
        cost["postgres"] += 1000 * (_postgres_cpu(scratch.data_dir) - postgres) / ASKS * a_minute
        cost["questions"] += a_minute
    cost["both"] = cost["web"] + cost["postgres"]
    return cost


def _shown(server: Server, page: str, numbers: tuple[str, str], chance: random.Random) -> float:
    """Seconds from the commit of a text until every part of the page has been told of it, where it comes at
    any moment between two questions."""
    pollers = server.pollers(page)
    left = [chance.uniform(0, poller.seconds) for poller in pollers]
    words = f"A new one {uuid.uuid4()}"
    receive_text(*numbers, words, str(uuid.uuid4()), datetime.now(UTC))
    begun = time.perf_counter()
    for poller, seconds in sorted(zip(pollers, left, strict=True), key=lambda each: each[1]):
        time.sleep(max(0.0, begun + seconds - time.perf_counter()))
        status, text = server.get(poller.path)
        assert status == 200
        assert words in text
    return time.perf_counter() - begun


def _percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, round(part * len(values)))]


def report(folder: Path, against: Path) -> str:
    """Measures, writes live.json and live.md to the folder, and returns the latter."""
    chance = random.Random(1)
    with scratch_installation() as scratch:
        conversation_id = fill(scratch)
        conversation = db.session.get_one(Conversation, conversation_id)
        numbers = db.session.get_one(Inbox, conversation.inbox_id).number, conversation.contact.number
        page = f"/messages/conversations/{conversation_id}?inbox="
        cookie = _cookie(scratch)
        os.environ["CADENCE_DATA_DIR"] = str(scratch.data_dir)
        names = ("before", "now")
        costs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        shown: dict[str, list[float]] = {name: [] for name in names}
        with _servers([against.resolve(), ROOT], cookie) as servers:
            # In turns, so that a slow moment of the machine is in both.
            for _ in range(ROUNDS):
                for name, server in zip(names, servers, strict=True):
                    costs[name].append(_cost(scratch, server, page))
            for _ in range(TEXTS):
                for name, server in zip(names, servers, strict=True):
                    shown[name].append(_shown(server, page, numbers, chance))
    results = {"costs": costs, "shown": shown}
    (folder / "live.json").write_text(json.dumps(results, indent=2) + "\n")
    markdown = _markdown(costs, shown)
    (folder / "live.md").write_text(markdown)
    return markdown


def _cookie(scratch: Scratch) -> str:
    """The session cookie of the tenant's admin, as gunicorn's processes read it."""
    serializer = scratch.app.session_interface.get_signing_serializer(scratch.app)  # type: ignore[attr-defined]
    name = scratch.app.config["SESSION_COOKIE_NAME"]
    return f"{name}={serializer.dumps({'sign_in': signed_in_key(scratch)})}"


def _markdown(costs: dict[str, list[dict[str, float]]], shown: dict[str, list[float]]) -> str:
    def middle(name: str, what: str) -> float:
        return statistics.median(each[what] for each in costs[name])

    def row(title: str, unit: str, before: float, now: float) -> str:
        return f"| {title} | {before:,.1f}{unit} | {now:,.1f}{unit} | {now / before:.2f} |"

    words = {"web": "Web server", "postgres": "PostgreSQL", "both": "Both"}
    lines = [
        "# An open page of the desk that nobody touches, and a text that comes in",
        "",
        f"Medians of {ROUNDS} rounds of {ASKS} questions, and of {TEXTS} texts at any moment, against an "
        f"earlier version, on one database in one run. The page has an open conversation of {LONG:,} texts.",
        "",
        "| What | Before | Now | Now / before |",
        "|---|---|---|---|",
        row("Questions a minute", "", middle("before", "questions"), middle("now", "questions")),
    ]
    for what, title in words.items():
        before, now = middle("before", what), middle("now", what)
        lines.append(row(f"{title}: processor a minute for each page", " ms", before, now))
    for title, part in (("half", 0.5), ("95 of 100", 0.95)):
        before, now = _percentile(shown["before"], part), _percentile(shown["now"], part)
        lines.append(row(f"Until thread and list show a text, {title}", " s", before, now))
    lines.append(row("The longest", " s", max(shown["before"]), max(shown["now"])))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog=f"{Path(sys.executable).name} -m benchmarks.live")
    parser.add_argument("--against", type=Path, required=True)
    print(report(Path(__file__).parent / "results", parser.parse_args().against))
