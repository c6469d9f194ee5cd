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
    """0 > Hi {first}, {agent} from {team}. We have your application but not your test scores. Are you sending them?
    52 < I thought you were test optional this year
    4 > We are. I will mark your file as complete without them.
    1 < perfect, thank you!!""",
    """0 < Hi, my mom is a vet, is there anything for military families
    16 > There is: the Yellow Ribbon program, and an in-state rate for dependents. I can send both forms.
    2 < both please
    9 > Sent to the address we have for you, {first}.""",
    """0 < is there parking near the science building for commuters
    8 > Lot C, behind the greenhouse. Permits are 60 a term, or 4 a day by app.
    1 < ok lot C it is""",
    """0 > {first}, your advisor has an opening on Wednesday at 2:15. Shall I put you down?
    18 < I have lab til 3, anything after?
    5 > 3:30 the same day.
    1 < yes that one
    2 > Booked: Wednesday, 3:30, Hall 108.""",
    """0 < HELP
    1 < oh that was automatic. is somebody there? I need the phone number of the bursar
    12 > A person here: 555-0160, until 4:30 today.
    2 < thank you person""",
    """0 > We missed you at the welcome week fair, {first}. There is a second one on September 9.
    340 < sorry! had to work. I'll come to the next one
    6 > Good. Your T-shirt is waiting.""",
    """0 < can I bring my cat to the dorm
    20 > Only fish, I'm afraid, in a tank of ten gallons or less.
    1 < he will be so disappointed
    2 > Tell him there is a foster club on campus.
    1 < haha ok""",
    """0 > Hi {first}, your immunization record is missing the second MMR date. A photo of the card is enough.
    75 < my doctor is closed til monday, is that too late?
    3 > Monday is fine. I have put a note on your file.""",
    """0 < Hola, habla alguien español? es sobre la matrícula de mi hija
    11 > Sí, le escribe {agent}. ¿En qué le puedo ayudar?
    2 < quiero saber si ya recibieron el depósito
    6 > Sí, lo recibimos el lunes. Todo está en orden.
    1 < muchas gracias""",
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
    """0 > Hi {first}, the residence hall survey closes tonight.
    8 < STOP
    2900 < hi it's me again, I lost my portal password
    1 < START
    6 > Welcome back, {first}. I have sent you a link to set a new one.
    3 < got it thanks""",
    """0 > {first}, scholarship essays are due on the 1st.
    22 < I got into my first choice somewhere else!
    4 > Congratulations! We are glad for you.
    1 < thanks. you can stop now
    2 < Stop all""",
]

MAYBE_TALKS = [
    """0 > Hi {first}, have you thought about our summer session?
    15 < I'm going to another school, please stop texting me""",
    """0 > {first}, your checklist has two items left.
    25 < wrong number, take me off this list please""",
]

FAILED_TALKS = [
    """0 > Hi {first}, {agent} from {team} here. Do you have a minute this week to talk about your classes?""",
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
