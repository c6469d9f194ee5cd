"""Sentences that tell how to opt out: "Reply STOP to opt out", "To unsubscribe, text STOP at any time".

They are the sender's of a text that quotes them, never the word of who answers it. Sentences are compared as
quoting.py folds them: without capitals and accents.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_SENTENCE = re.compile(r"(?:[^.!?;|()\[\]\n ]|[.](?=\w)| (?![-*/] ))+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|=")
# Keywords that such sentences name besides our own.
_KEYWORDS = """
    stop stopall unsubscribe cancel end quit revoke optout help info start unstop yes alto arret stopp parar
    pare salir sair baja fin ende cancelar ajuda ayuda aide hilfe stop2end stop2quit stop2stop
"""
_VERBS = """
    reply replying text texting txt send sending respond responding type write message msg answer answering
    sms responda responde responder respondiendo envie envia enviar conteste contesta contestar escriba
    escribe mande manda repondez reponds repondre envoyez envoie envoyer texto textez antworte antworten
    antwort sende senden schreibe schreiben rispondi invia antwoord stuur
"""
# What may stand between such a verb and the keyword.
_BETWEEN = """
    us back with the word a message text txt only just by to out in sie mit dem wort an con la palabra el
    mensaje avec le mot par com um
"""
_FOR = "to 2 for = para pour um zum zur per om"
_ENDING = """
    opt optout out unsubscribe end stop cancel quit leave remove discontinue no exit cease revoke turn
    disable deactivate mute stopping ending cancelar dejar darse salir parar finalizar terminar detener sair
    deixar descadastrar se arreter desabonner desinscrire ne vous abbestellen abzumelden beenden abmelden
    abbestellung keine stoppen sich
"""
# The rest of what they say, but for names after "from" or "of".
_REST = """
    you can may could any time anytime at all opt out optout of from off in this these those our your the
    and or if please text texts txt txts message messages msg msgs sms mms alert alerts update updates
    reminder reminders notification notifications auto automatic automated reply replies response responses
    info help more further future information receiving receive getting get wish want longer no unsubscribe
    stop end cancel quit data rates apply standard it them list communications marketing terms questions
    service assistance a cualquier momento recibir mas mensajes de los las del nuestros en baja y o si desea
    ya ayuda para tout moment recevoir plus nos ces et ou des les aide jederzeit keine nachrichten mehr zu
    erhalten diese von und oder hilfe um den die das abzumelden abmelden sich qualquer momento receber mais
    mensagens nossas nao e ou se ajuda
"""
# Who says such a thing of themselves means it.
_MINE = "me my mine i im i'm i've ive i'd id myself we yo mi mis moi mes je mich mir meine ich eu meu"
_NAMED_AFTER = frozenset({"from", "of", "de", "von", "by"})
_MOST_NAMES = 4
_VERB_SET, _BETWEEN_SET, _FOR_SET, _ENDING_SET, _MINE_SET = (
    frozenset(words.split()) for words in (_VERBS, _BETWEEN, _FOR, _ENDING, _MINE)
)
_KEYWORD_SET = frozenset(_KEYWORDS.split())
_KNOWN = _VERB_SET | _BETWEEN_SET | _FOR_SET | _ENDING_SET | frozenset(_REST.split())


def sentences(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Where the sentences after a place begin and end; none is without letters."""
    for match in _SENTENCE.finditer(text, start):
        if any(c.isalpha() for c in match[0]):
            yield match.start(), match.end()


def within(text: str, start: int, words: Collection[str]) -> list[tuple[int, int]]:
    """Where the sentences after a place stand that tell how to opt out."""
    return [(begin, end) for begin, end in sentences(text, start) if is_one(text[begin:end], words)]


def is_one(sentence: str, words: Collection[str]) -> bool:
    """Whether a sentence tells how to opt out and says nothing else. `words` are the organisation's own
    keywords, normalised."""
    said = _WORD.findall(sentence)
    named = _KEYWORD_SET | {part for word in words for part in word.split()}
    told = next((at for at, word in enumerate(said) if word in named and _told(said, at)), None)
    if told is None or not _MINE_SET.isdisjoint(said):
        return False
    others = [
        at
        for at, word in enumerate(said)
        if word not in _KNOWN and word not in named and not word.isdecimal()
    ]
    if len(others) > _MOST_NAMES:
        return False
    return all(at > told and not _NAMED_AFTER.isdisjoint(said[told:at]) for at in others)


def _told(said: list[str], at: int) -> bool:
    """Whether the keyword at a place is what one is told to send: after a verb of sending, or before what it
    does."""
    before = at - 1
    while before >= 0 and said[before] in _BETWEEN_SET and said[before] not in _VERB_SET:
        before -= 1
    if before >= 0 and said[before] in _VERB_SET:
        return True
    if said[at].startswith("stop2"):
        return True
    return at == 0 and len(said) > 2 and said[1] in _FOR_SET and said[2] in _ENDING_SET
