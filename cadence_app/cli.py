"""`flask cadence …`: setting up an organisation without the demo, and an operator's switches."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import click
import psycopg
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from cadence_app import database_roles, key_commands, schema
from cadence_app.accounts import admins, audit, links, single_sign_on
from cadence_app.accounts import service as accounts
from cadence_app.accounts.models import (
    KeywordPolicy,
    Navigation,
    Role,
    SecondFactorPolicy,
    Tenant,
)
from cadence_app.administration import leaving, organisation
from cadence_app.administration.inboxes import make_inbox
from cadence_app.consent import own_keywords
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.seals import days_to_seal, seal_with_digest
from cadence_app.consent.verifying import verify
from cadence_app.extensions import db
from cadence_app.operators import commands
from cadence_app.operators import service as operators
from cadence_app.phone_numbers import parse_number
from cadence_app.version import VERSION


class _Group(AppGroup):
    """Says a refusal in one line, as click says that of a bad option."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (ValueError, database_roles.WrongLogin) as refusal:
            raise click.ClickException(str(refusal)) from refusal
        except DBAPIError as error:
            raise click.ClickException(
                f"The database is not ready: {' '.join(str(error.orig).split())}. "
                "If nothing was started on it yet, start script/server once, or run `flask db upgrade`."
            ) from error


cadence = _Group("cadence", help="Set up organizations and switch what they see.")
click.version_option(VERSION, message="Cadence %(version)s")(cadence)
commands.add_to(cadence)
key_commands.add_to(cadence)


def _choice(kind: type[StrEnum]) -> click.Choice[str]:
    return click.Choice([str(value) for value in kind])


@cadence.command("prepare-database")
def prepare_database() -> None:
    """Make the roles that Cadence needs and the login of DATABASE_URL, as the user of DATABASE_OWNER_URL."""
    owner, login = (
        str(current_app.config[name]) for name in ("DATABASE_OWNER_URL", "SQLALCHEMY_DATABASE_URI")
    )
    if not owner:
        raise ValueError(f"DATABASE_OWNER_URL is not set. {database_roles.ADVICE}")
    try:
        done = database_roles.prepare(*(url.replace("+psycopg", "", 1) for url in (owner, login)))
    except psycopg.Error as error:
        raise ValueError(f"The roles could not be made: {' '.join(str(error).split())}") from error
    for statement in done:
        click.echo(statement)
    click.echo("The database has every role that Cadence needs.")


@cadence.command("schema")
def print_schema() -> None:
    """Print the database's schema as SQL to read: what docs/schema.sql holds."""
    with db.engine.connect() as connection:
        click.echo(schema.written(connection), nl=False)


@cadence.command()
@click.argument("name")
@click.option("--navigation", type=_choice(Navigation), default="teams", show_default=True)
@click.option("--time-zone", default="America/New_York", show_default=True)
@click.option(
    "--second-factor",
    type=_choice(SecondFactorPolicy),
    default="admins",
    show_default=True,
    help="Who needs one to sign in with a password.",
)
def tenant(name: str, navigation: str, time_zone: str, second_factor: str) -> None:
    """Make a tenant (one client organisation)."""
    operators.make_tenant(None, name, Navigation(navigation), time_zone, SecondFactorPolicy(second_factor))
    db.session.commit()
    click.echo(f"{name} is ready; its users see the {navigation} screens.")


@cadence.command()
@click.argument("tenant")
@click.argument("name")
@click.argument("code")
def team(tenant: str, name: str, code: str) -> None:
    """Make a team in a TENANT; CODE is what reports call it."""
    accounts.find_tenant(tenant)
    accounts.create_team(name, code)
    audit.record(None, "team.made", name, code=(None, code))
    db.session.commit()
    click.echo(f"{name} ({code}) is a team of {tenant}.")


@cadence.command()
@click.argument("tenant")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", type=_choice(Role), default="agent", show_default=True)
@click.option("--team", "codes", multiple=True, help="A team's code; give it once for each team.")
@click.password_option()
def user(tenant: str, email: str, name: str, role: str, codes: tuple[str, ...], password: str) -> None:
    """Make a user of a TENANT; asks for the password."""
    accounts.find_tenant(tenant)
    teams = [accounts.find_team(code) for code in codes]
    made = accounts.create_user(email, name, password, Role(role), teams)
    audit.record(None, "user.made", made.email, role=(None, role), teams=(None, [t.name for t in teams]))
    db.session.commit()
    click.echo(f"{email} may sign in as {role}.")


@cadence.command("reset-password")
@click.argument("email")
def reset_password(email: str) -> None:
    """Print a link with which the user with this EMAIL sets a new password, to give them by other ways."""
    found = accounts.find_by_email(email)
    if found is None or not found.active or found.invited:
        raise ValueError(f"{email} is no user who may sign in")
    url, expires_at = links.make(found, links.Purpose.RESET)
    audit.record(None, "user.password_reset_requested", found.email)
    db.session.commit()
    click.echo(url)
    click.echo(f"It works once, until {expires_at:%Y-%m-%d %H:%M} UTC.")


@cadence.command("user-stop")
@click.argument("email")
def user_stop(email: str) -> None:
    """End the account of the user with this EMAIL. What goes on in their name waits for an admin."""
    found = accounts.find_by_email(email)
    if found is None or not found.active:
        raise ValueError(f"{email} is no user who may sign in")
    leaving.take_away(None, found)
    db.session.commit()
    click.echo(f"{email} can't sign in any more.")
    if not admins.acting():
        click.echo("Nobody is an admin of their organization now: make one with `flask cadence user`.")


@cadence.command("sso-domain")
@click.argument("tenant")
@click.argument("domain")
def sso_domain(tenant: str, domain: str) -> None:
    """Let a TENANT sign in through its provider by a mail DOMAIN that users of other tenants have too."""
    accounts.find_tenant(tenant)
    try:
        single_sign_on.allow_domain(domain)
    except single_sign_on.DomainTaken as taken:
        raise ValueError(f"Another tenant signs in by {taken}.") from taken
    db.session.commit()
    click.echo(f"{tenant} may sign in by {domain}.")


@cadence.command("allow-passwords")
@click.argument("tenant")
def allow_passwords(tenant: str) -> None:
    """Let the users of a TENANT sign in with passwords again, should single sign-on keep them out."""
    accounts.find_tenant(tenant)
    single_sign_on.allow_passwords()
    db.session.commit()
    click.echo(f"{tenant} may sign in with passwords.")


@cadence.command()
@click.argument("tenant")
@click.argument("team")
@click.argument("number")
@click.option("--name", required=True)
@click.option("--owner", help="The e-mail address of the user whose personal inbox it is.")
def inbox(tenant: str, team: str, number: str, name: str, owner: str | None) -> None:
    """Make an inbox: the NUMBER that a TEAM (its code) texts from."""
    accounts.find_tenant(tenant)
    user = accounts.find_user(owner) if owner else None
    made = make_inbox(None, accounts.find_team(team), parse_number(number), name, user)
    db.session.commit()
    click.echo(f"{name} ({made.number}) is a {made.kind} inbox of {team}.")


@cadence.command()
@click.argument("tenant")
@click.argument("screens", type=_choice(Navigation))
def navigation(tenant: str, screens: str) -> None:
    """Move a TENANT to the teams or legacy screens, from the next page that its users load."""
    organisation.set_navigation(None, accounts.find_tenant(tenant), Navigation(screens))
    db.session.commit()
    click.echo(f"{tenant} is on the {screens} screens.")


@cadence.command("keyword-policy")
@click.argument("tenant")
@click.argument("policy", type=_choice(KeywordPolicy))
@click.option("--from", "from_day", type=click.DateTime(["%Y-%m-%d"]), help="The day it begins.")
def keyword_policy(tenant: str, policy: str, from_day: datetime | None) -> None:
    """Choose what an opt-out word reaches in a TENANT: its team, or the whole organisation."""
    row = accounts.find_tenant(tenant)
    begins = from_day.date() if from_day else None
    possible = row.possible_opt_out_policy
    wanted = organisation.Policy(KeywordPolicy(policy), begins, possible, row.ask_team_only)
    organisation.set_policy(None, row, wanted)
    db.session.commit()
    click.echo(f"An opt-out word counts for the {policy}.")


@cadence.command()
@click.argument("tenant")
@click.argument("word")
@click.argument("meaning", type=_choice(Meaning))
@click.option("--team", "code", help="Only for the team with this code.")
def keyword(tenant: str, word: str, meaning: str, code: str | None) -> None:
    """Add a WORD of a TENANT's own that means out, in or help."""
    accounts.find_tenant(tenant)
    own_keywords.add_keyword(None, word, Meaning(meaning), accounts.find_team(code) if code else None)
    db.session.commit()
    click.echo(f"{word} now means {meaning}.")


@cadence.command("verify")
@click.argument("tenant", required=False)
@click.option("--digest", help="A seal's digest that was kept elsewhere; it must be in the chain.")
def verify_seals(tenant: str | None, digest: str | None) -> None:
    """Recompute the seals of a TENANT's history and evidence, or of everybody's, and name the first row that
    differs."""
    if digest and not tenant:
        raise click.UsageError("--digest is of one tenant: name it")
    names = [tenant] if tenant else db.session.scalars(select(Tenant.name).order_by(Tenant.name)).all()
    differing = [name for name in names if not _verified(name, digest)]
    if differing:
        raise click.ClickException(f"the history differs from its seals: {', '.join(differing)}")


def _verified(tenant: str, digest: str | None) -> bool:
    """Says how a tenant's check went; whether all is as it was sealed."""
    accounts.find_tenant(tenant)
    outcome = verify()
    if outcome.problem:
        click.echo(f"{tenant}: DIFFERS. {outcome.problem.text}.")
        return False
    if outcome.last_digest:
        last = f"last {outcome.last_day} {outcome.last_digest.hex()}"
        counts = f"Days: {outcome.days:,}. Rows: {outcome.rows:,}. Evidence: {outcome.evidence:,}."
        click.echo(f"{tenant}: intact. {counts} Seal: {last}")
        if outcome.retired or outcome.retired_evidence:
            retired = f"{outcome.retired:,} rows, {outcome.retired_evidence:,} of evidence"
            click.echo(f"{tenant}: erased or purged, each by its sealed record: {retired}.")
    else:
        click.echo(f"{tenant}: no day is sealed yet.")
    if waiting := days_to_seal():
        click.echo(f"{tenant}: not sealed yet, although closed: {waiting[0]} to {waiting[1]}.")
    if digest:
        kept = seal_with_digest(digest)
        if kept is None:
            click.echo(f"{tenant}: DIFFERS. No seal has the digest {digest}.")
            return False
        click.echo(f"{tenant}: that digest is the seal of {kept.day}.")
    return True
