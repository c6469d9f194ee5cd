"""Single sign-on with Microsoft Entra ID, against a provider that says what Entra says."""

from __future__ import annotations

import html
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from cadence_app.accounts import issuers, single_sign_on
from cadence_app.accounts.models import AuditEntry, User
from cadence_app.extensions import db
from tests.accounts.arriving import is_signed_in
from tests.accounts.provider import Provider, running_provider
from tests.accounts.through_provider import SETTINGS, come_back, leave, save
from tests.world import World

_DIRECTORY = "3b1d7c52-6c1e-4b5f-9a0e-2f4f8f0f6a11"
_NOT_VERIFIED = "has not verified your e-mail address"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with running_provider() as provider:
        provider.entra, provider.path = True, f"/{_DIRECTORY}/v2.0"
        yield provider


@pytest.fixture
def domain() -> str:
    return f"{uuid.uuid4().hex[:10]}.example"


@pytest.fixture
def entra(running: Provider, world: World, domain: str, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Entra, set up for the tenant as it comes: nothing is confirmed. It knows the agent."""
    monkeypatch.setattr(issuers, "ENTRA_HOSTS", {f"127.0.0.1:{running.port}"})
    running.wrong, running.in_userinfo, running.says_iss = {}, False, False
    with world.session():
        db.session.get_one(User, world.agent_id).email = f"agent@{domain}"
        db.session.get_one(User, world.admin_id).email = f"boss@{domain}"
        db.session.commit()
    running.claims = _person(f"Agent@{domain}")
    assert save(world, running, domain).status_code == 302
    return running


def _person(email: str | None, **more: Any) -> dict[str, Any]:
    """The claims of a work account: no email_verified, and a subject of this registration alone."""
    claims = {
        "sub": uuid.uuid4().hex,
        "oid": str(uuid.uuid4()),
        "tid": _DIRECTORY,
        "ver": "2.0",
        "name": "Ana",
        "preferred_username": "ana@college.example",
        "email": email,
    }
    return {name: value for name, value in (claims | more).items() if value is not None}


def _confirm(world: World, entra: Provider, domain: str, **changed: str) -> None:
    answer = save(world, entra, domain, **{"addresses": "confirmed", "speaks_for": domain} | changed)
    assert answer.status_code == 302, answer.text


def test_as_it_comes_nobody_is_let_in_by_an_address_that_nobody_vouches_for(
    world: World, entra: Provider, domain: str
) -> None:
    browser, status, page = come_back(world, entra, domain)
    assert (status, _NOT_VERIFIED in page, is_signed_in(browser)) == (403, True, False)


@pytest.mark.parametrize("value", [True, 1, "1", "true"])
def test_microsofts_own_word_for_an_address_counts(
    world: World, entra: Provider, domain: str, value: object
) -> None:
    entra.claims["xms_edov"] = value
    browser, status, _ = come_back(world, entra, domain)
    assert (status, is_signed_in(browser)) == (302, True)
    with world.session():
        subject = db.session.get_one(User, world.agent_id).single_sign_on_subject
    assert subject == f"oid:{entra.claims['oid']}"


def test_so_does_the_admins_for_the_domains_that_were_confirmed(
    world: World, entra: Provider, domain: str
) -> None:
    other = f"x{domain}"
    _confirm(world, entra, domain, domains=f"{domain} {other}", creates_users="y")
    browser, status, _ = come_back(world, entra, domain)
    assert (status, is_signed_in(browser)) == (302, True)
    # The domain beside it was not confirmed.
    entra.claims = _person(f"new@{other}")
    assert _NOT_VERIFIED in come_back(world, entra, domain)[2]
    entra.claims = _person(f"new@{domain}")
    assert come_back(world, entra, domain)[1] == 302


@pytest.mark.parametrize("word", ["Microsoft's", "the admin's"])
def test_both_work_on_the_legacy_screens_too(
    legacy_world: World, entra: Provider, domain: str, word: str
) -> None:
    theirs = f"legacy-{domain}"
    with legacy_world.session():
        db.session.get_one(User, legacy_world.agent_id).email = f"agent@{theirs}"
        db.session.commit()
    entra.claims = _person(f"agent@{theirs}")
    if word == "Microsoft's":
        assert save(legacy_world, entra, theirs).status_code == 302
        entra.claims["xms_edov"] = True
    else:
        _confirm(legacy_world, entra, theirs)
    assert "in no department yet" in legacy_world.sign_in("admin").get(SETTINGS).text
    browser, status, _ = come_back(legacy_world, entra, theirs)
    assert (status, is_signed_in(browser)) == (302, True)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"xms_edov": False}, _NOT_VERIFIED),
        ({"xms_edov": "0"}, _NOT_VERIFIED),
        ({"email_verified": False}, _NOT_VERIFIED),
        ({"email_verified": False, "xms_edov": True}, _NOT_VERIFIED),
        ({"acct": 1}, "You are a guest"),
        ({"acct": "1"}, "You are a guest"),
        ({"idp": "live.com"}, "You are a guest"),
        ({"idp": "https://sts.windows.net/0d6f1d0c-0000-4000-8000-000000000000/"}, "You are a guest"),
        ({"email": "boss@elsewhere.example"}, "is not an address of"),
        ({"email": ""}, "did not tell your e-mail address"),
        ({"email": ["boss@college.example"]}, "is not an address of"),
    ],
)
def test_what_the_admin_confirmed_does_not_stand_against_what_the_provider_says(
    world: World, entra: Provider, domain: str, said: dict[str, Any], told: str
) -> None:
    _confirm(world, entra, domain)
    entra.claims |= said
    browser, url = leave(world, domain)
    back = entra.authorize(url)
    answer = browser.get("/login/sso/callback", query_string=back)
    assert answer.status_code == 403
    assert told in html.unescape(answer.text)
    assert not is_signed_in(browser)


def test_who_came_once_is_known_by_the_object_id_whatever_their_address_becomes(
    world: World, entra: Provider, domain: str
) -> None:
    _confirm(world, entra, domain)
    assert come_back(world, entra, domain)[1] == 302
    # Somebody has the directory give the agent the admin's address: it is still the agent.
    entra.claims |= {"email": f"boss@{domain}", "preferred_username": f"boss@{domain}"}
    browser, status, _ = come_back(world, entra, domain)
    assert status == 302
    assert browser.get("/settings/users/").status_code == 403
    # The admin came once; whoever gets that address later is not the admin.
    entra.claims = _person(f"boss@{domain}")
    assert come_back(world, entra, domain)[1] == 302
    entra.claims = _person(f"boss@{domain}")
    browser, status, page = come_back(world, entra, domain)
    assert (status, "was somebody else at your organization's sign-in before" in page) == (403, True)
    assert not is_signed_in(browser)


def test_another_registration_of_the_application_knows_the_same_people(
    world: World, entra: Provider, domain: str
) -> None:
    entra.claims["xms_edov"] = True
    assert come_back(world, entra, domain)[1] == 302
    entra.claims |= {"sub": "as of the new registration", "email": "renamed@elsewhere.example"}
    assert come_back(world, entra, domain)[1] == 302


def test_who_was_known_by_subject_before_is_known_by_object_id_now(
    world: World, entra: Provider, domain: str
) -> None:
    with world.session():
        db.session.get_one(User, world.agent_id).single_sign_on_subject = entra.claims["sub"]
        db.session.commit()
    assert come_back(world, entra, domain)[1] == 302
    with world.session():
        subject = db.session.get_one(User, world.agent_id).single_sign_on_subject
    assert subject == f"oid:{entra.claims['oid']}"


@pytest.mark.parametrize(
    "wrong",
    [
        {"oid": None},
        {"oid": "not an id"},
        {"tid": None},
        {"tid": "0d6f1d0c-0000-4000-8000-000000000000"},
        {"iss": "https://login.microsoftonline.com/{tenantid}/v2.0"},
        {"iss": f"https://sts.windows.net/{_DIRECTORY}/"},
        {"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"},
        {"token": {"error": "invalid_client"}},
        {"token": {"id_token": ["x"]}},
    ],
)
def test_a_token_of_another_directory_or_of_nobody_signs_nobody_in(
    world: World, entra: Provider, domain: str, wrong: dict[str, Any]
) -> None:
    entra.claims["xms_edov"] = True
    browser, url = leave(world, domain)
    back = entra.authorize(url)
    entra.wrong = wrong
    answer = browser.get("/login/sso/callback", query_string=back)
    assert answer.status_code == 403
    assert "can't be trusted" in html.unescape(answer.text)
    assert not is_signed_in(browser)


def test_an_answer_says_whose_it_is_where_the_provider_says_so_at_all(
    world: World, entra: Provider, domain: str
) -> None:
    entra.claims["xms_edov"] = True
    assert come_back(world, entra, domain, iss=f"{entra.root}/other")[1] == 403
    assert come_back(world, entra, domain, iss=[entra.issuer, f"{entra.root}/other"])[1] == 403
    assert come_back(world, entra, domain, iss=entra.issuer)[1] == 302
    assert come_back(world, entra, domain)[1] == 302
    entra.says_iss = True
    assert come_back(world, entra, domain, iss=None)[1] == 403
    assert come_back(world, entra, domain, iss="")[1] == 403
    assert come_back(world, entra, domain)[1] == 302


def test_an_issuer_that_changes_while_somebody_signs_in_gets_nothing_of_it(
    world: World, entra: Provider, domain: str
) -> None:
    entra.claims["xms_edov"] = True
    browser, url = leave(world, domain)
    back = entra.authorize(url)
    with running_provider() as other:
        assert save(world, other, domain).status_code == 302
        answer = browser.get("/login/sso/callback", query_string=back)
        assert (answer.status_code, is_signed_in(browser)) == (403, False)
        assert back["code"] in entra.asked


@pytest.mark.parametrize(
    "path", ["common", "organizations", "consumers", "{tenantid}", "college.example", ""]
)
def test_an_issuer_of_many_organisations_is_refused_with_what_to_enter(
    world: World, running: Provider, domain: str, path: str
) -> None:
    answer = save(world, running, domain, issuer=f"https://login.microsoftonline.com/{path}/v2.0")
    assert answer.status_code == 422
    assert "directory (tenant) ID" in html.unescape(answer.text)
    assert 'id="issuer-error"' in answer.text


def test_a_provider_that_calls_itself_every_organisation_is_told_in_words(
    world: World, entra: Provider, domain: str
) -> None:
    entra.wrong = {"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}
    page = world.sign_in("admin").post(f"{SETTINGS}/test", follow_redirects=True).text
    assert "which stands for every organization" in html.unescape(page)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"speaks_for": ""}, "Enter the domains, one by one, that you confirm."),
        ({"speaks_for": "other.example"}, "other.example is not among the e-mail domains above."),
        ({"domains": "gmail.com", "speaks_for": "gmail.com"}, "Anybody can have an address of gmail.com"),
        ({"issuer": "https://accounts.google.com"}, "signs in people of other organizations too"),
    ],
)
def test_a_confirmation_that_would_let_strangers_in_is_refused_at_its_field(
    world: World, entra: Provider, domain: str, changed: dict[str, str], told: str
) -> None:
    data = {"addresses": "confirmed", "speaks_for": domain} | changed
    answer = save(world, entra, domain, **data)
    assert answer.status_code == 422
    assert told in html.unescape(answer.text)
    with world.session():
        assert single_sign_on.spoken_for() == []


def test_another_tenants_domain_can_not_be_confirmed(
    world: World, legacy_world: World, entra: Provider, domain: str
) -> None:
    _confirm(world, entra, domain)
    answer = save(legacy_world, entra, domain, addresses="confirmed", speaks_for=domain)
    assert answer.status_code == 422
    assert f"Another organization here uses {domain}." in html.unescape(answer.text)
    with legacy_world.session():
        assert single_sign_on.spoken_for() == []
    with world.session():
        assert single_sign_on.spoken_for() == [domain]


def test_a_confirmation_is_shown_with_who_gave_it_logged_and_ends_with_what_it_was_about(
    world: World, entra: Provider, domain: str
) -> None:
    _confirm(world, entra, domain)
    page = world.sign_in("admin").get(SETTINGS).text
    assert f"{domain}: confirmed by" in page
    assert "Microsoft Entra ID does not check the e-mail address" in page
    with world.session():
        first = single_sign_on.confirmations()
        changes = select(AuditEntry).where(AuditEntry.action == "single_sign_on.changed")
        entry = db.session.scalars(changes.order_by(AuditEntry.id.desc())).first()
        assert entry
        assert entry.changes["speaks_for"] == [[], [domain]]
    # Saved again with a domain more, it is the same confirmation, and of the one domain.
    _confirm(world, entra, domain, domains=f"{domain} y{domain}")
    with world.session():
        assert single_sign_on.confirmations() == first
    # Another provider is not the one that was meant, although the form still says so: it is asked for again.
    with running_provider() as other:
        admin = world.sign_in("admin")
        form = {"addresses": "confirmed", "speaks_for": domain}
        assert save(world, other, domain, admin, **form).status_code == 302
        assert "confirm again which domains" in html.unescape(admin.get(SETTINGS).text)
    with world.session():
        assert (single_sign_on.spoken_for(), single_sign_on.domains()) == ([], [domain])
    assert save(world, entra, domain).status_code == 302
    _confirm(world, entra, domain)
    with world.session():
        assert single_sign_on.spoken_for() == [domain]
    assert save(world, entra, domain, addresses="said", speaks_for=domain).status_code == 302
    with world.session():
        assert single_sign_on.spoken_for() == []


def test_a_provider_of_ones_own_that_is_silent_can_be_confirmed_too(
    world: World, domain: str, entra: Provider
) -> None:
    with running_provider() as own:
        own.claims = {"sub": "7", "email": f"agent@{domain}"}
        assert save(world, own, domain).status_code == 302
        assert _NOT_VERIFIED in come_back(world, own, domain)[2]
        _confirm(world, own, domain)
        # Only Microsoft's own word is Microsoft's.
        own.claims |= {"xms_edov": False, "oid": "x", "acct": 1}
        assert come_back(world, own, domain)[1] == 302
        with world.session():
            assert db.session.get_one(User, world.agent_id).single_sign_on_subject == "7"
