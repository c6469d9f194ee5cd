"""The pages of campaigns: who may open them, what they say to bad input, and what they do."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from cadence_app.accounts.models import AuditEntry, Tenant
from cadence_app.campaigns.models import Campaign, Recipient
from cadence_app.contacts.models import CustomField
from cadence_app.extensions import db, rq
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.text_template_models import TextTemplate
from tests.campaigns.sending import add_campaign, add_people, always_open, counts, schedule, state_of
from tests.world import Browser, World

NEW = "/campaigns/new"
ACTIONS = ("send", "pause", "resume", "cancel", "delete")


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> World:
    return world if request.param == "teams" else legacy_world


def inbox_id(world: World, number: str) -> int:
    with world.session():
        return db.session.scalars(select(Inbox.id).where(Inbox.number == number)).one()


def filled(world: World, **fields: Any) -> dict[str, Any]:
    """A good form."""
    return {
        "name": "Open house",
        "inbox_id": str(inbox_id(world, world.shared)),
        "who": "team",
        "body": "Hi {first_name|there}",
    } | fields


def campaigns(world: World) -> int:
    with world.session():
        return db.session.scalars(select(func.count()).select_from(Campaign)).one()


def test_who_is_not_signed_in_is_asked_to(either: World) -> None:
    campaign_id = add_campaign(either)
    nobody = Browser(either.app.test_client())
    nobody.get("/login")
    for path in ("", "new", f"{campaign_id}", f"{campaign_id}/edit", f"{campaign_id}/progress"):
        assert nobody.get(f"/campaigns/{path}").location.startswith("/login?next=")
    for path in (f"{campaign_id}/left-out", f"{campaign_id}/left-out.csv", "templates/"):
        assert nobody.get(f"/campaigns/{path}").status_code == 302
    for action in ACTIONS:
        assert nobody.post(f"/campaigns/{campaign_id}/{action}").status_code == 302
    assert nobody.get("/settings/campaigns/").status_code == 302
    assert state_of(either, campaign_id) == "draft"


def test_an_agent_has_their_teams_campaigns_only_and_an_admin_every_teams(either: World) -> None:
    mine, others = add_campaign(either), add_campaign(either, inbox=either.other_shared)
    agent, admin = either.sign_in("agent"), either.sign_in("admin")
    for path in ("", "/edit", "/progress", "/everyone", "/everyone.csv"):
        assert agent.get(f"/campaigns/{mine}{path}").status_code == 200
        assert agent.get(f"/campaigns/{others}{path}").status_code == 404
        assert admin.get(f"/campaigns/{others}{path}").status_code == 200
    for action in ACTIONS:
        assert agent.post(f"/campaigns/{others}/{action}").status_code == 404
    listed = agent.get("/campaigns/").text
    assert f"/campaigns/{mine}" in listed
    assert f"/campaigns/{others}" not in listed
    foreign = filled(either, inbox_id=str(inbox_id(either, either.other_shared)))
    assert agent.post(NEW, foreign).status_code == 422
    assert agent.get("/settings/campaigns/").status_code == 403


def test_a_campaign_of_another_tenant_is_404(world: World, legacy_world: World) -> None:
    theirs = add_campaign(legacy_world)
    admin = world.sign_in("admin")
    for path in ("", "/edit", "/progress", "/everyone", "/everyone.csv"):
        assert admin.get(f"/campaigns/{theirs}{path}").status_code == 404
    for action in ACTIONS:
        assert admin.post(f"/campaigns/{theirs}/{action}").status_code == 404
    assert admin.get(f"/campaigns/{2**70}").status_code == 404
    assert "No campaigns yet" in admin.get("/campaigns/").text


def test_an_agent_writes_reviews_and_sends_a_campaign(either: World) -> None:
    always_open(either)
    add_people(either, 3)
    agent = either.sign_in("agent")
    word = "team" if "of the team" in agent.get(NEW).text else "department"
    assert f"Contacts of the {word}" in agent.get(NEW).text
    review = agent.post(NEW, filled(either), follow_redirects=True)
    assert "Send now to 3" in review.text
    assert "Hi First0" in review.text
    path = review.request.path
    sent = agent.post(f"{path}/send", {"when": "now"}, follow_redirects=True)
    assert "0 of 3 done" in sent.text
    campaign_id = int(path.rsplit("/", 1)[1])
    with either.app.app_context():
        rq.make_worker(["campaigns"]).work(burst=True)
    assert counts(either, campaign_id) == {"delivered": 3}
    assert agent.get(f"{path}/progress").headers["HX-Refresh"] == "true"
    assert "Finished" in agent.get(path).text
    assert "has begun already" in agent.post(f"{path}/send", {"when": "now"}, follow_redirects=True).text
    assert agent.get(f"{path}/edit").status_code == 302


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": " "}, "Give the campaign a name."),
        ({"name": "a\x00"}, "can&#39;t be stored"),
        ({"body": "\r\n"}, "Write something first."),
        ({"body": "x" * 1531}, "1530 characters long at most"),
        ({"body": "Hi {frist_name}"}, "There is no field {frist_name}."),
        ({"inbox_id": "999999999999"}, "Not a valid choice"),
        ({"inbox_id": "9" * 40}, "Not a valid choice"),
        ({"who": "everybody"}, "Not a valid choice"),
        ({"who": "picked"}, "check at least one"),
        ({"who": "picked", "picked": ["9" * 40, "-1", "x"]}, "check at least one"),
        ({"who": "pasted", "pasted": "\n \n"}, "Paste at least one"),
        ({"who": "pasted", "pasted": "\n".join(["1"] * 10_001)}, "10,000 lines at most"),
        ({"tags_any": ["77"]}, "not a valid choice"),
    ],
)
def test_bad_input_is_told_at_its_field_and_saves_nothing(
    world: World, fields: dict[str, Any], says: str
) -> None:
    answer = world.sign_in("agent").post(NEW, filled(world, **fields))
    assert answer.status_code == 422
    assert says in answer.text
    assert campaigns(world) == 0


def test_a_custom_field_needs_its_value_and_can_stand_in_the_text(world: World) -> None:
    with world.session():
        field = CustomField(tenant_id=world.tenant_id, name="Major")
        db.session.add(field)
        db.session.commit()
        field_id = field.id
    add_people(world, 1, custom={str(field_id): "Biology"})
    agent = world.sign_in("agent")
    assert "value that the field must have" in agent.post(NEW, filled(world, field_id=field_id)).text
    form = filled(world, field_id=field_id, field_value="biology", body="Dear {major|unknown} student")
    page = agent.post(NEW, form, follow_redirects=True)
    assert "Dear Biology student" in page.text
    edit = agent.get(f"{page.request.path}/edit").text
    assert 'value="biology"' in edit


def test_contacts_are_found_and_picked_without_losing_the_form(world: World) -> None:
    (wanted, _) = add_people(world, 1, last_name="Zimmer") + add_people(world, 1)
    (stranger,) = add_people(world, 1, world.other_team_id, last_name="Zimmer")
    agent = world.sign_in("agent")
    found = agent.post(NEW, filled(world, who="picked", search="zimmer", find="1"))
    assert found.status_code == 200
    assert f'value="{wanted}"' in found.text
    assert f'value="{stranger}"' not in found.text
    assert "Hi {first_name|there}" in found.text
    assert campaigns(world) == 0
    saved = agent.post(NEW, filled(world, who="picked", picked=[wanted, stranger]), follow_redirects=True)
    assert "Send now to 1" in saved.text
    assert "Nobody in this team" not in saved.text


def test_the_text_is_shown_as_named_contacts_would_read_it(world: World) -> None:
    add_people(world, 1)
    agent = world.sign_in("agent")
    assert "Hi First0" in agent.post("/campaigns/preview", filled(world)).text
    assert "Shown once" in agent.post("/campaigns/preview", filled(world, body="{nothing}")).text


@pytest.mark.parametrize(
    ("send_at", "says"),
    [
        ("", "Enter a day and a time."),
        ("yesterday", "Enter a day and a time."),
        ("2020-01-01T10:00", "This time is over."),
        ("2099-01-01T10:00", "within a year"),
        ("0001-01-01T00:00", "This time is over."),
        ("9999-12-31T23:59", "Enter a day and a time."),
    ],
)
def test_a_time_that_is_none_is_told_and_sends_nothing(world: World, send_at: str, says: str) -> None:
    add_people(world, 1)
    campaign_id = add_campaign(world)
    agent = world.sign_in("agent")
    answer = agent.post(f"/campaigns/{campaign_id}/send", {"when": "later", "send_at": send_at})
    assert answer.status_code == 422
    assert says in answer.text
    assert state_of(world, campaign_id) == "draft"


def test_a_time_is_by_the_users_clock_and_editing_takes_it_off(world: World) -> None:
    add_people(world, 1)
    campaign_id = add_campaign(world)
    agent = world.sign_in("agent")
    with world.session():
        day = db.session.scalars(
            select(func.to_char(func.now() + func.make_interval(0, 0, 0, 30), "YYYY-MM-DD"))
        ).one()
    when = {"when": "later", "send_at": f"{day}T09:30"}
    page = agent.post(f"/campaigns/{campaign_id}/send", when, follow_redirects=True).text
    assert "9:30 AM" in page
    assert state_of(world, campaign_id) == "scheduled"
    assert "takes the campaign off its time" in agent.get(f"/campaigns/{campaign_id}/edit").text
    agent.post(f"/campaigns/{campaign_id}/edit", filled(world, name="Changed"))
    assert state_of(world, campaign_id) == "draft"
    with world.session():
        query = (
            select(AuditEntry.action).where(AuditEntry.action.startswith("campaign.")).order_by(AuditEntry.id)
        )
        assert db.session.scalars(query).all() == ["campaign.scheduled", "campaign.unscheduled"]


def test_a_draft_is_deleted_for_good_and_nothing_else_is(world: World) -> None:
    add_people(world, 1)
    draft, planned = add_campaign(world), add_campaign(world)
    with world.session():
        now = db.session.scalars(select(func.now())).one()
    schedule(world, planned, now)
    agent = world.sign_in("agent")
    assert "is deleted" in agent.post(f"/campaigns/{draft}/delete", follow_redirects=True).text
    refused = agent.post(f"/campaigns/{planned}/delete", follow_redirects=True).text
    assert "Only a draft can be deleted" in refused
    assert campaigns(world) == 1
    with world.session():
        assert db.session.scalars(select(Recipient.campaign_id).distinct()).all() == [planned]


def test_a_campaign_to_nobody_is_not_sent(world: World) -> None:
    campaign_id = add_campaign(world)
    agent = world.sign_in("agent")
    assert "Nobody is left to text" in agent.get(f"/campaigns/{campaign_id}").text
    answer = agent.post(f"/campaigns/{campaign_id}/send", {"when": "now"}, follow_redirects=True)
    assert "Nobody is left to text" in answer.text
    assert state_of(world, campaign_id) == "draft"


def test_a_form_without_its_token_is_refused(world: World) -> None:
    campaign_id = add_campaign(world)
    agent = world.sign_in("agent")
    for path in (NEW, *(f"/campaigns/{campaign_id}/{action}" for action in ACTIONS)):
        assert agent.client.post(path, data=filled(world)).status_code == 400
    assert state_of(world, campaign_id) == "draft"


def test_an_admin_sets_the_hours_and_speeds_and_the_log_says_so(world: World) -> None:
    admin, box = world.sign_in("admin"), inbox_id(world, world.shared)
    page = admin.get("/settings/campaigns/").text
    names = [line.split('"')[0] for line in page.split('name="inbox')[1:]]
    speeds = {f"inbox{name}": "5" for name in names}
    form = {"texts_from": "9", "texts_until": "20"} | speeds | {f"inbox{box}-texts_per_second": "12"}
    assert "Saved" in admin.post("/settings/campaigns/", form, follow_redirects=True).text
    with world.session():
        tenant = db.session.get_one(Tenant, world.tenant_id)
        assert (tenant.texts_from, tenant.texts_until) == (9, 20)
        assert db.session.get_one(Inbox, box).texts_per_second == 12
        ours = select(AuditEntry).where(AuditEntry.action.not_like("user.%")).order_by(AuditEntry.id)
        changes = [entry.changes for entry in db.session.scalars(ours)]
    assert changes == [
        {"texts_from": [0, 9], "texts_until": [24, 20]},
        {"texts_per_second": [5, 12]},
    ]
    for bad, says in (
        ({"texts_until": "9"}, "later than the first hour"),
        ({f"inbox{box}-texts_per_second": "0"}, "from 1 to 100"),
        ({f"inbox{box}-texts_per_second": "x"}, "Not a valid integer"),
    ):
        answer = admin.post("/settings/campaigns/", form | bad)
        assert answer.status_code == 422
        assert says in answer.text


def test_a_template_is_for_its_team_or_its_user_and_begins_a_campaign(either: World) -> None:
    agent, admin = either.sign_in("agent"), either.sign_in("admin")
    new = "/campaigns/templates/new"
    agent.post(new, {"name": "Ours", "team_id": either.team_id, "body": "Hello {first_name|you}"})
    agent.post(new, {"name": "Mine", "team_id": 0, "body": "Only for me"})
    admin.post(new, {"name": "Aids", "team_id": either.other_team_id, "body": "From aid"})
    seen = agent.get("/campaigns/templates/").text
    assert all(name in seen for name in ("Ours", "Mine"))
    assert "From aid" not in seen
    assert "Only for me" not in admin.get("/campaigns/templates/").text
    with either.session():
        ids = dict(db.session.execute(select(TextTemplate.name, TextTemplate.id)).all())
    assert "Hello {first_name|you}" in agent.get(f"{NEW}?template={ids['Ours']}").text
    assert "From aid" not in agent.get(f"{NEW}?template={ids['Aids']}").text
    assert agent.get(f"/campaigns/templates/{ids['Aids']}").status_code == 404
    assert admin.post(f"/campaigns/templates/{ids['Mine']}/delete").status_code == 404
    same = {"name": "ours", "team_id": either.team_id, "body": "x"}
    assert "of this name already" in agent.post(new, same).text
    assert agent.post(new, same | {"team_id": either.other_team_id, "name": "New"}).status_code == 422
    assert "There is no field" in agent.post(new, same | {"name": "New", "body": "{x}"}).text
    changed = same | {"name": "Theirs"}
    assert (
        "Theirs is saved"
        in agent.post(f"/campaigns/templates/{ids['Ours']}", changed, follow_redirects=True).text
    )
    assert (
        "is deleted" in agent.post(f"/campaigns/templates/{ids['Ours']}/delete", follow_redirects=True).text
    )
