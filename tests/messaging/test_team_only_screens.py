"""TEAM on the screens of admins: the choice, the word that it takes, and what a team's text grows to."""

from __future__ import annotations

from cadence_app.accounts.models import Team
from cadence_app.consent import own_keywords
from cadence_app.extensions import db
from cadence_app.messaging.encoding import measure
from cadence_app.messaging.keyword_trial import try_text
from tests.administration.test_teams_and_inboxes import logged
from tests.messaging.team_only import ASKS, BACK, ask
from tests.messaging.words import both_teams, statuses
from tests.world import World

POLICY = "/settings/organisation/opting-out"


def test_one_word_can_not_mean_two_things_whichever_comes_first(world: World) -> None:
    admin = world.sign_in("admin")
    wanted = {"keyword_policy": "organisation", "begins": "", "possible": "hold", "seen": "1"}
    word = {"word": "¡Team!", "meaning": "out", "team": str(world.team_id)}
    assert admin.post("/settings/keywords/", word).status_code == 302
    refused = admin.post(POLICY, wanted | {"ask_team_only": "y"})
    assert refused.status_code == 422
    assert "TEAM is a keyword of your own" in refused.text
    with world.session():
        keyword_id = own_keywords.all_keywords()[0].id
    assert admin.post(f"/settings/keywords/{keyword_id}/remove").status_code == 302
    assert admin.post(POLICY, wanted | {"ask_team_only": "y"}).status_code == 302
    assert logged(world)[-1][2]["ask_team_only"] == [False, True]
    assert "checked" in admin.get("/settings/organisation/").text.partition('name="ask_team_only"')[0][-200:]
    number, contact_id = both_teams(world)
    world.text(number, "STOP")
    assert admin.post("/settings/keywords/", word).status_code == 422
    # What was asked may still be answered for a while.
    assert admin.post(POLICY, wanted).status_code == 302
    taken = admin.post("/settings/keywords/", word)
    assert taken.status_code == 422
    assert "TEAM answers the question" in taken.text
    world.text(number, "TEAM")
    assert statuses(world, contact_id) == BACK
    assert admin.post("/settings/keywords/", word).status_code == 302


def test_the_team_page_shows_and_counts_what_is_added(asking: World) -> None:
    admin = asking.sign_in("admin")
    with asking.session():
        db.session.get_one(Team, asking.team_id).opt_out_text = "x" * 150
        db.session.commit()
    page = admin.get(f"/settings/teams/{asking.team_id}").text
    assert ASKS in page
    assert f'data-adds=" {ASKS}"' in page
    assert f"{measure('x' * 150 + ' ' + ASKS).units} characters in GSM-7, 2 texts" in page
    ask(asking, asks=False)
    page = admin.get(f"/settings/teams/{asking.team_id}").text
    assert "Reply TEAM" not in page
    assert "150 characters in GSM-7, 1 text<" in page


def test_a_tried_text_explains_the_question_and_the_answer(asking: World) -> None:
    with asking.session():
        team = db.session.get_one(Team, asking.team_id)
        stop, stop_all = (try_text(team, word, False, False) for word in ("STOP", "STOPALL"))
        answer, nothing = (try_text(team, "Team.", opted_out, False) for opted_out in (True, False))
    assert stop.answer.endswith(ASKS)
    assert any("TEAM within 7 days" in effect for effect in stop.effects)
    assert "TEAM" not in stop_all.answer
    assert (answer.title, answer.answer) == ("Stops only this team", "")
    assert nothing.title == "Nothing changes"
    ask(asking, asks=False)
    with asking.session():
        said = try_text(db.session.get_one(Team, asking.team_id), "TEAM", True, False)
    assert said.title == "Nothing changes"
