"""Whose an e-mail address is: that of the active user who has confirmed it, over all tenants."""

from __future__ import annotations

import re
import threading
import uuid

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from cadence_app.accounts import invitations, service, single_sign_on
from cadence_app.accounts.issuers import Vouched
from cadence_app.accounts.models import Role, User
from cadence_app.accounts.oidc import Identity
from cadence_app.accounts.refusals import Refused
from cadence_app.accounts.service import AddressTaken
from cadence_app.accounts.sign_in_models import SingleSignOn, SingleSignOnDomain
from cadence_app.administration import leaving, people
from cadence_app.extensions import db
from tests.accounts.arriving import (
    actions,
    email_of,
    is_signed_in,
    link_in,
    mails_to,
    outbox,
    send_mails,
    sign_in,
)
from tests.world import PASSWORD, Browser, World


def _address() -> str:
    return f"{uuid.uuid4().hex}@people.example"


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
    email = _address()
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
    email = _address()
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
    email = _address()
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
    _, link = _invite(world, _address())
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
    email = _address()
    _, link = _invite(world, email)
    run = world.app.test_cli_runner().invoke
    made = run(args=["cadence", "user", legacy_world.name, email, "--name", "N", "--password", PASSWORD])
    assert made.exit_code == 0, made.output
    assert sign_in(world.app, email, PASSWORD)
    assert _accept(world, link)[0] == 409
    again = run(args=["cadence", "user", world.name, email, "--name", "N", "--password", PASSWORD])
    assert "signs in to Cadence already" in again.output


def _provider(world: World, domain: str) -> None:
    with world.session():
        sso = SingleSignOn(
            tenant_id=world.tenant_id, issuer="https://x.example", client_id="c", client_secret=""
        )
        sso.creates_users = True
        db.session.add_all([sso, SingleSignOnDomain(domain=domain, tenant_id=world.tenant_id)])
        db.session.commit()


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
    _provider(world, domain)
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
    _provider(world, domain)
    for each in (email, invited):
        with pytest.raises(single_sign_on.NotLetIn) as refusal:
            _arrive(world, each)
        assert legacy_world.name not in str(refusal.value)


def test_an_address_of_who_was_deactivated_is_free_and_taken_back_if_nobody_has_it(
    world: World, legacy_world: World
) -> None:
    email = _address()
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
    email = _address()
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


# Changing one's own address.


def _ask(browser: Browser, email: str, password: str = PASSWORD) -> int:
    return browser.post("/account/email", {"email": email, "current": password}).status_code


def _confirm(world: World, email: str) -> tuple[str, Browser]:
    send_mails(world)
    return link_in(mails_to(world.app, email)[-1]), Browser(world.app.test_client())


def test_a_new_address_counts_once_its_link_was_followed_and_pressed(world: World) -> None:
    browser, old, new = world.sign_in("agent"), email_of(world, world.agent_id), _address()
    assert _ask(browser, new, "wrong") == 422
    assert outbox(world) == []
    assert _ask(browser, new) == 302
    assert "Waiting to be confirmed" in browser.get("/account/email").text
    assert sign_in(world.app, old, PASSWORD)
    assert sign_in(world.app, new, PASSWORD) is None
    link, elsewhere = _confirm(world, new)
    # Programs that read mail follow links: that alone changes nothing.
    assert "Use this address" in elsewhere.get(link).text
    assert email_of(world, world.agent_id) == old
    assert elsewhere.post(link).status_code == 302
    assert (sign_in(world.app, old, PASSWORD), bool(sign_in(world.app, new, PASSWORD))) == (None, True)
    assert is_signed_in(browser)
    assert elsewhere.post(link).status_code == 404
    send_mails(world)
    told = [str(mail["Subject"]) for mail in mails_to(world.app, old)]
    assert told == [
        "Your e-mail address in Cadence is about to change",
        "Your e-mail address in Cadence was changed",
    ]
    assert "user.address_changed" in actions(world)


def test_another_address_a_drop_and_a_new_password_make_the_link_worthless(world: World) -> None:
    browser, first, second = world.sign_in("agent"), _address(), _address()
    assert _ask(browser, first) == 302
    link, elsewhere = _confirm(world, first)
    assert _ask(browser, second) == 302
    assert elsewhere.get(link).status_code == 404
    link, _ = _confirm(world, second)
    assert browser.post("/account/email/drop").status_code == 302
    assert elsewhere.get(link).status_code == 404
    assert _ask(browser, first) == 302
    link, _ = _confirm(world, first)
    new = "another pass phrase"
    form = {"current": PASSWORD, "password": new, "again": new}
    assert browser.post("/account/password", form).status_code == 302
    assert elsewhere.get(link).status_code == 404
    assert "Waiting to be confirmed" not in browser.get("/account/email").text


def test_an_address_of_somebody_else_is_told_to_who_reads_its_mail_alone(
    world: World, legacy_world: World
) -> None:
    """Whoever asks sees the same as for a free one; whoever has it loses nothing."""
    taken, browser = email_of(legacy_world, legacy_world.agent_id), world.sign_in("agent")
    assert _ask(browser, taken) == 302
    link, elsewhere = _confirm(world, taken)
    elsewhere.get(link)
    answer = elsewhere.post(link)
    assert (answer.status_code, "signs in to Cadence already" in answer.text) == (409, True)
    assert not re.search("|".join((world.name, legacy_world.name)), answer.text)
    with world.session():
        assert db.session.get_one(User, world.agent_id).email != taken
    assert sign_in(world.app, taken, PASSWORD)


def test_a_reset_link_in_the_mail_of_an_address_that_was_left_is_worth_nothing(world: World) -> None:
    browser, old, new = world.sign_in("agent"), email_of(world, world.agent_id), _address()
    Browser(world.app.test_client()).post("/forgot-password", {"email": old}, token_from="/login")
    reset, elsewhere = _confirm(world, old)
    assert elsewhere.get(reset).status_code == 200
    assert _ask(browser, new) == 302
    link, _ = _confirm(world, new)
    elsewhere.get(link)
    assert elsewhere.post(link).status_code == 302
    assert elsewhere.get(reset).status_code == 404


@pytest.mark.parametrize("email", ["", "none", "a\x00b@college.example", "x" * 300])
def test_an_address_that_is_none_is_refused_at_its_field(world: World, email: str) -> None:
    assert _ask(world.sign_in("agent"), email) == 422
    with world.session():
        assert db.session.scalars(select(User.new_email)).all() == ["", ""]


def test_where_single_sign_on_alone_lets_in_it_says_what_the_address_is(world: World) -> None:
    browser, asked = world.sign_in("agent"), _address()
    assert _ask(browser, asked) == 302
    link, elsewhere = _confirm(world, asked)
    _provider(world, f"d{uuid.uuid4().hex[:8]}.example")
    with world.session():
        db.session.get_one(SingleSignOn, world.tenant_id).passwords_allowed = False
        db.session.commit()
    assert _ask(browser, _address()) == 422
    # Nor by a link from before.
    assert elsewhere.get(link).status_code == 404
    assert elsewhere.post(link, token_from="/login").status_code == 404
    assert email_of(world, world.agent_id) != asked
