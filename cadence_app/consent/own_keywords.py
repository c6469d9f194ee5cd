"""The words an organisation adds to the built-in keywords, for all of it or for one team."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from cadence_app.accounts import audit
from cadence_app.accounts.models import Team, Tenant, User
from cadence_app.consent import keywords, team_only
from cadence_app.consent.keywords import Meaning
from cadence_app.consent.models import CustomKeyword
from cadence_app.extensions import db
from cadence_app.tenancy import tenant_in_use

# Longer than any word or two that people would be asked to text.
MAX_LENGTH = 40
_TEAM_ONLY = "TEAM answers the question whether an opt-out word was meant for one team only."


def meanings_for(team_id: int) -> dict[str, Meaning]:
    """What the organisation's own words mean in a team, by the normalised word. One that means two things,
    of the team and of the organisation, opts out if it may."""
    rows = db.session.execute(
        select(CustomKeyword.word, CustomKeyword.meaning)
        .where(or_(CustomKeyword.team_id == team_id, CustomKeyword.team_id.is_(None)))
        .order_by(CustomKeyword.meaning)
    )
    # Meanings sort as help, in, out.
    return dict(rows.all())


def all_keywords() -> list[CustomKeyword]:
    """Those of the whole organisation first, then by word."""
    query = select(CustomKeyword).order_by(CustomKeyword.team_id.nulls_first(), CustomKeyword.word)
    return list(db.session.scalars(query))


def named(word: str) -> CustomKeyword | None:
    """One of this normalised word, of any team, if there is one."""
    return db.session.scalars(select(CustomKeyword).where(CustomKeyword.word == word).limit(1)).one_or_none()


def find_keyword(keyword_id: int) -> CustomKeyword | None:
    return db.session.get(CustomKeyword, keyword_id)


def answer_to(word: str, team_id: int) -> str:
    """What is answered in a team to a normalised word, by the team's own of that word before the whole
    organisation's; empty where the team's text is."""
    said = select(CustomKeyword.answer).where(
        CustomKeyword.word == word,
        CustomKeyword.answer != "",
        or_(CustomKeyword.team_id == team_id, CustomKeyword.team_id.is_(None)),
    )
    return db.session.scalars(said.order_by(CustomKeyword.team_id.nulls_last()).limit(1)).one_or_none() or ""


def add_keyword(
    user: User | None, word: str, meaning: Meaning, team: Team | None, answer: str = ""
) -> CustomKeyword:
    """Adds a word for one team or (None) for all, with what is answered to it (empty: the team's text).
    `user` is None for an operator. The caller commits.

    Errors: ValueError, in words for who adds it, for a word that is built in, that is there already, that
    would mean two things in some team, or that has no letter or digit.
    """
    normal = keywords.normalise(word)
    if not normal:
        raise ValueError("A keyword needs letters or digits.")
    if len(normal) > MAX_LENGTH:
        raise ValueError(f"A keyword has at most {MAX_LENGTH} characters.")
    if normal in keywords.BUILT_IN:
        raise ValueError(f"{word} is a built-in keyword.")
    # One after the other, so that two admins at once can't give a word two meanings.
    held = select(Tenant).where(Tenant.id == tenant_in_use()).with_for_update(key_share=True)
    tenant = db.session.scalars(held.execution_options(populate_existing=True)).one()
    if normal == team_only.WORD and team_only.in_use(tenant):
        raise ValueError(_TEAM_ONLY)
    known = db.session.scalars(select(CustomKeyword).where(CustomKeyword.word == normal)).all()
    if clash := _clash(known, meaning, team):
        raise ValueError(clash)
    keyword = CustomKeyword(
        tenant_id=tenant_in_use(),
        team_id=team.id if team else None,
        word=normal,
        meaning=meaning,
        answer=answer,
    )
    db.session.add(keyword)
    db.session.flush()
    told = {"meaning": (None, meaning), "team": (None, team and team.name), "answer": (None, answer or None)}
    audit.record(user, "keyword.added", normal, **told)
    return keyword


def remove_keyword(user: User, keyword: CustomKeyword) -> None:
    """Takes a word away, and commits. What it did stays in the history."""
    team = db.session.get(Team, keyword.team_id) if keyword.team_id else None
    told = {
        "meaning": (keyword.meaning, None),
        "team": (team and team.name, None),
        "answer": (keyword.answer or None, None),
    }
    audit.record(user, "keyword.removed", keyword.word, **told)
    db.session.delete(keyword)
    db.session.commit()


def _clash(known: Sequence[CustomKeyword], meaning: Meaning, team: Team | None) -> str:
    """Why a word can't be added beside those of the same spelling; empty where it can."""
    for other in known:
        if other.team_id == (team.id if team else None):
            return f"{other.word} is a keyword here already."
        if team and other.team_id is None:
            return f"{other.word} is a keyword of the whole organization already."
        if team is None and other.meaning != meaning:
            name = db.session.get_one(Team, other.team_id).name
            return f"{other.word} means something else in {name}. Remove it there first."
    return ""
