"""An out word and what to stop: "STOP Admissions", "ADM stop", "STOP (607) 555-0180".

With nothing but names, codes or numbers of the organisation's own it is the keyword: for the teams named,
else for the team texted. With other digits, somebody's name or a name after "to" or "from", a person must
read it. Anything else beside the word is left to the phrases of intent/. Only out words are read so: an opt
in is never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from cadence_app.consent import keywords
from cadence_app.consent.keywords import Keyword, Meaning

_PIECES = re.compile(r"[^\s:;,/|=>()\[\]\u2010-\u2015\u2212-]+")
# No word that opts out has more, nor does a text that only names what to stop.
_LONGEST_WORD, _MOST_PIECES = 5, 14
_NUMBER = re.compile(r"[+(#]?\d[\d().#\s\u2010-\u2015-]*")
_JOINED = re.compile(r"(\d[\d.]*)([^\d.]+)|([^\d.]+)(\d[\d.]*)")
_PARTS = re.compile(r"[+(]?\d[\d().\s-]{5,}\d|\w+")
# A number of which so many last digits are given is that number: what people dial at home.
_LOCAL_DIGITS = 7
_JOIN_WORDS = "and y e et und n or"
_AIM_WORDS = "to from for at with by of 2 4 the a an de del des du von para pour par chez fur"
_KINDS = frozenset({"team", "office", "dept", "department"})
# Words that name nobody by themselves, so that "stop it" is not a word to the IT team.
_COMMON_WORDS = """
    a about ahead all always and any anymore are asking at back bad be being better bus by call calling
    calls car class classes come coming date day do doing done down drive early end every everything fall
    for forward free friday fun game get go going group help her here him his home how i if in is it just
    later lie light lights line lying mail making me meeting men mine monday month more motion my next night
    no not note now of off on one order our out over pain party people place plan play playing please point
    practice quick rain reach read reading rest right road run running sale saturday season shop side sign
    smoking so start stop street sunday system talk talking test text texting texts thank thanks that the
    them there these this thursday time to today tomorrow too top train trip tuesday two up us wait walk war
    watch way we wednesday week what who why with work working world year yes you your
"""
# With them, words that tell no organisation from another: "stop north" is not one to North Lakeside College.
_GENERAL_WORDS = """
    academy advancement alliance alumni american association best board campus care center central centre
    church city clinic college community county department district east education first foundation fort
    fund general global good great green health high hope hospital house housing institute international
    lake life local main medical mission mount national new north office old open park point program public
    real river rock royal saint san santa school service services society south spring st state student
    students summer support team town trust union united university valley village west winter women world
    young youth
"""
_JOINS, _AIMS, _COMMON = (frozenset(words.split()) for words in (_JOIN_WORDS, _AIM_WORDS, _COMMON_WORDS))
_GENERAL = _COMMON | frozenset(_GENERAL_WORDS.split())


@dataclass(frozen=True)
class TeamName:
    team_id: int
    name: str
    code: str


@dataclass(frozen=True)
class Names:
    """What a text may name: the tenant, its teams, its inboxes' numbers (E.164) with the team of each, the
    names of the inbox that was texted, and people: users, and the contact, who may sign. `closed` are the ids
    of the teams that are."""

    tenant: str = ""
    teams: tuple[TeamName, ...] = ()
    numbers: tuple[tuple[str, int], ...] = ()
    inboxes: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    closed: frozenset[int] = frozenset()

    @cached_property
    def sure(self) -> Mapping[tuple[str, ...], frozenset[int]]:
        """The teams that each name stands for, by its parts; none for the organisation or the inbox."""
        found: dict[tuple[str, ...], frozenset[int]] = {}
        for own in (self.tenant, *self.inboxes):
            found[_parts(own)] = frozenset()
        people = [set(_parts(person)) for person in self.people]
        for beginning in _beginnings(_parts(self.tenant)):
            if not any(set(beginning) <= person for person in people):
                found.setdefault(beginning, frozenset())
        for team in self.teams:
            for name in (_parts(team.name), _parts(team.code)):
                found[name] = found.get(name, frozenset()) | {team.team_id}
        return {name: ids for name, ids in found.items() if name and (len(name) > 1 or not _common(name))}

    @cached_property
    def written(self) -> frozenset[str]:
        """Names and codes exactly as they are written, which even a common word may be."""
        return frozenset({self.tenant, *self.inboxes, *(n for t in self.teams for n in (t.name, t.code))})

    @cached_property
    def loose(self) -> frozenset[str]:
        """The words of which only some are given: of people's names, and of the organisation's."""
        names = (self.tenant, *self.inboxes, *(team.name for team in self.teams))
        ours = {part for name in names for part in _parts(name)} - _GENERAL
        theirs = {part for name in self.people for part in _parts(name)} - _COMMON
        return frozenset(ours | theirs) - _JOINS - _AIMS

    def team_of(self, digits: str) -> int | None:
        """The team whose inbox has this number, however much of it was left out before its last digits."""
        given = digits.removeprefix("00").lstrip("0")
        if len(given) < _LOCAL_DIGITS:
            teams = {team_id for number, team_id in self.numbers if number.lstrip("+") == given}
        else:
            teams = {team_id for number, team_id in self.numbers if number.endswith(given)}
        return teams.pop() if len(teams) == 1 else None


@dataclass(frozen=True)
class Aimed:
    """What a text is by its out word and what stands beside it: the keyword, or words to be read."""

    keyword: Keyword | None = None
    flagged: str = ""


_NOTHING = Aimed()


def may_name(text: str, own: Mapping[str, Meaning]) -> bool:
    """Whether an out word stands at an end of a text that is short enough to name only what to stop."""
    return any(True for _ in _splits(text, own)) or bool(_joined(text, own))


def aimed(text: str, own: Mapping[str, Meaning], names: Names) -> Aimed:
    """Reads an out word with what to stop. `own` are the words of the organisation's own (normalised) in the
    team that was texted."""
    flagged = _joined(text, own)
    for word, rest in _splits(text, own):
        found = _read(word, rest, names)
        if found.keyword:
            return found
        flagged = flagged or found.flagged
    if not flagged and _shouted_name(text, own):
        flagged = " ".join(text.split())
    return Aimed(flagged=flagged) if flagged else _NOTHING


def short_stop(text: str) -> str:
    """A text of a few words with a built-in out word at an end, as what it was flagged for; else empty."""
    plain = " ".join(text.split())
    return plain if may_name(text, {}) and len(_PIECES.findall(text)) <= _LONGEST_WORD else ""


def _splits(text: str, own: Mapping[str, Meaning]) -> Iterator[tuple[str, str]]:
    """Each out word at an end of a text, the longest first, with what stands beside it."""
    pieces = list(_PIECES.finditer(text))
    if not 1 < len(pieces) <= _MOST_PIECES:
        return
    for count in range(min(_LONGEST_WORD, len(pieces) - 1), 0, -1):
        first, last = pieces[:count], pieces[-count:]
        for head, rest in (
            (text[: first[-1].end()], text[first[-1].end() :]),
            (text[last[0].start() :], text[: last[0].start()]),
        ):
            word = keywords.normalise(head)
            if (keywords.BUILT_IN.get(word) or own.get(word)) == Meaning.OUT:
                yield word, rest


def _joined(text: str, own: Mapping[str, Meaning]) -> str:
    """STOP1, 2stop: an out word and digits in one; empty where it is not."""
    if not any(c.isdecimal() for c in text) or len(_PIECES.findall(text)) > 1:
        return ""
    word = keywords.normalise(text)
    if parts := _JOINED.fullmatch(word):
        out = keywords.normalise(parts[2] or parts[3])
        if (keywords.BUILT_IN.get(out) or own.get(out)) == Meaning.OUT:
            return word
    return ""


def _read(word: str, rest: str, names: Names) -> Aimed:
    said = f"{word} {' '.join(rest.split())}"
    keyword = _named(word, _parts(rest), names)
    if keyword:
        return Aimed(keyword)
    if _NUMBER.fullmatch(rest.strip(" :;,/|=>-\t\n.!")) and any(c.isdecimal() for c in rest):
        return Aimed(flagged=said)
    if rest.strip() in names.written:
        return Aimed(flagged=said)
    parts = [part for part in _parts(rest) if part not in _AIMS]
    aims = len(parts) < len(_parts(rest))
    if parts and aims and (all(p.isdecimal() for p in parts) or _named(word, tuple(parts), names)):
        return Aimed(flagged=said)
    if parts and all(part in names.loose or part in _JOINS for part in parts):
        return Aimed(flagged=said)
    return _NOTHING


def _named(word: str, parts: tuple[str, ...], names: Names) -> Keyword | None:
    """The keyword, where the parts are names and nothing else."""
    team_ids: set[int] = set()
    at, found = 0, False
    while at < len(parts):
        if at and parts[at] in _JOINS:
            at += 1
            continue
        if (at == 0 and parts[at] == "the") or (at and parts[at] in _KINDS and len(parts) == at + 1):
            at += 1
            continue
        for end in range(len(parts), at, -1):
            if (named := names.sure.get(parts[at:end])) is not None:
                team_ids |= named
                at, found = end, True
                break
        else:
            team_id = names.team_of(parts[at]) if parts[at].isdecimal() else None
            if team_id is None:
                return None
            team_ids.add(team_id)
            at, found = at + 1, True
    return Keyword(word, Meaning.OUT, True, tuple(sorted(team_ids))) if found else None


def _shouted_name(text: str, own: Mapping[str, Meaning]) -> bool:
    """STOP Maria: the word in capitals beside what is written as a name is, of whoever that may be."""
    for _, rest in _splits(text, own):
        pieces = [match[0].strip(".!,") for match in _PIECES.finditer(rest)]
        word = text.replace(rest, "", 1)
        names = all(len(p) > 2 and p.istitle() and p.casefold() not in _COMMON for p in pieces)
        if pieces and len(pieces) <= 2 and word.isupper() and names:
            return True
    return False


def _parts(name: str) -> tuple[str, ...]:
    """A name as it is compared: its words without capitals, accents and apostrophes, numbers as digits."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    plain = "".join(
        c for c in plain if unicodedata.category(c) not in {"Mn", "Cf"} and c not in "'\u2019\u02bc`"
    )
    plain = plain.replace("&", " and ").replace("+ ", " ")
    return tuple(
        re.sub(r"\D", "", part) if part[0] in "+(" or re.search(r"\d\W", part) else part
        for part in _PARTS.findall(plain)
    )


def _beginnings(parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The first words of an organisation's name that tell it: not "University", not "The College of"."""
    found = (parts[:end] for end in range(1, len(parts)))
    return [
        name
        for name in found
        if name[-1] not in _AIMS | _JOINS
        and any(len(p) > 2 and p not in _GENERAL | _AIMS | _JOINS and not p.isdecimal() for p in name)
    ]


def _common(name: tuple[str, ...]) -> bool:
    return all(part in _COMMON | _AIMS | _JOINS for part in name)
