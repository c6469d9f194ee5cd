"""The operator's part of `flask cadence …`: operators' accounts, and switches over a tenant."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from cadence_app.accounts import service as accounts
from cadence_app.extensions import db
from cadence_app.operators import overview, second_factor, service
from cadence_app.ui.navigation import screens_of

_commands = AppGroup()


def add_to(group: click.Group) -> None:
    for command in _commands.commands.values():
        group.add_command(command)


@_commands.command()
def tenants() -> None:
    """List the tenants: name, screens, users, teams, contacts, texts this month, and whether suspended."""
    for tenant, counts in overview.tenants():
        state = "suspended" if tenant.suspended_at else "works"
        click.echo(
            f"{tenant.name}: {state}, {screens_of(tenant)} screens. Users: {counts.users:,}. "
            f"Teams: {counts.teams:,}. Contacts: {counts.contacts:,}. Texts this month: {counts.texts:,}."
        )


@_commands.command()
@click.argument("email")
@click.option("--name", required=True)
@click.password_option()
def operator(email: str, name: str, password: str) -> None:
    """Make an account for /operator/, the operator's screen; asks for the password."""
    service.create_operator(email, name, password)
    db.session.commit()
    click.echo(f"{email} may sign in at /operator/, and sets up a second factor there first.")


@_commands.command("operator-stop")
@click.argument("email")
def operator_stop(email: str) -> None:
    """End an operator's account, and whatever is signed in with it."""
    service.stop_operator(email)
    db.session.commit()
    click.echo(f"{email} is no operator any more.")


@_commands.command("operator-password")
@click.argument("email")
@click.password_option()
def operator_password(email: str, password: str) -> None:
    """Give an operator another password; asks for it. What is signed in with the old one ends."""
    service.set_password(email, password)
    db.session.commit()
    click.echo(f"{email} has a new password.")


@_commands.command("operator-reset-second-factor")
@click.argument("email")
def operator_reset_second_factor(email: str) -> None:
    """Take the second factor away from an operator who lost it; they set up a new one at their next
    sign-in."""
    second_factor.reset(email)
    db.session.commit()
    click.echo(f"{email} has no second factor, and sets up a new one at the next sign-in.")


@_commands.command()
@click.argument("tenant")
def suspend(tenant: str) -> None:
    """Suspend a TENANT: nobody signs in and nothing is sent, but what comes in is recorded."""
    service.suspend(None, accounts.find_tenant(tenant))
    db.session.commit()
    click.echo(f"{tenant} is suspended. Texts that come in are still recorded.")


@_commands.command()
@click.argument("tenant")
def resume(tenant: str) -> None:
    """Let a suspended TENANT work again."""
    service.resume(None, accounts.find_tenant(tenant))
    db.session.commit()
    click.echo(f"{tenant} works again.")


@_commands.command()
@click.argument("tenant")
@click.argument("name")
def rename(tenant: str, name: str) -> None:
    """Give a TENANT another NAME."""
    service.rename(None, accounts.find_tenant(tenant), name)
    db.session.commit()
    click.echo(f"{tenant} is {name} now.")
