"""Campaigns in the reports: message activity has a line for each, message history a column."""

from __future__ import annotations

import re

import pytest

from cadence_app.reports.kinds.messages import MESSAGE_HISTORY
from tests.campaigns.sending import add_campaign, add_people, always_open, send
from tests.reports.exporting import ask_for, attachment, mail_of, rows_of, run
from tests.world import World, new_number


@pytest.fixture(params=["teams", "legacy"])
def either(request: pytest.FixtureRequest, world: World, legacy_world: World) -> World:
    return world if request.param == "teams" else legacy_world


def test_message_activity_has_a_line_for_each_campaign_that_sent(either: World) -> None:
    always_open(either)
    admin, path = either.sign_in("admin"), "/reports/analytics"
    if admin.get(path).status_code == 404:
        path = "/reports/message-activity"
    assert "By campaign" not in admin.get(path).text
    add_people(either, 2)
    either.text(answering := new_number(), "hi")
    send(either, add_campaign(either))
    either.text(answering, "yes")
    page = admin.get(path).text
    row = re.search(r"<tr><th[^>]*><span class=\"activity-name\">Open house</span>.*?</tr>", page, re.DOTALL)
    assert row
    assert re.findall(r'class="num">([^<]+)<', row[0]) == ["3", "100.0%", "33.3%"]


def test_message_history_names_the_campaign_where_asked_to(world: World) -> None:
    always_open(world)
    world.text(new_number(), "hi")
    send(world, add_campaign(world))
    done = run(world, ask_for(world, kind=MESSAGE_HISTORY, extra=("Campaign",)))
    header, *rows = rows_of(attachment(mail_of(world, done)))
    assert header[-1] == "Campaign"
    assert sorted(row[-1] for row in rows) == ["", "Open house"]
