"""Rows of the Wonde v1.0 API as JSON text, in the documented shape, of invented contents.

Where a field is documented it is written as documented: dates are objects with microseconds and
a time zone, includes nest as ``{"data": ...}``, marks name their code by id. Rows are made as text
because the stand-in must cost less than the clients that are measured against it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from mis_bridge.registers.codes import CODES, CodeClass
from mis_bridge.simulator.school import PERIODS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.simulator.people import SyntheticPupil
    from mis_bridge.simulator.school import SyntheticClass, SyntheticLesson, SyntheticSchool

__all__ = ["CODE_IDS", "WondeRows", "date_object", "local_object"]

Includes = frozenset[str]
_NONE: Includes = frozenset()
_MADE = datetime(2026, 8, 1, 4, 0, 7, 113_000, tzinfo=UTC)
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI")

CODE_IDS: Mapping[int, str] = {
    code.byte: f"A{5_000_000_000 + number}" for number, code in enumerate(CODES)
}
"""Id of each attendance code of the school's table, by the byte it is kept as."""

_TYPES = {
    CodeClass.PRESENT: "PRESENT",
    CodeClass.APPROVED: "APPROVED_EDUCATIONAL_ACTIVITY",
    CodeClass.AUTHORISED: "AUTHORISED_ABSENCE",
    CodeClass.UNAUTHORISED: "UNAUTHORISED_ABSENCE",
    CodeClass.NOT_POSSIBLE: "ATTENDANCE_NOT_REQUIRED",
    CodeClass.NOT_COLLECTED: "ATTENDANCE_NOT_REQUIRED",
}


@lru_cache(maxsize=65_536)
def date_object(microseconds: int) -> str:
    """Write an instant (microseconds since 1970 UTC) as Wonde's date object."""
    moment = datetime(1970, 1, 1) + timedelta(microseconds=microseconds)  # noqa: DTZ001
    text = moment.isoformat(" ", "microseconds")
    return f'{{"date":"{text}","timezone_type":3,"timezone":"UTC"}}'


@lru_cache(maxsize=8192)
def local_object(day: date, minute: int = 0) -> str:
    """Write a local minute as a date object of the school's own time zone."""
    moment = datetime.combine(day, time(minute // 60, minute % 60))
    text = moment.isoformat(" ", "microseconds")
    return f'{{"date":"{text}","timezone_type":3,"timezone":"Europe/London"}}'


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _one(text: str) -> str:
    return f'{{"data":{text}}}'


def _under(includes: Includes, parent: str) -> Includes:
    head = parent + "."
    return frozenset(name.removeprefix(head) for name in includes if name.startswith(head))


@dataclass(frozen=True)
class WondeRows:
    """Writes the rows of one school.

    Args:
        school: whose rows.
    """

    school: SyntheticSchool

    @cached_property
    def _made(self) -> str:
        made = date_object((_MADE - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
        return f'"created_at":{made},"updated_at":{made}'

    @cached_property
    def _fragments(self) -> dict[tuple[str, str, Includes], str]:
        return {}

    def school_row(self, host: str) -> str:
        """Write the school itself."""
        school = self.school
        return _text(
            {
                "id": school.id,
                "name": school.name,
                "establishment_number": "9001",
                "urn": school.urn,
                "phase_of_education": "SECONDARY",
                "la_code": "999",
                "timezone": "Europe/London",
                "mis": "Simulated MIS",
                "address": {
                    "address_line_1": "1 Nowhere Lane",
                    "address_line_2": None,
                    "address_town": "Samplewood",
                    "address_postcode": "ZZ99 9ZZ",
                    "address_country": {"code": "GBR", "name": "England"},
                },
                "extended": {
                    "allows_writeback": False,
                    "has_timetables": True,
                    "has_lesson_attendance": True,
                    "audit_approved_at": {
                        "date": "2026-07-10 10:02:33",
                        "timezone_type": 3,
                        "timezone": "UTC",
                    },
                },
                "region": {
                    "code": "GBR",
                    "domain": host,
                    "school_url": f"http://{host}/v1.0/schools/{school.id}",
                    "identifiers": {
                        "la_code": "999",
                        "establishment_number": "9001",
                        "urn": school.urn,
                    },
                },
            }
        )

    def code_rows(self) -> list[str]:
        """Write the school's own table of attendance codes: all legal ones."""
        return [self._code(code.byte) for code in CODES if code.byte in CODE_IDS and code.legal]

    def _code(self, byte: int) -> str:
        code = next(code for code in CODES if code.byte == byte)
        return _text(
            {
                "id": CODE_IDS[byte],
                "code": code.code,
                "description": code.meaning,
                "type": _TYPES.get(code.code_class, "OTHER"),
            }
        )

    def student(
        self, pupil: SyntheticPupil, created: int, updated: int, includes: Includes = _NONE
    ) -> str:
        """Write a pupil.

        Args:
            pupil: as of the version that is shown.
            created: microseconds since 1970 UTC.
            updated: likewise.
            includes: what to nest.
        """
        row = {
            "id": pupil.id,
            "upi": pupil.upi,
            "mis_id": pupil.mis_id,
            "initials": pupil.forename[:1] + pupil.surname[:1],
            "title": None,
            "surname": pupil.surname,
            "forename": pupil.forename,
            "middle_names": None,
            "legal_surname": pupil.surname,
            "legal_forename": pupil.forename,
            "gender": {"F": "FEMALE", "M": "MALE"}.get(pupil.sex),
            "gender_identity": None,
        }
        parts = [
            _text(row)[:-1],
            f'"date_of_birth":{local_object(pupil.dob)}',
            '"restored_at":null',
            f'"created_at":{date_object(created)}',
            f'"updated_at":{date_object(updated)}',
            *self._student_includes(pupil, includes),
        ]
        return ",".join(parts) + "}"

    def _student_includes(self, pupil: SyntheticPupil, includes: Includes) -> list[str]:
        parts: list[str] = []
        if "education_details" in includes:
            leaving = "null" if pupil.leaving is None else local_object(pupil.leaving)
            parts.append(
                '"education_details":{"data":{'
                f'"upn":"{pupil.upn}","former_upn":null,"local_upn":null,"learner_number":null,'
                f'"admission_number":"{pupil.mis_id}","part_time":false,'
                f'"current_nc_year":"{pupil.year_group}",'
                f'"admission_date":{local_object(pupil.admission)},"leaving_date":{leaving}}}}}'
            )
        if "extended_details" in includes:
            parts.append(f'"extended_details":{_one(self._extended(pupil))}')
        if "year" in includes:
            parts.append(f'"year":{_one(self._group("YEAR", f"Year {pupil.year_group}"))}')
        if "registration" in includes:
            parts.append(f'"registration":{_one(self._group("REGISTRATION", pupil.form))}')
        if "classes" in includes:
            rows = [
                self.class_row(group, _under(includes, "classes"))
                for group in self.school.classes
                if pupil.number in group.pupils
            ]
            parts.append(f'"classes":{_one("[" + ",".join(rows) + "]")}')
        return parts

    @staticmethod
    def _extended(pupil: SyntheticPupil) -> str:
        sen = {"ehcp": "E", "sen": "K"}
        return _text(
            {
                "in_lea_care": "lac" in pupil.flags,
                "child_protection_plan": "cp" in pupil.flags,
                "child_in_need": "cin" in pupil.flags,
                "sen_status": next((sen[flag] for flag in sen if flag in pupil.flags), None),
                "premium_pupil_indicator": False,
                "free_school_meals": False,
            }
        )

    def _group(self, kind: str, name: str) -> str:
        number = sum(name.encode()) * 97 + len(name)
        return (
            f'{{"id":"A{6_000_000_000 + number}","mis_id":"{number}",'
            f'"name":"{name}","code":"{name}",'
            f'"type":"{kind}","description":null,"notes":null,{self._made}}}'
        )

    def class_row(self, group: SyntheticClass, includes: Includes = _NONE) -> str:
        """Write a teaching group."""
        subject = f'"A{7_000_000_000 + sum(group.subject.encode())}"'
        row = (
            f'{{"id":"{group.id}","mis_id":"{group.mis_id}","name":"{group.name}",'
            f'"code":"{group.name}","description":null,"subject":{subject},"alternative":false,'
            f'"priority":false,"academic_year":null,{self._made}'
        )
        if "students" in includes:
            roll = self.school.pupils
            # Ids and names only, as children of another thing come without their own includes.
            rows = (
                _text({"id": roll[n].id, "upi": roll[n].upi, "mis_id": roll[n].mis_id})
                for n in group.pupils
            )
            row += f',"students":{_one("[" + ",".join(rows) + "]")}'
        return row + "}"

    def period_rows(self) -> list[str]:
        """Write the week's periods, one row a weekday and place."""
        return [self._period(day, period.number) for day in range(5) for period in PERIODS]

    def _period(self, weekday: int, number: int) -> str:
        period = PERIODS[number]
        return (
            f'{{"id":"{_period_id(weekday, number)}","mis_id":"{weekday * 10 + number}",'
            f'"name":"{period.name}","description":null,'
            f'"start_time":"{_clock(period.starts)}","end_time":"{_clock(period.ends)}",'
            f'"day":"{_WEEKDAYS[weekday]}","day_number":{weekday + 1},{self._made}}}'
        )

    def lesson(self, lesson: SyntheticLesson, includes: Includes = _NONE) -> str:
        """Write a timetabled lesson."""
        key = ("lesson", lesson.id, includes)
        if key not in self._fragments:
            self._fragments[key] = self._lesson(lesson, includes)
        return self._fragments[key]

    def _lesson(self, lesson: SyntheticLesson, includes: Includes) -> str:
        period, weekday, group = lesson.period, lesson.day.weekday(), lesson.group
        period_field = (
            _one(self._period(weekday, period.number))
            if "period" in includes
            else f'"{_period_id(weekday, period.number)}"'
        )
        instance = self.school.day_numbers[lesson.day] * len(PERIODS) + period.number
        row = (
            f'{{"id":"{lesson.id}","mis_id":"{lesson.mis_id}","room":null,"period":{period_field},'
            f'"period_instance_id":"{instance}","employee":"{group.teacher}","alternative":false,'
            f'"start_at":{local_object(lesson.day, period.starts)},'
            f'"end_at":{local_object(lesson.day, period.ends)},'
            f'"day_number":{weekday + 1},{self._made}'
        )
        if "class" in includes:
            row += f',"class":{_one(self.class_row(group, _under(includes, "class")))}'
        return row + "}"

    def session_mark(
        self, key: int, place: tuple[int, date, bool], code: int, saved: tuple[int, int],
        includes: Includes = _NONE,
    ) -> str:  # fmt: skip
        """Write a statutory mark.

        Args:
            key: of the row; its id is made of it.
            place: (pupil number, day, is it PM).
            code: byte.
            saved: (for the first time, for the last time), microseconds since 1970 UTC.
            includes: what to nest.
        """
        pupil, day, pm = place
        return (
            f'{{"id":"A{8_000_000_000 + key}","mis_id":"{key}","date":{local_object(day)},'
            f'"session":"{"PM" if pm else "AM"}","comment":null,'
            f'"student":{self._student_field(pupil, includes)},"employee":null,'
            f'"attendance_code":{self._code_field(code, includes)},'
            f'"created_at":{date_object(saved[0])},"updated_at":{date_object(saved[1])}}}'
        )

    def lesson_mark(
        self, key: int, pupil: int, lesson: SyntheticLesson, code: int, saved: tuple[int, int],
        includes: Includes = _NONE,
    ) -> str:  # fmt: skip
        """Write a lesson mark; arguments as :meth:`session_mark`, the lesson for the place."""
        field = (
            _one(self.lesson(lesson, _under(includes, "lesson")))
            if "lesson" in includes
            else f'"{lesson.id}"'
        )
        return (
            f'{{"id":"A{9_000_000_000 + key}","mis_id":"{key}","date":{local_object(lesson.day)},'
            f'"comment":null,"minutes_late":null,"lesson":{field},'
            f'"student":{self._student_field(pupil, includes)},'
            f'"employee":"{lesson.group.teacher}",'
            f'"attendance_code":{self._code_field(code, includes)},'
            f'"created_at":{date_object(saved[0])},"updated_at":{date_object(saved[1])}}}'
        )

    def _student_field(self, number: int, includes: Includes) -> str:
        pupil = self.school.pupils[number]
        if "student" not in includes:
            return f'"{pupil.id}"'
        key = ("student", pupil.id, _NONE)
        if key not in self._fragments:
            made = (_MADE - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
            self._fragments[key] = _one(self.student(pupil, made, made))
        return self._fragments[key]

    def _code_field(self, byte: int, includes: Includes) -> str:
        if "attendance_code" not in includes:
            return f'"{CODE_IDS[byte]}"'
        key = ("code", str(byte), _NONE)
        if key not in self._fragments:
            self._fragments[key] = _one(self._code(byte))
        return self._fragments[key]

    @staticmethod
    def deletion(kind: str, key: str, mis_id: str, deleted: int) -> str:
        """Write an entry of the deletions list."""
        return (
            f'{{"type":"{kind}","id":"{key}","mis_id":"{mis_id}",'
            f'"deleted_at":{date_object(deleted)},"restored_at":null}}'
        )


def _period_id(weekday: int, number: int) -> str:
    return f"A{1_500_000_000 + weekday * 10 + number}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}:00"
