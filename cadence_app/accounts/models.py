"""Tenants, teams, users, who is in which team, and what was changed in the settings."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, func, text, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cadence_app.extensions import Model
from cadence_app.vault import ENCRYPTED


class Navigation(StrEnum):
    """Which set of screens a tenant sees."""

    TEAMS = "teams"
    LEGACY = "legacy"


class Role(StrEnum):
    """What a user may do. An auditor reads the reports and nothing else."""

    ADMIN = "admin"
    AGENT = "agent"
    AUDITOR = "auditor"


class KeywordPolicy(StrEnum):
    """What an opt-out word reaches: the team it was sent to, or every team of the organisation."""

    TEAM = "team"
    ORGANISATION = "organisation"


class PossibleOptOutPolicy(StrEnum):
    """What happens to a text that reads like an opt out: hold and ask an agent, or opt out at once."""

    HOLD = "hold"
    OPT_OUT = "opt_out"


class SecondFactorPolicy(StrEnum):
    """Who must have a second factor to use a password."""

    OPTIONAL = "optional"
    ADMINS = "admins"
    EVERYBODY = "everybody"


class Tenant(Model):
    """One client organisation. The one table that every tenant's transaction may read."""

    __tablename__ = "tenants"
    __table_args__ = (
        CheckConstraint("navigation IN ('teams', 'legacy')", name="navigation"),
        CheckConstraint("keyword_policy IN ('team', 'organisation')", name="keyword_policy"),
        CheckConstraint("possible_opt_out_policy IN ('hold', 'opt_out')", name="possible_opt_out_policy"),
        CheckConstraint(
            "0 <= texts_from AND texts_from < texts_until AND texts_until <= 24", name="texting_hours"
        ),
        CheckConstraint("retention_years BETWEEN 1 AND 25", name="retention_years"),
        CheckConstraint("second_factor IN ('optional', 'admins', 'everybody')", name="second_factor"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    navigation: Mapped[Navigation] = mapped_column(default=Navigation.TEAMS)
    time_zone: Mapped[str] = mapped_column(default="America/New_York")
    keyword_policy: Mapped[KeywordPolicy] = mapped_column(default=KeywordPolicy.TEAM)
    # The day, in the tenant's zone, on which `organisation` begins; none means it is in force.
    keyword_policy_from: Mapped[date | None]
    # Which notice of that day the admins had last: so many days before it.
    keyword_policy_told: Mapped[int | None]
    # Whether the confirmation of a word that counted for every team asks if one was meant (team_only.py).
    ask_team_only: Mapped[bool] = mapped_column(default=False, server_default="false")
    possible_opt_out_policy: Mapped[PossibleOptOutPolicy] = mapped_column(default=PossibleOptOutPolicy.HOLD)
    # The hours of the contact's day in which campaigns may text them: from the first up to the second.
    texts_from: Mapped[int] = mapped_column(default=8, server_default="8")
    texts_until: Mapped[int] = mapped_column(default=21, server_default="21")
    # Years that a contact is kept after anything last happened to them; none means for good (retention/).
    retention_years: Mapped[int | None] = mapped_column(default=5, server_default="5")
    # Whether what is older is removed every month by itself.
    retention_monthly: Mapped[bool] = mapped_column(default=False, server_default="false")
    second_factor: Mapped[SecondFactorPolicy] = mapped_column(
        default=SecondFactorPolicy.OPTIONAL, server_default=SecondFactorPolicy.OPTIONAL
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # By which reading of phone numbers the stored ones were last read (contacts/mending.py).
    numbers_read: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    # Whether notices and mails to colleagues may say who texted and what (alerts/).
    notices_name: Mapped[bool] = mapped_column(default=False, server_default="false")
    # Since then nobody signs in and nothing goes out; what comes in, a STOP above all, is still recorded.
    suspended_at: Mapped[datetime | None]
    # When an upgrade marked its quiet conversations done, which the desk says for a while.
    quiet_done_at: Mapped[datetime | None]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class Team(Model):
    """A group of users. The three texts are empty where the team uses the defaults (auto_replies.py)."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("tenant_id", "code"), UniqueConstraint("tenant_id", "name"))

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    code: Mapped[str]
    opt_out_text: Mapped[str] = mapped_column(default="")
    opt_in_text: Mapped[str] = mapped_column(default="")
    help_text: Mapped[str] = mapped_column(default="")
    # A closed team takes no inbox, member or contact any more; its history stays.
    closed_at: Mapped[datetime | None]

    tenant: Mapped[Tenant] = relationship()


class User(UserMixin, Model):
    """A person who signs in. An e-mail address signs in to one tenant only: that of the active user who has
    confirmed it."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('admin', 'agent', 'auditor')", name="role"),
        CheckConstraint("undo_seconds IN (0, 5, 10)", name="undo_seconds"),
        # Whose an address is, over all tenants: one who has confirmed it. Others may have been asked by it.
        Index(
            "uq_users_email",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("confirmed_at IS NOT NULL AND active"),
        ),
        Index("uq_users_tenant_email", "tenant_id", text("lower(email)"), unique=True),
        Index("uq_users_single_sign_on_subject", "tenant_id", "single_sign_on_subject", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), index=True)
    email: Mapped[str]
    # When this user showed that the address is theirs, by a mailed link or their organisation's sign-in, or
    # an operator vouched for it. Without it the address signs nobody in.
    confirmed_at: Mapped[datetime | None]
    # The address that they want to change to and have yet to confirm; empty for none.
    new_email: Mapped[str] = mapped_column(default="", server_default="")
    name: Mapped[str]
    # Empty for who has none: invited and not yet here, or signing in through single sign-on only.
    password_hash: Mapped[str]
    password_changed_at: Mapped[datetime | None]
    role: Mapped[Role] = mapped_column(default=Role.AGENT)
    active: Mapped[bool] = mapped_column(default=True)
    # The zone this user's times are shown in; none means the tenant's.
    time_zone: Mapped[str | None]
    # When the invitation that is open was last sent; none once it is accepted or revoked.
    invited_at: Mapped[datetime | None]
    # The secret of the authenticator app, encrypted (vault.py); empty without a second factor.
    second_factor_secret: Mapped[str] = mapped_column(default="", server_default="", info=ENCRYPTED)
    second_factor_since: Mapped[datetime | None]
    # The 30-second step of the last code that was taken: no code of it or of an earlier one is taken again.
    second_factor_step: Mapped[int] = mapped_column(default=0, server_default="0")
    # Whether single keys do things at the desk; who speaks to their computer may need them off.
    shortcuts: Mapped[bool] = mapped_column(default=True, server_default=true())
    # For so long a text waits after they pressed Send, so that they may take it back; 0 sends at once.
    undo_seconds: Mapped[int] = mapped_column(default=5, server_default="5")
    # Who this is at the tenant's single sign-on provider.
    single_sign_on_subject: Mapped[str | None]

    tenant: Mapped[Tenant] = relationship()
    teams: Mapped[list[Team]] = relationship(secondary="team_members", order_by="Team.name")

    @property
    def is_active(self) -> bool:
        return self.active and self.tenant.suspended_at is None

    @property
    def invited(self) -> bool:
        """Asked to join and not here yet."""
        return self.invited_at is not None

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN

    @property
    def is_auditor(self) -> bool:
        return self.role == Role.AUDITOR

    @property
    def reads_reports(self) -> bool:
        """Whether every report is theirs to read."""
        return self.is_admin or self.is_auditor

    @property
    def works_desk(self) -> bool:
        """Whether conversations and contacts are theirs to work with."""
        return not self.is_auditor

    @property
    def acts_as_admin(self) -> bool:
        """Whether an admin's right is theirs now. What goes on in somebody's name asks this each time."""
        return self.active and self.is_admin and not self.invited

    @property
    def may_export(self) -> bool:
        return self.active and self.reads_reports and not self.invited

    @property
    def has_second_factor(self) -> bool:
        return self.second_factor_secret != ""

    @property
    def needs_second_factor(self) -> bool:
        """Whether the organisation asks a second factor of this user and there is none yet."""
        policy = self.tenant.second_factor
        asked = policy == SecondFactorPolicy.EVERYBODY or (
            policy == SecondFactorPolicy.ADMINS and self.is_admin
        )
        return asked and not self.has_second_factor

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone) if self.time_zone else self.tenant.zone


class TeamMember(Model):
    __tablename__ = "team_members"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))


class AuditEntry(Model):
    """One change of a setting, as it was: append-only, like the history of consent.

    `action` is `<what>.<done>` such as `user.invited`; `subject` names the thing changed in words;
    `changes` is {field: [before, after]} with plain values, null where there was none. `user_name` is
    the name at that time; `user_id` is null where an operator did it on the server.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_order", "tenant_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    user_name: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    changes: Mapped[dict[str, list[Any]]] = mapped_column(JSONB, default=dict)
