"""Texts with the words of an opt out that are none, and beside each its like that is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence_app.consent.intent import reads_like_opt_out
from tests.consent.intent_lines import noticed

NEGATED = [
    ("please don't ever stop these, grandma saves them", "please stop these"),
    ("pls dont take me off the list, I only moved", "pls take me off the list"),
    ("I never told you to stop the reminders", "I told you to stop the reminders"),
    ("I don't want to unsubscribe, just asking", "I want to unsubscribe"),
    ("no dejen de escribirme, me sirve", "dejen de escribirme"),
    ("por favor no me quiten de la lista", "por favor quítenme de la lista"),
    ("n'arrêtez pas les rappels svp", "arrêtez les rappels svp"),
    ("ne me retirez pas de votre liste", "retirez-moi de votre liste"),
    ("não me tirem da lista, por favor", "me tirem da lista, por favor"),
    ("bitte nehmt mich nicht aus dem verteiler", "bitte nehmt mich aus dem verteiler"),
    ("wag nyo po akong alisin sa listahan", "paki alis po ako sa listahan"),
]
CHANNEL = [
    ("stop calling my desk, a text is fine", "stop texting my desk, a call is fine"),
    ("no more brochures in the mail please, I read your texts", "no more texts please, I read your mail"),
    ("unsubscribe me from the newsletter but keep texting me", "unsubscribe me from the texts"),
    ("ya no me llamen, mejor mensajes", "ya no me manden mensajes, mejor llamen"),
    ("plus de courrier, les sms me suffisent", "plus de sms, le courrier me suffit"),
    ("parem de ligar, mensagem pode", "parem de mandar mensagem, ligação pode"),
    ("keine anrufe mehr, sms reicht", "keine sms mehr, post reicht"),
    ("wag na po tumawag, text na lang", "wag na po mag text, tawag na lang"),
]
SOMETHING_ELSE = [
    "can you cancel my appointment on Monday",
    "how do I drop the chemistry lab",
    "please stop payment on the check I mailed",
    "take the parking fine off my account please",
    "does the shuttle stop at the dorms",
    "how do I unsubscribe from the alumni magazine",
    "if I wanted to stop I would say so",
    "I almost unsubscribed last year, glad I stayed",
    "my brother told his ex to stop texting him, poor guy",
    "leave me alone lol I'm filling it out now",
    "oops wrong chat, that was for my husband",
    "quiero dar de baja la clase de física",
    "ich muss meinen termin am montag absagen",
    "comment annuler mon rendez-vous",
    "preciso cancelar minha consulta",
    "paano po mag cancel ng appointment",
]


@pytest.mark.parametrize(("kept", "out"), NEGATED + CHANNEL)
def test_what_a_negation_or_another_channel_turns_round_is_no_opt_out_and_its_like_is_one(
    kept: str, out: str
) -> None:
    assert not noticed(kept)
    assert noticed(out)


@pytest.mark.parametrize("text", SOMETHING_ELSE)
def test_stopping_something_else_jest_slips_and_what_was_nearly_done_are_no_opt_out(text: str) -> None:
    assert not noticed(text)


@pytest.mark.parametrize(
    "text",
    [
        "why don't you ever stop, take me off",
        "I never asked for these, stop",
        "don't call and don't text, I want off the list",
        "stop calling and texting me",
        "lol seriously stop texting me",
        "if you don't stop I'll report you",
        "I wanted to unsubscribe last month and you still text me",
    ],
)
def test_a_negation_beside_an_opt_out_hides_none(text: str) -> None:
    assert noticed(text)


EVERY = [*SOMETHING_ELSE, *(text for pair in NEGATED + CHANNEL for text in pair)]
GAPS = st.text(st.sampled_from(" \t\u00a0\u2003"), min_size=1, max_size=3)


@given(st.sampled_from(EVERY), st.data())
def test_spaces_and_capitals_turn_no_verdict_round(text: str, data: st.DataObject) -> None:
    written = data.draw(GAPS).join(text.split(" "))
    written = data.draw(st.sampled_from([written, written.upper(), written.lower(), written.title()]))
    assert reads_like_opt_out(data.draw(GAPS) + written + data.draw(GAPS)) == reads_like_opt_out(text)
