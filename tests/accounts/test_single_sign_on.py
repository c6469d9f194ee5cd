"""Single sign-on against a provider that is really there, and what it must not be talked into."""

from __future__ import annotations

import html
import time
import uuid
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import select, text

from cadence_app.accounts import invitations, links, single_sign_on
from cadence_app.accounts.models import Role, SecondFactorPolicy, User
from cadence_app.accounts.sign_in_models import SingleSignOn
from cadence_app.extensions import db
from tests.accounts.arriving import actions, email_of, is_signed_in, sign_in
from tests.accounts.provider import CLIENT_SECRET, Provider, running_provider
from tests.accounts.through_provider import SETTINGS, come_back, leave, save
from tests.world import PASSWORD, Browser, World


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def domain() -> str:
    return f"{uuid.uuid4().hex[:10]}.example"


@pytest.fixture
def provider(running: Provider, world: World, domain: str) -> Provider:
    """The provider, set up for the tenant; it knows the agent, whose address is of the domain."""
    running.wrong, running.in_userinfo = {}, False
    with world.session():
        db.session.get_one(User, world.agent_id).email = f"agent@{domain}"
        db.session.commit()
    running.claims = {"sub": "7", "email": f"Agent@{domain}", "email_verified": True, "name": "Ana"}
    assert save(world, running, domain).status_code == 302
    return running


def test_the_provider_signs_in_the_user_with_that_address(
    world: World, provider: Provider, domain: str
) -> None:
    browser, status, where = come_back(world, provider, domain)
    assert (status, where) == (302, "/help/")
    assert is_signed_in(browser)
    assert "Single sign-on" in browser.get("/account/sessions").text
    with world.session():
        assert db.session.get_one(User, world.agent_id).single_sign_on_subject == "7"
    assert actions(world)[-1] == "user.signed_in"


def test_a_person_is_known_by_subject_after_the_first_time(
    world: World, provider: Provider, domain: str
) -> None:
    assert come_back(world, provider, domain)[1] == 302
    provider.claims |= {"email": "renamed@elsewhere.example", "email_verified": False}
    assert come_back(world, provider, domain)[1] == 302
    provider.claims |= {"sub": "8", "email": f"agent@{domain}", "email_verified": True}
    _, status, page = come_back(world, provider, domain)
    assert status == 403
    assert "was somebody else at your organization's sign-in before" in page


def test_an_address_may_come_from_the_user_information(world: World, provider: Provider, domain: str) -> None:
    provider.in_userinfo = True
    assert come_back(world, provider, domain)[1] == 302


_OTHER_KEY = ECKey.generate_key("P-256", {"kid": "one"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://elsewhere.example"},
        {"issuer": "https://elsewhere.example"},
        {"aud": "another client"},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"iat": int(time.time()) + 3600},
        {"sub": None},
        {"sub": "a\x00b"},
        {"azp": "another client"},
        {"signed_by": _OTHER_KEY},
        {"redirect": "http://127.0.0.1:1/"},
    ],
    # Never by a time: both workers must have the same names.
    ids=[
        *("another nonce", "no nonce", "another iss", "another issuer", "another audience", "expired"),
        *("no expiry", "from the future", "no subject", "a NUL in the subject", "another azp"),
        *("another key", "a redirect"),
    ],
)
def test_an_answer_that_can_not_be_trusted_signs_nobody_in(
    world: World, provider: Provider, domain: str, wrong: dict[str, object]
) -> None:
    browser, url = leave(world, domain)
    back = provider.authorize(url)
    provider.wrong = wrong
    answer = browser.get(f"/login/sso/callback?{urlencode(back)}")
    assert answer.status_code == 403
    assert "can't be trusted" in html.unescape(answer.text)
    assert not is_signed_in(browser)


def test_a_sign_in_is_finished_once_by_the_browser_that_began_it(
    world: World, provider: Provider, domain: str
) -> None:
    browser, url = leave(world, domain)
    back = urlencode(provider.authorize(url))
    stranger = Browser(world.app.test_client())
    assert stranger.get(f"/login/sso/callback?{back}").status_code == 400
    assert browser.get("/login/sso/callback?code=x&state=\u00e9%00").status_code == 400
    assert browser.get(f"/login/sso/callback?{back}").status_code == 400
    assert come_back(world, provider, domain, state="another")[1] == 400
    assert come_back(world, provider, domain, code="another")[1] == 403


def test_somebody_the_provider_did_not_let_in_is_told_so(
    world: World, provider: Provider, domain: str
) -> None:
    browser, url = leave(world, domain)
    state = provider.authorize(url)["state"]
    answer = browser.get(f"/login/sso/callback?error=access_denied&state={state}")
    assert answer.status_code == 403
    assert "did not let you in" in html.unescape(answer.text)


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"email_verified": False}, "has not verified your e-mail address"),
        ({"email_verified": None}, "has not verified your e-mail address"),
        ({"email": "agent@elsewhere.example"}, "is not an address of"),
        ({"email": "nobody@{domain}"}, "Ask an admin to invite you"),
    ],
)
def test_who_is_no_user_is_told_why(
    world: World, provider: Provider, domain: str, claims: dict[str, object], told: str
) -> None:
    provider.claims |= {
        name: value.format(domain=domain) if isinstance(value, str) else value
        for name, value in claims.items()
    }
    _, status, page = come_back(world, provider, domain)
    assert status == 403
    assert told in page


def test_a_user_of_another_tenant_is_not_signed_in(
    world: World, legacy_world: World, provider: Provider, domain: str
) -> None:
    with legacy_world.session():
        db.session.get_one(User, legacy_world.admin_id).email = f"boss@{domain}"
        db.session.commit()
    provider.claims |= {"email": f"boss@{domain}"}
    assert come_back(world, provider, domain)[1] == 403
    assert save(world, provider, domain, creates_users="y").status_code == 302
    assert come_back(world, provider, domain)[1] == 403


def test_a_domain_that_users_of_others_have_is_refused_until_an_operator_allows_it(
    world: World, legacy_world: World, provider: Provider, domain: str
) -> None:
    theirs = f"x{domain}"
    with legacy_world.session():
        db.session.get_one(User, legacy_world.admin_id).email = f"boss@{theirs.upper()}"
        db.session.commit()
    refused = save(world, provider, domain, domains=f"{domain} {theirs}")
    assert refused.status_code == 422
    assert f"Another organization here uses {theirs}." in refused.text
    assert 'id="domains-error"' in refused.text
    for secret in (legacy_world.name, "boss@"):
        assert secret not in refused.text
    with world.session():
        assert single_sign_on.domains() == [domain]
    assert save(world, provider, domain, domains=f"{domain} sub.{theirs}").status_code == 302
    cli = world.app.test_cli_runner()
    assert cli.invoke(args=["cadence", "sso-domain", world.name, theirs]).exit_code == 0
    taken = cli.invoke(args=["cadence", "sso-domain", legacy_world.name, theirs])
    assert (taken.exit_code, f"Another tenant signs in by {theirs}" in taken.output) == (1, True)
    assert save(world, provider, domain, domains=f"{domain} {theirs}").status_code == 302


def test_a_user_who_is_not_active_is_not_signed_in(world: World, provider: Provider, domain: str) -> None:
    with world.session():
        db.session.get_one(User, world.agent_id).active = False
        db.session.commit()
    _, status, page = come_back(world, provider, domain)
    assert status == 403
    assert "may not sign in any more" in page


def test_users_are_made_as_agents_where_the_admin_wants_that(
    world: World, provider: Provider, domain: str
) -> None:
    assert save(world, provider, domain, creates_users="y").status_code == 302
    provider.claims = {"sub": "9", "email": f"new@{domain}", "email_verified": True, "name": "New"}
    browser, status, _ = come_back(world, provider, domain)
    assert status == 302
    assert is_signed_in(browser)
    with world.session():
        made = db.session.scalars(select(User).where(User.single_sign_on_subject == "9")).one()
        assert (made.role, made.name, made.teams) == (Role.AGENT, "New", [])
    assert sign_in(world.app, f"new@{domain}", "") is None


def test_the_second_factor_is_left_to_the_provider(world: World, provider: Provider, domain: str) -> None:
    with world.session():
        db.session.get_one(User, world.admin_id).tenant.second_factor = SecondFactorPolicy.EVERYBODY
        db.session.commit()
    browser, status, _ = come_back(world, provider, domain)
    assert status == 302
    assert browser.get("/messages/").status_code == 200
    assert world.sign_in("admin").get("/messages/").status_code == 302


def test_passwords_may_be_turned_off(world: World, provider: Provider, domain: str) -> None:
    assert sign_in(world.app, f"agent@{domain}", PASSWORD)
    assert save(world, provider, domain, passwords_allowed="false").status_code == 302
    assert sign_in(world.app, f"agent@{domain}", PASSWORD) is None
    told = set()
    for email in (f"agent@{domain}", f"nobody@{domain}"):
        browser = Browser(world.app.test_client())
        page = browser.post("/login", {"email": email, "password": "wrong"}, token_from="/login").text
        told.add("signs in through its own sign-in page" in page)
    assert told == {True}


def test_who_is_invited_where_passwords_are_off_accepts_by_coming_in_there(
    world: World, provider: Provider, domain: str
) -> None:
    assert save(world, provider, domain, passwords_allowed="false").status_code == 302
    with world.session():
        admin = db.session.get_one(User, world.admin_id)
        user = invitations.invite(admin, f"new@{domain}", "New", Role.AGENT, [])
        db.session.commit()
        user_id, link = user.id, links.make(user, links.Purpose.INVITATION)[0]
    asked = Browser(world.app.test_client()).get("/" + link.split("/", 3)[3])
    assert asked.headers["Location"] == f"/login/sso?email=new@{domain}"
    provider.claims = {"sub": "10", "email": f"new@{domain}", "email_verified": True}
    assert come_back(world, provider, domain)[1] == 302
    with world.session():
        assert not db.session.get_one(User, user_id).invited


def test_an_address_of_no_such_domain_is_told_at_its_field(world: World) -> None:
    browser = Browser(world.app.test_client())
    for email in ("x@nowhere.example", "x", "a\x00@b.example"):
        answer = browser.post("/login/sso", {"email": email}, token_from="/login/sso")
        assert answer.status_code == 422
    assert 'value="maya@x.example"' in browser.get("/login/sso?email=maya@x.example").text


def test_the_settings_are_stored_audited_tested_and_removed(
    world: World, provider: Provider, domain: str
) -> None:
    admin = world.sign_in("admin")
    page = admin.get(SETTINGS).text
    assert provider.issuer in page
    assert domain in page
    assert CLIENT_SECRET not in page
    assert "single_sign_on.changed" in actions(world)
    with world.session():
        everything = "\n".join(
            db.session.scalars(
                text("SELECT s::text FROM single_sign_ons s UNION ALL SELECT a::text FROM audit_entries a")
            )
        )
        assert CLIENT_SECRET not in everything
    assert save(world, provider, domain, client_secret="").status_code == 302
    tested = admin.post(f"{SETTINGS}/test", follow_redirects=True).text
    assert "The provider answers as it must." in tested
    provider.wrong = {"issuer": "https://elsewhere.example"}
    assert "The test failed." in admin.post(f"{SETTINGS}/test", follow_redirects=True).text
    assert admin.post(f"{SETTINGS}/remove").status_code == 302
    with world.session():
        assert db.session.scalars(select(SingleSignOn)).all() == []
    assert "single_sign_on.removed" in actions(world)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"issuer": "http://college.example"}, "must begin with https://"),
        ({"issuer": "ftp://127.0.0.1"}, "must begin with https://"),
        ({"issuer": "https://user:pass@college.example"}, "must not have a user name"),
        ({"issuer": "https://college.example:99999999"}, "That is no address."),
        (
            {"issuer": "https://elsewhere.example", "client_secret": ""},
            "Another issuer needs its own secret.",
        ),
        ({"issuer": "a\x00"}, "can't be stored"),
        ({"domains": "college"}, "college is no domain."),
        ({"domains": "x y@z"}, "is no domain."),
        ({"domains": "college.example gmail.com"}, "Anybody can have an address of gmail.com"),
        ({"client_id": ""}, "Enter the client ID."),
    ],
)
def test_settings_that_can_not_be_are_told_at_their_field(
    world: World, provider: Provider, domain: str, changed: dict[str, str], told: str
) -> None:
    answer = save(world, provider, domain, **changed)
    assert answer.status_code == 422
    assert told in html.unescape(answer.text)


def test_a_domain_is_one_organisations(
    world: World, legacy_world: World, provider: Provider, domain: str
) -> None:
    answer = save(legacy_world, provider, domain)
    assert answer.status_code == 422
    assert f"Another organization here uses {domain}." in html.unescape(answer.text)
    with legacy_world.session():
        assert db.session.scalars(select(SingleSignOn)).all() == []


def test_the_settings_are_for_admins(world: World) -> None:
    agent = world.sign_in("agent")
    for method, path in (("get", ""), ("post", ""), ("post", "/test"), ("post", "/remove")):
        assert getattr(agent, method)(SETTINGS + path).status_code == 403
        assert getattr(Browser(world.app.test_client()), method)(SETTINGS + path).status_code in (302, 400)


def test_an_issuer_on_this_machine_is_refused_where_that_is_not_development(
    world: World, provider: Provider, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world.app.config, "SSO_LOOPBACK", False)
    browser = Browser(world.app.test_client())
    answer = browser.post("/login/sso", {"email": email_of(world, world.agent_id)}, token_from="/login/sso")
    assert answer.status_code == 502
    assert "can't be reached as it is set up" in html.unescape(answer.text)
