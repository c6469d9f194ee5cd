"""Clients of the engines that Cadence brings, for who looks inside (script/inside)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from cadence_app.embedded import ensure_postgres, postgres_tool, redis_socket


def psql(data_dir: Path) -> None:
    """PostgreSQL's own client, as its superuser."""
    subprocess.run([str(postgres_tool("psql")), ensure_postgres(data_dir)], check=False)


def redis_cli(data_dir: Path) -> None:
    """A client of the queue: the one on PATH, for the wheel has none; else Python with `redis` to ask."""
    socket = str(redis_socket(data_dir))
    for name in ("valkey-cli", "redis-cli"):
        if program := shutil.which(name):
            os.execv(program, [name, "-s", socket])
    ready = f"from redis import Redis; redis = Redis(unix_socket_path={socket!r})"
    os.execv(sys.executable, [sys.executable, "-i", "-c", ready])


if __name__ == "__main__":
    clients = {"psql": psql, "redis-cli": redis_cli}
    clients[sys.argv[1]](Path(os.environ["CADENCE_DATA_DIR"]).resolve())
