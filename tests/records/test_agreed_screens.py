"""How they agreed, on the card of a conversation and on the record."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from cadence_app.consent.evidence import Given
from cadence_app.consent.evidence_models import Method
from cadence_app.extensions import db
from cadence_app.messaging.evidence_words import may_open
from cadence_app.messaging.models import Conversation
from tests.records.agreed import PAPER, by_api, by_text, imported, on_paper, said, write
from tests.records.people import IN, OUT, opt
from tests.world import World, new_number


def card(world: World, contact_id: int) -> str:
    """What the card on the record says."""
    page = world.sign_in("agent").get(f"/contacts/{contact_id}").text
    return said(page[page.index('class="consent-card"') : page.index('class="ledger"')])


def timeline(world: World, contact_id: int) -> str:
    page = world.sign_in("agent").get(f"/contacts/{contact_id}?only=changes").text
    return page[page.index('class="timeline"') : page.index('class="record-rest"')]


def test_the_card_says_when_they_agreed_how_and_who_asked(world: World) -> None:
    assert "How they agreed Agreed on Mar 3, 2026 · Paper form, collected by Ana Ruiz " in card(
        world, on_paper(world)
    )
    assert "Agreed on Feb 1, 2026 · Web form " in card(world, imported(world))
    undated = card(world, on_paper(world, Given(Method.SPOKEN, words="Said so")))
    assert "How they agreed Recorded on " in undated
    assert "Agreed on" not in undated


def test_the_card_of_a_conversation_says_it_too(world: World) -> None:
    number = new_number()
    world.text(number, "Hello")
    contact_id = world.contact_id(number)
    write(world, contact_id, PAPER)
    with world.session():
        query = select(Conversation.id).where(Conversation.contact_id == contact_id)
        conversation_id = db.session.scalars(query).one()
    page = said(world.sign_in("agent").get(f"/messages/conversations/{conversation_id}").text)
    assert "How they agreed They texted first on " in page
    assert "Agreed on Mar 3, 2026 · Paper form, collected by Ana Ruiz" in page


def test_a_text_of_theirs_is_named_and_a_stop_ends_what_they_agreed_to(world: World) -> None:
    assert "How they agreed They texted first on " in card(world, by_text(world))
    assert "They texted “START” on " in card(world, by_text(world, "Hello", "STOP", "START"))
    assert "They texted first" not in card(world, by_text(world, "Hello", "STOP"))


def test_with_nothing_it_says_so_and_links_to_where_it_is_written(world: World) -> None:
    contact_id = on_paper(world, given=None)
    assert "How they agreed: none recorded Add how they agreed" in card(world, contact_id)
    page = world.sign_in("agent").get(f"/contacts/{contact_id}").text
    assert f'href="/contacts/{contact_id}/teams/{world.team_id}/agreed"' in page


def test_what_the_card_has_no_room_for_is_counted(world: World) -> None:
    contact_id = on_paper(world)
    for day in range(1, 6):
        write(world, contact_id, Given(Method.SPOKEN, date(2026, 4, day)))
    words = card(world, contact_id)
    assert "Agreed on Apr 5, 2026" in words
    assert "And 4 more, on their record" in words
    assert "Agreed on Apr 3, 2026" not in words


def test_the_record_shows_all_that_is_known_and_no_label_without_it(world: World) -> None:
    proof = said(timeline(world, by_api(world)))
    for known in (
        "How they agreed , Admissions: Web form",
        "Agreed Mar 3, 2026, 8:30 PM EST",
        "In words Texts about aid? Yes",
        bytes(range(32)).hex(),
        "Their IP address 203.0.113.7",
        "Collected by The aid form Entered by Student system (API) Came in Through the API",
        "The present consent rests on this.",
    ):
        assert known in proof
    paper = said(timeline(world, on_paper(world)))
    assert "Agreed on Mar 3, 2026 In words Yes, text me about my visit. Number then (" in paper
    for label in ("SHA-256", "IP address", "Page"):
        assert label not in paper
    assert "With a file: spring-fair.csv" in said(timeline(world, imported(world)))


def test_the_record_says_which_evidence_their_consent_does_not_rest_on(world: World) -> None:
    contact_id = on_paper(world)
    opt(world, contact_id, OUT)
    assert "They are not opted in now, so no consent rests on this." in said(timeline(world, contact_id))
    opt(world, contact_id, IN)
    assert "they agreed to it before they last opted out." in said(timeline(world, contact_id))
    undated = on_paper(world, Given(Method.SPOKEN, words="Said so"))
    opt(world, undated, OUT)
    opt(world, undated, IN)
    assert "it was recorded before they were last opted in." in said(timeline(world, undated))


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JavaScript://lakeside.example/%0aalert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "//lakeside.example/join",
        "lakeside.example/join",
        "https:",
        "http://",
        "https://[::1",
        "https://lakeside.example/\u202egpj",
        " https://lakeside.example",
        "https://lakeside.example/a b",
        "",
    ],
)
def test_an_address_that_is_none_of_the_web_is_text_and_no_link(world: World, address: str) -> None:
    assert not may_open(address)
    contact_id = on_paper(world, Given(Method.WEB_FORM, page_url=address))
    for path in (f"/contacts/{contact_id}", f"/contacts/{contact_id}/certificate"):
        page = world.sign_in("agent").get(path).text
        assert 'rel="noopener' not in page
        assert ("<dt>Page</dt>" in page) == bool(address)


def test_an_address_of_the_web_is_a_link_that_tells_the_page_nothing(world: World) -> None:
    contact_id = on_paper(world, Given(Method.WEB_FORM, page_url='https://lakeside.example/?a=1&b="><b>'))
    link = (
        '<a href="https://lakeside.example/?a=1&amp;b=&#34;&gt;&lt;b&gt;" rel="noopener noreferrer nofollow"'
    )
    for path in (f"/contacts/{contact_id}", f"/contacts/{contact_id}/certificate"):
        assert link in world.sign_in("agent").get(path).text


def test_words_of_evidence_are_shown_as_text(world: World) -> None:
    contact_id = on_paper(world, Given(Method.PAPER, words="<b>bold</b>", collected_by="<i>x</i>"))
    for path in (f"/contacts/{contact_id}", f"/contacts/{contact_id}/certificate"):
        page = world.sign_in("agent").get(path).text
        assert "<b>bold</b>" not in page
        assert "<i>x</i>" not in page
        assert "&lt;b&gt;bold&lt;/b&gt;" in page
