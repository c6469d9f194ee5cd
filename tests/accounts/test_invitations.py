"""Somebody is invited by mail, and is a user once they accept."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from cadence_app.accounts import invitations, links
from cadence_app.accounts.models import Role, Team, TeamMember, User
from cadence_app.accounts.service import Refused
from cadence_app.extensions import db
from tests.accounts.arriving import actions, email_of, is_signed_in, link_in, mails_to, send_mails, sign_in
from tests.world import PASSWORD, Browser, World, new_number


def _invite(world: World, role: Role = Role.AGENT) -> tuple[int, str]:
    """The id and the address of somebody invited to the first team."""
    email = f"new{new_number()[1:]}@college.example"
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        teams = [db.session.get_one(Team, world.team_id)]
        user = invitations.invite(admin, email, "New Person", role, teams)
        db.session.commit()
        return user.id, email


def _do(world: World, what: str, user_id: int) -> None:
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        getattr(invitations, what)(admin, db.session.get_one(User, user_id))
        db.session.commit()


def _link(world: World, email: str) -> str:
    send_mails(world)
    return link_in(mails_to(world.app, email)[-1])


def _accept(world: World, link: str, **fields: str) -> tuple[Browser, int]:
    browser = Browser(world.app.test_client())
    data = {"name": "Ana Díaz", "password": PASSWORD, "again": PASSWORD} | fields
    return browser, browser.post(link, data, token_from=link).status_code


def test_who_accepts_sets_name_and_password_and_is_signed_in(world: World) -> None:
    user_id, email = _invite(world)
    link = _link(world, email)
    page = Browser(world.app.test_client()).get(link).text
    assert f"{world.name} invites {email}" in page
    assert 'value="New Person"' in page
    browser, status = _accept(world, link)
    assert status == 302
    assert is_signed_in(browser)
    assert sign_in(world.app, email, PASSWORD)
    with world.session():
        user = db.session.get_one(User, user_id)
        assert (user.name, user.invited, user.role) == ("Ana Díaz", False, "agent")
        assert db.session.scalar(select(TeamMember.team_id).where(TeamMember.user_id == user_id))
    assert actions(world)[:2] == ["user.invited", "user.invitation_accepted"]
    assert _accept(world, link)[1] == 404


@pytest.mark.parametrize("role", list(Role))
def test_who_has_not_accepted_is_invited_and_can_not_sign_in_or_get_a_file(world: World, role: Role) -> None:
    user_id, email = _invite(world, role)
    assert sign_in(world.app, email, "") is None
    assert sign_in(world.app, email, PASSWORD) is None
    with world.session():
        user = db.session.get_one(User, user_id)
        assert user.invited
        assert not user.may_export


def test_a_link_is_the_same_in_whatever_zone_the_database_tells_times(world: World) -> None:
    user_id, _ = _invite(world)
    urls, found = [], []
    for zone in ("UTC", "America/Denver"):
        with world.session():
            db.session.execute(text(f"SET LOCAL timezone = '{zone}'"))
            user = db.session.get_one(User, user_id, populate_existing=True)
            urls.append(links.make(user, links.Purpose.INVITATION)[0])
    for url in urls:
        with world.session():
            found.append(links.user_of(url.rpartition("/")[2], links.Purpose.INVITATION))
    assert all(found)


def test_times_are_read_in_utc_whatever_the_servers_own_zone_is(world: World) -> None:
    with world.session():
        assert db.session.scalar(text("SHOW timezone")) == "UTC"


def test_a_link_sent_again_replaces_the_one_before(world: World) -> None:
    user_id, email = _invite(world)
    first = _link(world, email)
    _do(world, "resend", user_id)
    second = _link(world, email)
    assert second != first
    assert _accept(world, first)[1] == 404
    assert _accept(world, second)[1] == 302
    with pytest.raises(Refused, match="no open invitation"):
        _do(world, "resend", user_id)


def test_a_revoked_invitation_is_of_no_use_and_its_address_may_be_invited_again(world: World) -> None:
    user_id, email = _invite(world)
    link = _link(world, email)
    _do(world, "revoke", user_id)
    assert _accept(world, link)[1] == 404
    with pytest.raises(Refused, match="no open invitation"):
        _do(world, "revoke", user_id)
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        again = invitations.invite(admin, email.upper(), "Same Person", Role.ADMIN, [])
        assert (again.id, again.role, again.invited) == (user_id, "admin", True)
        db.session.commit()
    assert _accept(world, link)[1] == 404
    assert _accept(world, _link(world, email))[1] == 302


def test_an_address_that_is_taken_or_none_is_not_invited(world: World, legacy_world: World) -> None:
    """Taken is what somebody has confirmed, wherever; what is only invited here is to be sent again."""
    _, email = _invite(world)
    confirmed = email_of(legacy_world, legacy_world.agent_id)
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        for address, told in (
            (confirmed, "signs in to Cadence already"),
            (admin.email, "signs in to Cadence already"),
            (email.upper(), "is invited already"),
            ("no address", "@"),
        ):
            with pytest.raises(Refused, match=told):
                invitations.invite(admin, address, "X", Role.AGENT, [])


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": "A\x00"}, {"password": "short", "again": "short"}])
def test_an_acceptance_that_can_not_be_taken_leaves_the_invitation_open(
    world: World, fields: dict[str, str]
) -> None:
    _, email = _invite(world)
    link = _link(world, email)
    assert _accept(world, link, **fields)[1] == 422
    assert _accept(world, link)[1] == 302
