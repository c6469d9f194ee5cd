"""Words that read like an opt out and that somebody decided were one: a stop of the phone that wrote them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from cadence_app.accounts.models import PossibleOptOutPolicy, Tenant, User
from cadence_app.consent import by_user as consent
from cadence_app.consent import number_stops, possible
from cadence_app.consent.ledger import lock_contacts
from cadence_app.consent.models import NumberStop
from cadence_app.contacts.models import Contact
from cadence_app.extensions import db
from cadence_app.inboxes.models import Inbox
from cadence_app.messaging.carriers import unread
from cadence_app.messaging.carriers.models import CarrierAccount, UnreadPost
from cadence_app.messaging.inbound import receive_text
from cadence_app.messaging.models import MessageKind
from cadence_app.messaging.providers.base import KeywordAnswers
from cadence_app.messaging.sending import refusal
from cadence_app.records import phones
from tests.api.conftest import make_api
from tests.consent.test_number_stops import AGREED, add_by_hand, opt_in
from tests.contacts import importing
from tests.messaging.test_team_only import ask
from tests.records.people import IN, OUT, add_number, erase, merge, opt, text_at
from tests.world import World, new_number

WORDS = "please stop texting me"
ASKED = "An earlier holder of this number asked to stop on "


def flagged(world: World) -> tuple[int, str]:
    """Somebody who is opted in, whose words wait for a person; and the number they are texted at."""
    number = new_number()
    contact_id = world.contact_id_of(world.text(number, "hi").conversation_id)
    world.text(number, WORDS)
    assert world.status(contact_id) == IN
    return contact_id, number


def decide(world: World, contact_id: int, team_id: int | None = None) -> None:
    """A user's decision that the words were an opt out."""
    with world.session():
        user = db.session.get_one(User, world.agent_id)
        consent.set_by_user(user, contact_id, team_id or world.team_id, OUT)
        db.session.commit()


def stops(world: World) -> int:
    with world.session():
        return db.session.scalars(select(func.count()).select_from(NumberStop)).one()


def start_out(world: World, number: str) -> int:
    """Has somebody else added by hand with a number that is nobody's: opted out, and the history says why."""
    contact_id = add_by_hand(world, number)
    (row,) = world.history(contact_id, world.team_id)
    assert (row.status, row.reason[: len(ASKED)]) == (OUT, ASKED)
    return contact_id


def _on_the_card(world: World, contact_id: int, number: str) -> None:
    decide(world, contact_id)


def _in_the_queue(world: World, contact_id: int, number: str) -> None:
    with world.session():
        flag = possible.open_flag(contact_id, world.team_id)
        assert flag
        flag_id = flag.id
    browser = world.sign_in("agent")
    path = "/messages/possible-opt-outs/"
    assert browser.post(f"{path}{flag_id}", {"status": OUT}, token_from=path).status_code == 302


def _by_another_system(world: World, contact_id: int, number: str) -> None:
    assert make_api(world).set(contact_id, OUT).status_code == 200


def _by_a_file(world: World, contact_id: int, number: str) -> None:
    importing.run(world, importing.csv_of(("", "", "", number, "ADM", "yes")))


def _by_a_keyword_of_another_phone(world: World, contact_id: int, number: str) -> None:
    further = new_number()
    add_number(world, contact_id, further)
    world.text(further, "STOP")


WAYS = [_on_the_card, _in_the_queue, _by_another_system, _by_a_file, _by_a_keyword_of_another_phone]


@pytest.mark.parametrize("way", WAYS)
def test_words_that_were_an_opt_out_stay_with_the_number_whoever_decided_it(
    world: World, way: Callable[[World, int, str], None]
) -> None:
    contact_id, number = flagged(world)
    way(world, contact_id, number)
    assert world.status(contact_id) == OUT
    text_at(world, contact_id, new_number())
    again = start_out(world, number)
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, again)
    world.text(number, "START")
    assert world.status(again) == IN
    text_at(world, again, new_number())
    assert world.status(add_by_hand(world, number)) == IN


@pytest.mark.parametrize("way", WAYS)
def test_they_are_the_persons_own_and_an_opt_in_must_answer_them(
    world: World, way: Callable[[World, int, str], None]
) -> None:
    contact_id, number = flagged(world)
    way(world, contact_id, number)
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, contact_id)
    assert make_api(world).set(contact_id, IN).status_code == 409
    importing.run(world, importing.csv_of(("", "", "", number, "ADM", "no")))
    assert world.status(contact_id) == OUT
    opt_in(world, contact_id, AGREED)
    assert world.status(contact_id) == IN


def test_where_the_organisation_lets_such_words_opt_out_they_stay_with_the_number_too(world: World) -> None:
    with world.session():
        db.session.get_one(Tenant, world.tenant_id).possible_opt_out_policy = PossibleOptOutPolicy.OPT_OUT
        db.session.commit()
    number = new_number()
    contact_id = world.contact_id_of(world.text(number, "hi").conversation_id)
    world.text(number, WORDS)
    assert world.status(contact_id) == OUT
    text_at(world, contact_id, new_number())
    assert world.status(add_by_hand(world, number)) == OUT


def test_words_of_who_is_opted_out_already_stay_with_the_number(world: World) -> None:
    number = new_number()
    contact_id = world.contact_id_of(world.text(number, "hi").conversation_id)
    opt(world, contact_id, OUT)
    world.text(number, WORDS)
    text_at(world, contact_id, new_number())
    start_out(world, number)


def test_a_dismissal_leaves_no_stop(world: World) -> None:
    contact_id, _ = flagged(world)
    with world.session():
        user, flag = db.session.get_one(User, world.agent_id), possible.open_flag(contact_id, world.team_id)
        assert flag
        assert possible.dismiss(user, contact_id, world.team_id, flag.message_id)
        db.session.commit()
    opt(world, contact_id, OUT)
    opt_in(world, contact_id)
    assert (world.status(contact_id), stops(world)) == (IN, 0)


def test_the_stop_is_of_the_phone_that_wrote_them_and_of_no_other(world: World) -> None:
    further, texted = new_number(), new_number()
    contact_id = world.contact_id_of(world.text(texted, "hi").conversation_id)
    add_number(world, contact_id, further)
    world.text(further, WORDS)
    decide(world, contact_id)
    text_at(world, contact_id, new_number())
    assert world.status(add_by_hand(world, texted)) == IN
    assert stops(world) == 1


def test_a_number_that_changed_before_the_decision_has_the_stop_and_the_new_one_has_none(
    world: World,
) -> None:
    contact_id, number = flagged(world)
    text_at(world, contact_id, later := new_number(), AGREED)
    decide(world, contact_id)
    start_out(world, number)
    text_at(world, contact_id, new_number())
    assert world.status(add_by_hand(world, later)) == IN


def why_not(world: World, contact_id: int) -> str | None:
    """Why a campaign may not text somebody."""
    with world.session():
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        return refusal(inbox, contact_id, MessageKind.PERSON, by_hand=False)


def test_who_has_the_number_by_the_time_of_the_decision_is_barred_and_held_for_a_person(world: World) -> None:
    contact_id, number = flagged(world)
    text_at(world, contact_id, new_number())
    holder = add_by_hand(world, number)
    assert (world.status(holder), why_not(world, holder)) == (IN, None)
    decide(world, contact_id)
    assert why_not(world, holder)
    assert ASKED in world.sign_in("agent").get("/messages/possible-opt-outs/").text
    decide(world, holder)
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, holder)
    opt_in(world, holder, AGREED)
    assert world.status(holder) == IN


def test_who_has_it_and_texted_start_since_the_words_is_not_held(world: World) -> None:
    contact_id, number = flagged(world)
    text_at(world, contact_id, new_number())
    holder = add_by_hand(world, number)
    opt(world, holder, OUT)
    world.text(number, "START")
    decide(world, contact_id)
    assert (world.status(holder), why_not(world, holder)) == (IN, None)


def test_a_merge_keeps_which_phones_wrote_what_is_open(world: World) -> None:
    (kept, first), (gone, second) = flagged(world), flagged(world)
    merge(world, kept, gone)
    decide(world, kept)
    erase(world, kept)
    assert stops(world) == 4  # of each number: of the team, and of the organisation by the erasure
    for number in (first, second):
        assert world.status(add_by_hand(world, number)) == OUT


def test_an_erasure_leaves_what_is_open_with_the_number_that_the_person_had(world: World) -> None:
    contact_id, number = flagged(world)
    text_at(world, contact_id, new_number())
    erase(world, contact_id)
    start_out(world, number)


def test_who_answers_team_has_stopped_nothing_of_what_is_open_again(world: World) -> None:
    ask(world)
    contact_id, number = flagged(world)
    further = new_number()
    world.text(number, "hi", world.other_shared)
    add_number(world, contact_id, further)
    world.text(further, WORDS)
    world.text(number, "STOP", world.other_shared)
    assert world.status(contact_id) == OUT
    world.text(number, "TEAM", world.other_shared)
    assert world.status(contact_id) == IN
    with world.session():
        assert possible.open_flag(contact_id, world.team_id)
    # Only the team that was meant.
    assert stops(world) == 1


@pytest.mark.parametrize("stopped_by", ["an earlier holder", "the same person"])
def test_who_answers_team_leaves_what_the_number_had_stopped_before_with_it(
    world: World, stopped_by: str
) -> None:
    number = new_number()
    before = world.contact_id_of(world.text(number, "hi", world.other_shared).conversation_id)
    world.text(number, "STOP", world.other_shared)
    if stopped_by == "an earlier holder":
        text_at(world, before, new_number())
        holder = add_by_hand(world, number, world.other_team_id)
    else:
        holder = before
    opt_in(world, holder, AGREED, world.other_team_id)
    ask(world)
    world.text(number, "hi")
    world.text(number, "STOP")
    assert world.status(holder, world.other_team_id) == OUT
    world.text(number, "TEAM")
    assert (world.status(holder), world.status(holder, world.other_team_id)) == (OUT, IN)
    text_at(world, holder, new_number())
    again = add_by_hand(world, number, world.other_team_id)
    assert world.status(again, world.other_team_id) == OUT


@pytest.mark.parametrize("words", [WORDS, ""])
def test_an_admins_decision_about_a_text_that_could_not_be_read_stays_with_the_number(
    world: World, words: str
) -> None:
    contact_id, number = _known(world)
    _decide_unread(world, unread_post(world, words), number)
    assert world.status(contact_id) == OUT
    with pytest.raises(consent.ReasonRequired):
        opt_in(world, contact_id)
    text_at(world, contact_id, new_number())
    again = start_out(world, number)
    world.text(number, "START")
    assert world.status(again) == IN


def test_start_that_was_sent_before_such_a_text_does_not_lift_it(world: World) -> None:
    contact_id, number = _known(world)
    _decide_unread(world, unread_post(world, WORDS), number)
    with world.app.app_context():
        earlier = datetime.now(UTC) - timedelta(days=9)
        receive_text(world.shared, number, "START", f"late {number}", earlier)
    assert world.status(contact_id) == OUT
    text_at(world, contact_id, new_number())
    start_out(world, number)


def _known(world: World) -> tuple[int, str]:
    number = new_number()
    return world.contact_id_of(world.text(number, "hi").conversation_id), number


def unread_post(world: World, words: str) -> int:
    """A post of which only the words could be read, or nothing; its id."""
    with world.session():
        account = CarrierAccount(
            tenant_id=world.tenant_id,
            carrier="twilio",
            name="Line",
            key=f"k{new_number()}",
            keyword_answers=KeywordAnswers.OURS,
            secrets="",
        )
        db.session.add(account)
        db.session.flush()
        now = datetime.now(UTC)
        post = UnreadPost(
            tenant_id=world.tenant_id,
            account_id=account.id,
            event_key="e",
            why="its sender is no telephone number",
            content="{}",
            size=2,
            sha256="",
            sender="SUPPORT",
            recipient="",
            words=words,
            said_at=now - timedelta(days=2),
            due_on=now.date(),
            decision="open",
        )
        db.session.add(post)
        db.session.commit()
        return post.id


def _decide_unread(world: World, post_id: int, number: str) -> None:
    with world.session():
        admin, post = db.session.get_one(User, world.admin_id), db.session.get_one(UnreadPost, post_id)
        inbox = db.session.scalars(select(Inbox).where(Inbox.number == world.shared)).one()
        unread.opt_out(admin, post, number, inbox, "")


def test_words_that_are_open_again_leave_what_their_phone_had_stopped_before_with_it(world: World) -> None:
    further, texted = new_number(), new_number()
    before = world.contact_id_of(world.text(further, "hi").conversation_id)
    world.text(further, "STOP")
    text_at(world, before, new_number())
    ask(world)
    contact_id = world.contact_id_of(world.text(texted, "hi").conversation_id)
    world.text(texted, "hi", world.other_shared)
    add_number(world, contact_id, further)
    world.text(further, WORDS)
    # Of the phone that wrote the words, not of the one that takes its word back.
    world.text(texted, "STOP", world.other_shared)
    world.text(texted, "TEAM", world.other_shared)
    with world.session():
        assert possible.open_flag(contact_id, world.team_id)
        (record,) = [each for each in phones.numbers_of(contact_id) if each.number == further]
        assert phones.end_number(db.session.get_one(User, world.agent_id), contact_id, record.id)
    assert world.status(add_by_hand(world, further)) == OUT


def test_a_system_that_decides_holds_who_has_the_number_by_now_in_the_order_of_all(world: World) -> None:
    holder = world.contact_id_of(world.text(new_number(), "hi").conversation_id)
    contact_id, number = flagged(world)
    text_at(world, contact_id, new_number())
    text_at(world, holder, number)
    held, asked = threading.Event(), threading.Event()

    def hold_both() -> None:
        with world.session():
            lock_contacts([holder])
            held.set()
            # A moment, in which it comes to wait for the holder.
            asked.wait(0.3)
            lock_contacts([contact_id])
            db.session.commit()

    with ThreadPoolExecutor(1) as other:
        done = other.submit(hold_both)
        assert held.wait(5)
        assert make_api(world).set(contact_id, OUT).status_code == 200
        asked.set()
        done.result()
    assert why_not(world, holder)


@pytest.mark.parametrize("decided_first", [False, True])
def test_who_gets_the_number_in_the_instant_of_the_decision_is_barred(
    world: World, decided_first: bool
) -> None:
    contact_id, number = flagged(world)
    text_at(world, contact_id, new_number())

    def gets_it() -> int:
        contact = Contact(
            tenant_id=world.tenant_id, number=number, first_name="", last_name="", external_id=""
        )
        db.session.add(contact)
        db.session.flush()
        return contact.id

    def decides() -> None:
        consent.set_by_user(db.session.get_one(User, world.agent_id), contact_id, world.team_id, OUT)

    first, second = (decides, gets_it) if decided_first else (gets_it, decides)

    def meanwhile() -> None:
        with world.session():
            second()
            db.session.commit()

    other = threading.Thread(target=meanwhile)
    with world.session():
        first()
        # What the first has written nobody sees yet.
        other.start()
        other.join(0.3)
        db.session.commit()
    other.join()
    holder_id = world.contact_id(number)
    with world.session():
        assert (number_stops.reason(holder_id, world.team_id) or "").startswith(ASKED)
    world.text(number, "hello")
    assert world.status(holder_id) == OUT
