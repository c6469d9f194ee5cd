"""What people at a college text about. A line begins with the minutes after the one before and who says it:
> the college, < the contact."""

from __future__ import annotations

TALKS = [
    """0 > Hi {first}, this is {agent} from {team}. Your enrollment deposit is due Friday. Any questions?
    14 < Can I pay it in two parts?
    6 > You can. Half by Friday, half by the first of next month. Want me to set that up?
    3 < Yes please!
    9 > Done. You will see both dates in your portal.
    2 < Thank you so much""",
    """0 < Hi, did you get my transcript? My counselor sent it last week
    22 > Let me look, {first}.
    4 > It arrived on Tuesday. Your file is complete now.
    1 < Oh great, when will I hear back?
    5 > Decisions go out by the 15th. You will get an e-mail and a letter.""",
    """0 > {first}, orientation is in two weeks. Reply with the session you want: June 12, June 19 or July 8.
    95 < June 19 works
    7 > You are in for June 19. Check-in is at 8:30 in the Union.
    1 < Can my parents come too?
    3 > Of course. There is a family track; I added two seats.""",
    """0 < I'm locked out of the portal and housing is due tonight
    2 > I can help. What do you see when you sign in?
    1 < It says my account is disabled
    8 > Fixed: it was waiting for a password change. Try now.
    4 < I'm in!! thank you
    1 > Good luck with the housing form.""",
    """0 > Hi {first}, your FAFSA was selected for verification. We need a copy of the tax transcript.
    210 < where do I send it
    11 > Upload it under Financial Aid > Documents. A photo is fine if all the corners show.
    45 < uploaded
    30 > Got it, thank you. Give us three working days.""",
    """0 < is the tutoring center open during finals?
    5 > Every day 10 to 10, and until midnight on Sunday and Monday.
    1 < do I need an appointment for calc
    2 > Walk in. Calculus tutors are there from 2 on.""",
    """0 > {first}, we saved you a seat at Admitted Students Day on Saturday. Will you come?
    33 < I have a soccer game that morning, could I come at noon?
    6 > Noon is perfect. The campus tour leaves at 12:30 from the fountain.
    2 < see you there""",
    """0 < Hey, what's the difference between the two meal plans
    12 > Plan A is 14 meals a week, Plan B is unlimited. You can switch until the second week.
    3 < ok I'll start with A""",
    """0 > Reminder: registration opens tomorrow at 7 AM for your group. You have no holds.
    61 < I can't find BIO 201
    9 > It is full at 9 but there is a new section at 1 PM, number 4417.
    2 < You're a lifesaver""",
    """0 < My scholarship letter says I need 12 credits, does a lab count?
    18 > A lab counts for the credits it carries, usually 1. You are at 13 with it.
    2 < phew, thanks""",
    """0 > Hi {first}, it's {agent}. I noticed you have not been to class this week. Everything all right?
    240 < I've been sick, sorry. Should I write to my professors?
    5 > Please do. I will let them know you are in touch, and send you the form for excused days.
    3 < ok thank you for checking on me""",
    """0 < Do you have anything about study abroad in Lisbon?
    27 > Yes, fall and spring. Info session Thursday 4 PM in the library, and I can mail you the brochure.
    4 < Thursday works""",
    """0 > Your dorm assignment is out, {first}: Maple Hall 214. Move-in is August 22, 9 to 12.
    7 < who's my roommate??
    4 > You will see the name in the portal tomorrow at noon.
    1 < so excited""",
    """0 < i need to drop a class without losing aid, who do I talk to
    10 > Me. Which class, and how many credits would be left?
    2 < psych 110, i'd have 12
    3 > With 12 you keep full-time aid. Drop it before Friday and nothing changes.""",
]

STOP_TALKS = [
    """0 > Hi {first}, spring visit days are open. Reply VISIT for dates.
    40 < STOP""",
    """0 > {first}, don't miss the application fee waiver this week.
    3 < Who is this?
    2 > This is {agent} from {team} at {tenant}.
    5 < Stop""",
    """0 > Last call for the campus tour on Saturday!
    12 < unsubscribe""",
]

MAYBE_TALKS = [
    """0 > Hi {first}, have you thought about our summer session?
    15 < I'm going to another school, please stop texting me""",
    """0 > {first}, your checklist has two items left.
    25 < wrong number, take me off this list please""",
]

COLD_TALKS = [
    """0 < Hi, I'd like to know if you take transfer credits from a community college?""",
    """0 < Is the open house on Saturday for parents too?""",
    """0 < hello, a friend gave me this number. when does the nursing program start""",
]


def lines(talk: str, **words: str) -> list[tuple[int, bool, str]]:
    """(minutes after the one before, whether the contact says it, the text) of each line."""
    found = []
    for line in talk.splitlines():
        minutes, who, said = line.strip().split(" ", 2)
        found.append((int(minutes), who == "<", said.format(**words)))
    return found
