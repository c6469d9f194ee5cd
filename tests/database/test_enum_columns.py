"""What has a fixed set of values is a member of its enum wherever it is read, and plain text in SQL."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import CheckConstraint, func, literal_column, select

from cadence_app.accounts.models import User
from cadence_app.api import tokens
from cadence_app.api.models import ApiToken, Scope
from cadence_app.consent.models import Consent, Status
from cadence_app.enum_columns import EnumText
from cadence_app.extensions import db
from tests.world import World, new_number


def test_instances_columns_and_the_greatest_of_them_are_members(world: World) -> None:
    world.text(new_number(), "Hello")
    with world.session():
        assert db.session.scalars(select(Consent)).one().status is Status.OPTED_IN
        assert db.session.scalars(select(Consent.status)).one() is Status.OPTED_IN
        assert db.session.scalars(select(func.max(Consent.status))).one() is Status.OPTED_IN


def test_lists_are_of_members_and_what_may_be_none_is_empty(world: World) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        tokens.create_token(admin, "Sync", [Scope.CONSENT_READ, Scope.CONSENT_WRITE])
        scopes, end_reason = db.session.execute(select(ApiToken.scopes, ApiToken.end_reason)).one()
    assert [type(scope) for scope in scopes] == [Scope, Scope]
    assert end_reason == ""


def test_a_filter_may_ask_for_a_member_for_any_text_and_for_a_part_of_one(world: World) -> None:
    world.text(new_number(), "Hello")
    for condition in (
        Consent.status == Status.OPTED_IN,
        Consent.status == "opted_in",
        Consent.status != "unheard_of",
        Consent.status.in_(["opted_in", "unheard_of"]),
        Consent.status.startswith("opted_"),
        func.coalesce(Consent.status, "") != "",
    ):
        with world.session():
            assert db.session.scalars(select(Consent.status).where(condition)).one() is Status.OPTED_IN


def test_what_a_newer_version_wrote_is_refused_with_its_column_and_value(world: World) -> None:
    newer = literal_column("'paused'", Consent.__table__.c.status.type)
    with world.session(), pytest.raises(LookupError, match=r"consents\.status is no Status .*: 'paused'"):
        db.session.scalar(select(newer))


def test_every_value_that_a_check_lets_in_is_a_member() -> None:
    checked = 0
    for table in db.metadata.sorted_tables:
        for check in table.constraints:
            if not isinstance(check, CheckConstraint):
                continue
            for name, values in re.findall(r"\b(\w+) IN \(('[^)]*')\)", str(check.sqltext)):
                kind = table.c[name].type
                assert isinstance(kind, EnumText), f"{table.name}.{name}"
                assert set(re.findall(r"'(\w+)'", values)) <= set(kind.enum), f"{table.name}.{name}"
                checked += 1
    assert checked > 40
