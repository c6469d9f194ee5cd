"""Debian's PgBouncer in transaction mode before the real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tests.conftest import free_port, wait_for_port

# So few that transactions of different tenants take turns on the same connection.
FEW = 3
# What the field tells whoever meets "unsupported startup parameter: options".
REMEDY = "ignore_startup_parameters = options,extra_float_digits\n"


@contextmanager
def pooling(
    server_url: str, folder: Path, user: str, remedy: bool = False, connections: int = FEW
) -> Iterator[str]:
    """Its URL, but for the database's name, for a user whose password is "secret" there."""
    socket_folder = str(conninfo_to_dict(server_url)["host"])
    # As root it refuses to run, and the embedded PostgreSQL runs as another then, too.
    runner = Path(socket_folder).stat()
    folder = folder / f"pooler-{remedy}"
    folder.mkdir(mode=0o755)
    os.chown(folder, runner.st_uid, runner.st_gid)
    (folder / "users.txt").write_text(f'"{user}" "secret"\n')
    port = free_port()
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={socket_folder}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"pool_mode = transaction\ndefault_pool_size = {connections}\nmax_client_conn = 200\n"
        f"auth_type = scram-sha-256\nauth_file = {folder / 'users.txt'}\n" + (REMEDY if remedy else "")
    )
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "script/setup browser installs it"
    running = subprocess.Popen(
        [program, "-q", str(folder / "pgbouncer.ini")],
        cwd=folder,
        stderr=subprocess.DEVNULL,
        user=runner.st_uid if os.getuid() == 0 else None,
    )
    wait_for_port(port)
    try:
        yield f"postgresql://{user}:secret@127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)
