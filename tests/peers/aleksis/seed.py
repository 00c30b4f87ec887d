"""Fill an empty AlekSIS with one class and its timetable; nobody has opened a register yet.

Run once a database: ``aleksis-admin shell < seed.py``. All people are invented. Everything lies in
the past, because AlekSIS opens no register of a lesson that has not begun by its own clock.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from aleksis.apps.alsijil.util.alsijil_helpers import get_absence_reason_tag
from aleksis.apps.chronos.models import LessonEvent
from aleksis.apps.cursus.models import Course, Subject
from aleksis.apps.kolego.models import AbsenceReason
from aleksis.core.models import Group, Person, SchoolTerm
from django.contrib.auth.models import Permission, User

LONDON = ZoneInfo("Europe/London")
PUPILS = (
    "Ada Testpupil",
    "Ben Samplechild",
    "Cleo Placeholder",
    "Dai Inventedname",
    "Ebo Fixture",
    "Fay Standin",
    "Gil Dummysurname",
    "Hal Madeup",
    "Isa Nobody",
    "Jo Exampleton",
    "Kit Fictional",
    "Lou Notreal",
)
SUMMER = dt.date(2025, 6, 17)
DAYS = (*(dt.date(2024, 11, day) for day in (11, 12, 13, 14, 15, 18, 19, 20, 21, 22)), SUMMER)
LESSONS = ((1, 9, 0), (2, 10, 0), (3, 11, 15), (4, 13, 30))

# What the README of the adapter tells a school to grant, and no more.
GRANTED = (
    "core.view_group",
    "core.view_person",
    "core.view_personal_details",
    "alsijil.change_participationstatus",
)


def person(full_name, **more):
    """Create a person."""
    first, last = full_name.split()
    return Person.objects.create(
        first_name=first, last_name=last, email=f"{first}@school.example".lower(), **more
    )


def user(name):
    """Create a user who can not log in: serve.py makes the sessions."""
    made = User.objects.create(username=name, email=f"{name}@school.example")
    made.set_unusable_password()
    made.save()
    return made


term = SchoolTerm.objects.create(
    name="2024/25", date_start=dt.date(2024, 11, 11), date_end=dt.date(2025, 7, 22)
)
bridge = user("bridge")
reader = person("Mis Bridge", user=bridge)
for name in GRANTED:
    app, codename = name.split(".")
    bridge.user_permissions.add(
        Permission.objects.get(content_type__app_label=app, codename=codename)
    )
tutor = person("Tess Tutor", short_name="TT", user=user("tutor"))
person("Uma Unprivileged", user=user("unprivileged"))

group = Group.objects.create(name="Class 9A", short_name="9A", school_term=term)
pupils = [
    person(name, date_of_birth=dt.date(2011, 1, 1) + dt.timedelta(days=number), primary_group=group)
    for number, name in enumerate(PUPILS)
]
group.members.set(pupils)
group.owners.set([tutor])
whole_school = Group.objects.create(name="Whole school", short_name="All", school_term=term)
whole_school.owners.set([reader])
group.parent_groups.set([whole_school])
forgotten = Group.objects.create(name="Class 10C", short_name="10C", school_term=term)
forgotten.members.set([person("Moe Outofsight")])
maths = Subject.objects.create(
    short_name="Ma", name="Maths", colour_fg="#000000", colour_bg="#ffffff"
)
course = Course.objects.create(name="9A Maths", subject=maths)
course.groups.set([group])
course.teachers.set([tutor])

tag = get_absence_reason_tag()[0]
for code, name, absent in (
    ("N", "No reason yet", True),
    ("kr", "Krank", True),
    ("SV", "Schulveranstaltung", False),
    ("??", "Not in any table", True),
):
    AbsenceReason.objects.create(short_name=code, name=name, count_as_absent=absent).tags.add(tag)

for day in DAYS:
    for number, hour, minute in LESSONS:
        start = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=LONDON)
        event = LessonEvent.objects.create(
            datetime_start=start,
            datetime_end=start + dt.timedelta(hours=1),
            timezone=LONDON,
            course=course,
            subject=maths,
            slot_number_start=number,
            slot_number_end=number,
        )
        event.groups.set([group])
        event.teachers.set([tutor])
