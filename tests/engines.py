"""What makes the engines of tests quick: nothing that a test leaves has to outlast a power cut, or the next
file of tests."""

from __future__ import annotations

import gc

import psycopg
from argon2 import PasswordHasher

from cadence_app.accounts import password_rules

# Before hash_cheaply() puts another in its place.
PRODUCTS_HASHER = password_rules._hasher
# As many as make the work that goes through every organization noticeable.
_MANY = 10


def wait_for_no_disk(superuser: str) -> None:
    """PostgreSQL says "done" before the disk has it: a crash of the machine would lose what tests wrote."""
    with _connected(superuser) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


def hash_cheaply() -> None:
    """New passwords get a hash that is quickly made, in this process alone; the product's own way is
    PRODUCTS_HASHER (tests/accounts/test_password_rules.py looks at it)."""
    password_rules._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def forget_organizations(superuser: str, many: int = _MANY) -> None:
    """Takes away what tests left of every organization, once there are `many`: what goes through all of them
    would else take the longer the later it runs. Where somebody still holds a table it stays for the next."""
    with _connected(superuser) as connection:
        row = connection.execute("SELECT count(*) FROM tenants").fetchone()
        if not row or row[0] < many:
            return
        # History is for good: only a superuser who switches its triggers off can empty it.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET lock_timeout = '2s'")
        try:
            connection.execute("TRUNCATE tenants CASCADE")
        except psycopg.errors.LockNotAvailable:
            return


def keep_what_is_loaded() -> None:
    """What is imported stays to the end: looking for garbage need not go through it, and seldom pays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _connected(superuser: str) -> psycopg.Connection:
    return psycopg.connect(superuser.replace("+psycopg", ""), autocommit=True)
