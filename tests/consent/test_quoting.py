"""What a phone only quotes is nobody's wish; what is written beside it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadence_app.consent import stop_lines
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.quoting import may_quote
from cadence_app.consent.reading import Beside, Said, flagged_for, read

OURS = (
    "Hillcrest: tours start at nine. Text STOP to unsubscribe",
    "please stop texting me, said the sign",
    "She said “no more texts”, can\u2019t believe it…",
    "Bring your form\non Monday",
)
# Each takes what is quoted; phones say it so, by language.
FORMS = [
    *("Liked “{}”", 'Loved "{}"', "Disliked “{}”", "Laughed at “{}”", "Emphasized “{}”", "Questioned “{}”"),
    *("Removed a heart from “{}”", "Removed an exclamation from “{}”", "Removed a question mark from “{}”"),
    *("Reacted 🎉 to “{}”", "Reacted with 👍🏽 to “{}”", "❤️ to “{}”", "Removed ❤️ from “{}”", "‼️ to “{}”"),
    *(
        "\u200a\u200b👍\u200b to “\u200a{}\u200a”\u200a",
        "\u200a\u200c👍\u200c removed from “\u200a{}\u200a”\u200a",
    ),
    *("\u200a\u200b👍\u200bに“\u200a{}\u200a”へのリアクション\u200a", "\u200b😮\u200b to “\u200a{}\u200a”"),
    *("Le gustó “{}”", "Le encantó “{}”", "No le gustó “{}”", "Se rió de “{}”", "Exclamó por “{}”"),
    *("Dudó sobre “{}”", "Quitó un me gusta de “{}”", "👍 a “{}”", "Reaccionó con 👍 a “{}”"),
    *(
        "A aimé « {} »",
        "A adoré «\u00a0{}\u00a0»",
        "N\u2019a pas aimé « {} »",
        "A ri à « {} »",
        "A souligné « {} »",
    ),
    *("A retiré un cœur de « {} »", "A réagi avec 👍 à « {} »", "A mis en doute « {} »"),
    *("Gefällt „{}“", "Gefällt nicht „{}“", "Liebt „{}“", "Lacht über „{}“", "Hat „{}“ hervorgehoben"),
    *("Hat mit 👍 auf „{}“ reagiert", "Hat „Gefällt mir“ von „{}“ entfernt", "Hinterfragt „{}“"),
    *("Curtiu “{}”", "Amou “{}”", "Não curtiu “{}”", "Riu de “{}”", "Enfatizou “{}”", "Questionou “{}”"),
    *("Removeu uma curtida de “{}”", "Reagiu com 👍 a “{}”", "Ha messo in dubbio “{}”", "Понравилось «{}»"),
    *("Fwd: {}", "FW: {}", "WG: {}", "RV: {}", "---------- Forwarded message ---------\n{}", "> {}"),
]
LINES = [
    "Reply STOP to opt out",
    "Text STOP to end.",
    "Txt STOP 2 quit",
    "Reply HELP for help, STOP to cancel",
    "To unsubscribe, reply STOP at any time",
    "Reply “STOP” to stop receiving messages from Hillcrest College",
    "You can opt out at any time by replying STOP",
    "Responda STOP para no recibir más mensajes",
    "Répondez STOP pour vous désabonner",
    "Antworten Sie mit STOP, um sich abzumelden",
    "Responda STOP para cancelar",
    "STOP=end",
]


def said(text: str, ours: tuple[str, ...] = OURS) -> Said:
    return read(text, Beside(ours=ours))


def is_nothing(text: str, ours: tuple[str, ...] = OURS) -> bool:
    found = said(text, ours)
    return found.keyword is None and found.found is None


@pytest.mark.parametrize("form", FORMS)
def test_a_reaction_or_forward_of_ours_says_nothing_in_any_language(form: str) -> None:
    for text in (*OURS, *LINES):
        assert is_nothing(form.format(text)), text
        assert may_quote(form.format(text))


@given(
    # A mark before all of a text is only dress.
    st.sampled_from([form for form in FORMS if form != "> {}"]),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), min_size=1, max_size=60)
    | st.sampled_from(["STOP", "stop", "please stop texting me", "Unsubscribe me", "“STOP”", "end…"]),
    st.sampled_from(["", " Reply STOP to opt out", "\nText STOP to end"]),
)
def test_a_reaction_to_any_text_we_sent_reads_as_nothing(form: str, body: str, line: str) -> None:
    assert is_nothing(form.format(body + line), (body + line,))


@given(st.sampled_from(FORMS[:30]), st.integers(4, 40))
def test_a_text_that_the_phone_cut_short_is_still_ours(form: str, length: int) -> None:
    for ellipsis in ("…", "...", " …"):
        assert is_nothing(form.format(OURS[1][:length] + ellipsis))


@given(
    st.sampled_from([form for form in FORMS if not form.startswith(("\u200a", "\u200b"))]),
    st.sampled_from(OURS),
    st.sampled_from(["Please stop texting me", "take me off your list", "No me escriban más"]),
    st.sampled_from([". ", "\n", " "]),
)
def test_own_words_beside_a_quote_count(form: str, ours: str, own: str, between: str) -> None:
    found = said(form.format(ours) + between + own)
    assert found.keyword is None
    assert found.found
    assert found.found == said(own).found


def test_an_own_out_word_beside_a_quote_is_the_keyword_and_no_other_word_is() -> None:
    keyword = said("Liked “Bring your form on Monday”\nSTOP!").keyword
    assert keyword is not None
    assert (keyword.word, keyword.meaning) == ("stop", Meaning.OUT)
    for word in ("START", "yes", "UNSTOP", "help"):
        assert is_nothing(f"Liked “Bring your form on Monday” {word}")


@pytest.mark.parametrize(
    "text",
    [
        "Liked “please take me off your list”",
        "Loved “stop texting me, Reply STOP to opt out”",
        "Fwd: please stop texting me",
        "Fwd: STOP",
        "Auto-reply: please stop texting me. Reply STOP to opt out.",
        "Disliked “Text STOP to end”. STOP TEXTING ME",
        "Liked “Bring your form” and “stop texting me”",
    ],
)
def test_what_we_did_not_send_is_the_senders_own(text: str) -> None:
    found = said(text, OURS[3:])
    assert found.keyword or found.found


def test_a_quote_of_the_whole_message_is_no_quote() -> None:
    for text in ("“Stop”", "«STOP»", '"Unsubscribe"'):
        assert said(text, ("Stop",)).keyword is not None
    assert said("“please stop texting me”", ("please stop texting me",)).found


@pytest.mark.parametrize(
    "text",
    [
        "I'm driving with Do Not Disturb While Driving turned on. Text STOP to end these auto replies.",
        "I\u2019m not receiving notifications. Reply STOP to opt out of these automatic replies",
        "[Auto-Reply] In class until noon. Reply STOP to unsubscribe",
        "This is an automated response. We close at five. Text STOP to stop auto-replies.",
        "Respuesta automática: en clase. Responda STOP para cancelar",
        "Back at four! Reply STOP to turn off these auto-replies",
    ],
)
def test_an_answer_that_a_phone_gives_by_itself_is_no_opt_out(text: str) -> None:
    assert is_nothing(text, ())


@pytest.mark.parametrize("line", LINES)
def test_a_sentence_that_tells_how_to_opt_out_is_known(line: str) -> None:
    assert is_nothing(f"Liked “Unknown sender: sale today! {line}”", ())


@pytest.mark.parametrize(
    "sentence",
    [
        *("stop texting me", "please stop", "text stop to my phone", "i replied stop", "stop", "reply to me"),
        *("text stop you idiots", "do not text stop", "we want to stop", "no more texts, stop"),
    ],
)
def test_what_somebody_asks_for_themselves_tells_nobody_how(sentence: str) -> None:
    assert not stop_lines.is_one(sentence, ())


def test_the_organisations_own_word_may_stand_in_such_a_sentence() -> None:
    assert stop_lines.is_one("reply adios to opt out", {"adios": Meaning.OUT})
    assert not stop_lines.is_one("reply adios to opt out", ())


@pytest.mark.parametrize("text", ["Liked an image", "I liked it", "to “go” is fine", "Fwd", "👍", ""])
def test_most_texts_have_no_form_that_quotes(text: str) -> None:
    assert not may_quote(text)


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    said(text)
    flagged_for(text)


def test_a_hostile_text_is_read_at_once() -> None:
    for text in ("\u200a\u200b" * 2000, 'liked "' * 600, "fwd: " * 900, "> " * 2000, '"me gusta" de ' * 300):
        may_quote(text)
        said(text)


def test_the_card_names_the_senders_own_words() -> None:
    line = "Liked “Offer ends. Reply STOP to opt out” please stop texting me"
    found = said("please stop texting me").found
    assert found
    assert flagged_for(line) == found.words
    assert flagged_for("hello\nSTOP 60755") == "STOP 60755"
    assert flagged_for("hello") is None
