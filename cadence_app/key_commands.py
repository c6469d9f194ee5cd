"""The commands that change the key: `flask cadence new-key` and `flask cadence rotate-keys`."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from cadence_app import key_rotation, secret_keys

_commands = AppGroup()


def add_to(group: click.Group) -> None:
    for command in _commands.commands.values():
        group.add_command(command)


@_commands.command("new-key")
def new_key() -> None:
    """Make a new key in the data folder; the one from before is still read."""
    folder = current_app.config["DATA_DIR"]
    secret_keys.put_before(folder)
    click.echo(
        f"{folder / secret_keys.FILE} has a new key in its first line, and the old ones below it.\n"
        "Restart all of Cadence now, then run `flask cadence rotate-keys`."
    )


@_commands.command("rotate-keys")
def rotate_keys() -> None:
    """Encrypt every stored secret under the current key, for all tenants. Cut off, run it again."""
    outcome = key_rotation.rotate()
    click.echo(f"Encrypted anew under the current key: {outcome.renewed:,}.")
    for column, count in outcome.lost.items():
        click.echo(f"{column}: {count:,} that no known key reads.")
    for column, count in outcome.old.items():
        click.echo(f"{column}: {count:,} that only an old key reads.")
    if outcome.old:
        raise click.ClickException(
            "old keys are still needed. A program that was not restarted may encrypt under one: restart all"
            " of Cadence, and run this again"
        )
    if outcome.lost:
        raise click.ClickException(
            "some secrets are under a key that is not known here. Name it in CADENCE_OLD_SECRET_KEYS and run"
            " this again, or enter them anew"
        )
    click.echo("Nothing that is stored needs an old key.")
    days = max(int(current_app.config["SESSION_DAYS"]), int(current_app.config["INVITATION_DAYS"]))
    if current_app.config["OLD_SECRET_KEYS"]:
        click.echo(
            f"Who is signed in, and links in mails, still need it: take it away {days} days from now, and"
            " then restart all of Cadence. Links to unsubscribe in older mails work no more after that."
        )
