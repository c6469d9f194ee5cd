"""Whose an e-mail address is: that of the active user who has confirmed it, over all tenants."""

from __future__ import annotations

import threading
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts import invitations, service, single_sign_on
from cadence_app.accounts.issuers import Vouched
from cadence_app.accounts.models import Role, User
from cadence_app.accounts.oidc import Identity
from cadence_app.accounts.refusals import Refused
from cadence_app.accounts.service import AddressTaken
from cadence_app.administration import leaving, people
from cadence_app.extensions import db
from tests.accounts.addresses import add_provider, new_address
from tests.accounts.arriving import (
    actions,
    email_of,
    link_in,
    mails_to,
    send_mails,
    sign_in,
)
from tests.world import PASSWORD, Browser, World


def _invite(world: World, email: str) -> tuple[int, str]:
    """The user's id, and the path of their link."""
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        user = invitations.invite(admin, email, "New Person", Role.AGENT, [])
        db.session.commit()
        user_id = user.id
    send_mails(world)
    return user_id, link_in(mails_to(world.app, email)[-1])


def _accept(world: World, link: str) -> tuple[int, str]:
    browser = Browser(world.app.test_client())
    form = {"name": "Somebody", "password": PASSWORD, "again": PASSWORD}
    answer = browser.post(link, form, token_from=link)
    return answer.status_code, answer.text


def _as_admin(world: World, do: str, user_id: int) -> None:
    with world.session():
        admin, user = (db.session.get_one(User, each) for each in (world.admin_id, user_id))
        if do == "deactivate":
            leaving.deactivate(admin, user, {})
        else:
            getattr(people if do == "reactivate" else invitations, do)(admin, user)
        db.session.commit()


def test_several_invite_one_address_and_the_click_takes_it(world: World, legacy_world: World) -> None:
    email = new_address()
    _, first = _invite(world, email)
    second_id, second = _invite(legacy_world, email)
    assert first != second
    for link, inviting in ((first, world), (second, legacy_world)):
        assert inviting.name in Browser(world.app.test_client()).get(link).text
    assert _accept(world, second)[0] == 302
    assert sign_in(world.app, email, PASSWORD)
    assert "user.invitation_accepted" in actions(legacy_world)
    with legacy_world.session():
        assert db.session.get_one(User, second_id).confirmed_at


def test_the_other_invitations_say_that_the_address_is_in_use_and_not_where(
    world: World, legacy_world: World
) -> None:
    email = new_address()
    mine, link = _invite(world, email)
    _, taken = _invite(legacy_world, email)
    assert _accept(world, taken)[0] == 302
    page = Browser(world.app.test_client()).get(link)
    assert page.status_code == 409
    assert f"{email} signs in to Cadence already." in page.text
    assert _accept(world, link)[0] == 409
    for name in (world.name, legacy_world.name):
        assert name not in page.text
    with pytest.raises(AddressTaken):
        _as_admin(world, "resend", mine)
    with world.session():
        assert db.session.get_one(User, mine).confirmed_at is None
    _as_admin(world, "revoke", mine)


def test_of_two_clicks_at_once_one_takes_the_address(world: World, legacy_world: World) -> None:
    email = new_address()
    links = [_invite(each, email)[1] for each in (world, legacy_world)]
    statuses: list[int] = []

    def click(link: str) -> None:
        statuses.append(_accept(world, link)[0])

    threads = [threading.Thread(target=click, args=(link,)) for link in links]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 409]
    assert sign_in(world.app, email, PASSWORD)


def test_one_link_clicked_twice_at_once_is_accepted_once(world: World) -> None:
    _, link = _invite(world, new_address())
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(_accept(world, link)[0])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 404, 404]
    assert actions(world).count("user.invitation_accepted") == 1


def test_an_invited_address_keeps_nobody_from_being_made_a_user_elsewhere(
    world: World, legacy_world: World
) -> None:
    """By the command, by single sign-on and by another invitation: each of them is a way to confirm it."""
    email = new_address()
    _, link = _invite(world, email)
    run = world.app.test_cli_runner().invoke
    made = run(args=["cadence", "user", legacy_world.name, email, "--name", "N", "--password", PASSWORD])
    assert made.exit_code == 0, made.output
    assert sign_in(world.app, email, PASSWORD)
    assert _accept(world, link)[0] == 409
    again = run(args=["cadence", "user", world.name, email, "--name", "N", "--password", PASSWORD])
    assert "signs in to Cadence already" in again.output


def _arrive(world: World, email: str) -> int:
    """Comes in by the provider, which has verified the address."""
    with world.session():
        sso = single_sign_on.of_tenant()
        assert sso
        sub = uuid.uuid4().hex
        user = single_sign_on.let_in(sso, Identity(sub, sub, email, Vouched.YES, False, "New"))
        db.session.commit()
        return user.id


def test_single_sign_on_takes_an_address_that_others_only_invited(world: World, legacy_world: World) -> None:
    domain = f"d{uuid.uuid4().hex[:8]}.example"
    email, invited = f"a@{domain}", f"b@{domain}"
    add_provider(world, domain)
    links = [_invite(legacy_world, each)[1] for each in (email, invited)]
    assert _arrive(world, email)
    mine, _ = _invite(world, invited)
    assert _arrive(world, invited) == mine
    assert [_accept(world, link)[0] for link in links] == [409, 409]


def test_single_sign_on_takes_no_address_that_is_confirmed_elsewhere(
    world: World, legacy_world: World
) -> None:
    domain = f"d{uuid.uuid4().hex[:8]}.example"
    email, invited = f"a@{domain}", f"b@{domain}"
    _invite(world, invited)
    for each in (email, invited):
        assert _accept(world, _invite(legacy_world, each)[1])[0] == 302
    add_provider(world, domain)
    for each in (email, invited):
        with pytest.raises(single_sign_on.NotLetIn) as refusal:
            _arrive(world, each)
        assert legacy_world.name not in str(refusal.value)


def test_an_address_of_who_was_deactivated_is_free_and_taken_back_if_nobody_has_it(
    world: World, legacy_world: World
) -> None:
    email = new_address()
    user_id, link = _invite(world, email)
    assert _accept(world, link)[0] == 302
    _as_admin(world, "deactivate", user_id)
    _as_admin(world, "reactivate", user_id)
    assert sign_in(world.app, email, PASSWORD)
    _as_admin(world, "deactivate", user_id)
    assert _accept(world, _invite(legacy_world, email)[1])[0] == 302
    with pytest.raises(AddressTaken):
        _as_admin(world, "reactivate", user_id)
    with world.session():
        assert not db.session.get_one(User, user_id).active


def test_who_never_came_is_invited_again_and_not_reactivated(world: World) -> None:
    email = new_address()
    user_id, _ = _invite(world, email)
    _as_admin(world, "revoke", user_id)
    with pytest.raises(Refused, match="Invite them again"):
        _as_admin(world, "reactivate", user_id)
    page = world.sign_in("admin").get(f"/settings/users/{user_id}").text
    assert "Reactivate" not in page
    assert _invite(world, email)[0] == user_id


def test_an_invitation_or_a_revoked_one_keeps_no_organisation_from_its_own_domain(
    world: World, legacy_world: World
) -> None:
    domain = f"d{uuid.uuid4().hex[:8]}.example"
    for at in range(2):
        user_id, _ = _invite(legacy_world, f"{at}@{domain}")
    _as_admin(legacy_world, "revoke", user_id)
    others = text("SELECT others_have_domain(:domain)")
    with world.session():
        assert db.session.scalar(others, {"domain": domain}) is False
    assert _accept(legacy_world, _invite(legacy_world, f"3@{domain}")[1])[0] == 302
    with world.session():
        assert db.session.scalar(others, {"domain": domain}) is True


def test_the_database_itself_lets_one_user_confirm_an_address(world: World, legacy_world: World) -> None:
    email = email_of(world, world.agent_id)
    with legacy_world.session():
        other = db.session.get_one(User, legacy_world.agent_id)
        other.email = email.upper()
        with pytest.raises(IntegrityError):
            db.session.flush()
        db.session.rollback()
        other.email, other.confirmed_at = email.upper(), None
        db.session.commit()
        found = service.find_by_email(email)
        assert found
        assert found.tenant_id == world.tenant_id
