"""One incident of every trigger, as a busy person would meet it, and Chromium to show it in."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.incidents.ids import reference
from mis_bridge.incidents.model import Incident, Scope
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.messages.bundle import Item
from mis_bridge.messages.model import Disclosure, MessageContext, PupilIdentity
from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.model import Assessment, Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Callable

PEER = Path(__file__).parents[2] / "peers/adaptivecards"
TODAY = date(2026, 11, 12)
ADA = PupilIdentity("p-1", "Testpupil", "Ada", "8B", 8)


def _at(clock: str) -> datetime:
    return datetime.combine(TODAY, datetime.strptime(clock, "%H:%M").time(), tzinfo=LONDON)  # noqa: DTZ007


_WALK_OUT = (
    Evidence(_at("08:50"), "AM", "present"),
    Evidence(_at("09:00"), "P1", "present"),
    Evidence(_at("10:02"), "P2", "marked N, no reason yet"),
)

_FINDINGS: dict[str, tuple[str, str, str, tuple[Evidence, ...], dict[str, Any]]] = {
    "missing_during_day": (
        "10:12",
        "P2",
        "In school at P1 (09:00), marked absent in P2 (saved 10:02). Not signed out.",
        _WALK_OUT,
        {},
    ),
    "internal_truancy": (
        "11:18",
        "P2",
        "Marked absent in P2 (saved 10:02), but seen before it in P1 and again in P3 at 11:18.",
        (*_WALK_OUT, Evidence(_at("11:18"), "P3", "present")),
        {},
    ),
    "unexplained_absence": (
        "09:15",
        "AM",
        "Marked N in the AM register, which closed at 09:15. No message about the absence.",
        (Evidence(_at("09:04"), "AM", "marked N, no reason yet"),),
        {},
    ),
    "register_not_taken": (
        "10:10",
        "P2",
        "No mark for P2 15 minutes after it began at 09:55: nobody can say who is in.",
        (Evidence(_at("10:10"), "P2", "no mark by then"),),
        {"facts": {"register": "8B/Ma1", "minutes": 15}},
    ),
    "register_anomaly": (
        "10:12",
        "P2",
        (
            "27 of 28 pupils who were in school earlier are marked absent in P2 (the last saved "
            "10:03). Is it the right group, a trip, a drill?"
        ),
        (Evidence(_at("10:03"), "P2", "27 of 28 marks say absent, of pupils who were seen"),),
        {"pupil": "", "facts": {"register": "8B/Ma1", "absent": 27, "taken": 28}},
    ),
    "marks_disagree": (
        "09:30",
        "AM",
        "The AM register says N, the P1 register says present. Who saw the pupil?",
        (
            Evidence(_at("08:58"), "AM", "marked N, no reason yet"),
            Evidence(_at("09:01"), "P1", "present"),
        ),
        {},
    ),
    "feed_blind": (
        "09:20",
        "",
        (
            "The registers were last read at 09:05; for 15 minutes of the school day nothing could "
            "be read. Until they can be read again nobody is told of missing children here."
        ),
        (Evidence(_at("09:05"), "", "last good reading"),),
        {"pupil": "", "episode": "2026-11-12T09:05"},
    ),
    "channel_failing": (
        "09:20",
        "",
        "The channel dsl-teams refuses messages: the flow was deleted or its address changed.",
        (Evidence(_at("09:19"), "", "404: no such flow"),),
        {"pupil": "", "episode": "dsl-teams"},
    ),
    "undelivered": (
        "09:31",
        "",
        (
            "A message for dsl about MB-7Q2K-9DXM has reached nobody. No channel is tried any "
            "more. Tell dsl by telephone or in person."
        ),
        (Evidence(_at("09:30"), "", "channel dsl-mail: refused"),),
        {"pupil": "", "episode": "dsl MB-7Q2K-9DXM"},
    ),
    "self_check_failed": (
        "09:31",
        "",
        (
            "mis-bridge has not done all of its work for this school: what was read has not been "
            "judged since 09:20. Until it has, do not rely on it alone: look at the registers "
            "yourself."
        ),
        (Evidence(_at("09:20"), "", "what was read has not been judged since 09:20"),),
        {"pupil": "", "episode": "self-check"},
    ),
    "certificate_expiring": (
        "08:45",
        "",
        (
            "The channel la-mail will send nothing: certificate la-cme.pem of the authority "
            "expires on 1 December 2026. To do: ask the authority for its new certificate and put "
            "it in the place of la-cme.pem."
        ),
        (Evidence(None, "", "channel la-mail: until 1 December 2026"),),
        {"pupil": "", "episode": "la-mail 2026-12-01"},
    ),
    "not_watched": (
        "08:45",
        "",
        (
            "The configured calendar of this school ended on 21 July 2026: its registers are not "
            "watched today. Set [calendar] in the school's file to the present school year."
        ),
        (Evidence(None, "", "the school's calendar ended on 21 July 2026"),),
        {"pupil": "", "episode": "calendar 2026-07-21"},
    ),
    "approaching_persistent_absence": (
        "15:10",
        "",
        "Absent in 14 of 160 possible sessions (8.8 %); 10 % counts as persistent.",
        (Evidence(None, "", "14 sessions absent, 160 possible since 1 September"),),
        {},
    ),
    "persistent_absence": (
        "15:10",
        "",
        "Absent in 16 of 160 possible sessions (10.0 %): persistently absent.",
        (Evidence(None, "", "16 sessions absent, 160 possible since 1 September"),),
        {},
    ),
    "severe_absence": (
        "15:10",
        "",
        "Absent in 80 of 160 possible sessions (50.0 %): severely absent.",
        (Evidence(None, "", "80 sessions absent, 160 possible since 1 September"),),
        {},
    ),
    "ten_day_absence": (
        "15:10",
        "",
        (
            "10 school days in a row without an authorised or attended session since 22 October, "
            "complete on 11 November: an attendance return to the local authority is due."
        ),
        (Evidence(None, "", "first day of the run: 22 October"),),
        {"episode": "2026-10-22"},
    ),
    "calendar_wrong": (
        "09:30",
        "",
        (
            "Registers are taken today (AM), although the school's calendar calls it closed "
            "(INSET). They are read and judged all the same. If the school is open, correct its "
            "calendar: [calendar] in the school's file, or where its term dates come from."
        ),
        (Evidence(_at("09:30"), "AM", "140 of 150 pupils have a mark"),),
        {"pupil": "", "episode": "open after all"},
    ),
    "whereabouts_unknown": (
        "13:30",
        "",
        (
            "Day 5 of an absence without a reason was reached on 12 November 2026, with every "
            "possible session since 6 November 2026 marked N or O: by the authority's rules the "
            "authority is to be told."
        ),
        (
            Evidence(None, "", "first day without a reason: 6 November 2026"),
            Evidence(_at("13:30"), "", "day 5: 12 November 2026, the authority is to be told"),
            Evidence(None, "", "5 school days in a row up to 12 November 2026"),
        ),
        {"episode": "2026-11-06"},
    ),
    "twenty_day_absence": (
        "13:30",
        "",
        (
            "Day 20 reached on 12 November 2026: every possible session since 9 October 2026 is "
            "marked G, N or O. Joint enquiries with the local authority are due."
        ),
        (
            Evidence(None, "", "first day of the run: 9 October 2026"),
            Evidence(_at("13:30"), "", "day 20 reached: 12 November 2026"),
        ),
        {"episode": "2026-10-09"},
    ),
    "not_returned_from_leave": (
        "13:30",
        "",
        (
            "The leave ended on 23 October 2026. 10 school days after it, on 12 November 2026, the "
            "pupil had not come back: every possible session since is marked G, N or O."
        ),
        (
            Evidence(None, "", "last day of the leave: 23 October 2026"),
            Evidence(_at("13:30"), "", "tenth school day after it: 12 November 2026"),
        ),
        {"episode": "2026-10-23"},
    ),
    "twenty_sessions": (
        "13:30",
        "",
        (
            "20 of 88 possible sessions missed up to 12 November 2026: time for an early word "
            "with education welfare."
        ),
        (Evidence(_at("13:30"), "", "20 of 88 possible sessions missed up to 12 November 2026"),),
        {"episode": "2026"},
    ),
    "ten_day_sickness": (
        "13:30",
        "",
        (
            "20 possible sessions in a row marked I since 23 October 2026. Will 15 school days be "
            "missed? If that is to be expected, a sickness return is due."
        ),
        (
            Evidence(None, "", "ill since 23 October 2026"),
            Evidence(_at("13:30"), "", "session 20 of I in a row: 12 November 2026"),
        ),
        {"episode": "2026-10-23"},
    ),
    "fifteen_day_sickness": (
        "13:30",
        "",
        (
            "30 sessions of this school year are marked I, the last of them on 12 November 2026; "
            "8 of them in a row. Decide whether a sickness return to the local authority is due."
        ),
        (
            Evidence(None, "", "first of these sessions: 14 September 2026"),
            Evidence(_at("13:30"), "", "session 30 of I in the school year: 12 November 2026"),
        ),
        {"episode": "2026-11-09"},
    ),
    "penalty_threshold": (
        "13:30",
        "",
        (
            "10 unauthorised sessions within 10 school weeks; the threshold of 10 was met on 12 "
            "November 2026. 2 of them are still N: provisional until these are another code."
        ),
        (
            Evidence(None, "", "first of the sessions: 5 October 2026"),
            Evidence(_at("13:30"), "", "session 10 within 10 school weeks: 12 November 2026"),
        ),
        {},
    ),
    "reason_overdue": (
        "13:30",
        "",
        (
            "2 sessions are still marked N more than 5 school days later, the oldest of 4 "
            "November 2026. By now each has to be another code, O where no reason was found."
        ),
        (
            Evidence(None, "", "still N: 4 November 2026"),
            Evidence(_at("13:30"), "", "overdue from 12 November 2026"),
        ),
        {},
    ),
    "absence_pattern": (
        "13:30",
        "",
        (
            "9 of 10 short absences began on a Friday; by chance alone, with all looks of the "
            "year taken together, that comes about in fewer than 1 of 4,000 pupils."
        ),
        (Evidence(None, "", "9 of the 44 days on which they might have begun are such days"),),
        {"episode": "2026"},
    ),
    "lateness_pattern": (
        "13:30",
        "",
        (
            "Late for 16 of 40 sessions attended in the last 4 school weeks, before that for 2 of "
            "80; by chance alone, with all looks of the year taken together, that comes about in "
            "fewer than 1 of 10,000 pupils."
        ),
        (Evidence(None, "", "before: late for 2 of 80"),),
        {"episode": "2026"},
    ),
    "left_without_destination": (
        "06:00",
        "",
        (
            "Off the roll since 5 November 2026, and no destination is recorded. 5 school days "
            "have passed since."
        ),
        (
            Evidence(None, "", "last day on roll: 4 November 2026"),
            Evidence(None, "", "destination in the MIS: none"),
        ),
        {"episode": "2026/2022-09-01", "level": 2},
    ),
    "newly_in_care": (
        "06:00",
        "",
        (
            "In care since 11 November 2026. For 7 days a missed lesson is acted on at once, "
            "without grace."
        ),
        (Evidence(None, "", "care began on 11 November 2026"),),
        {"episode": "2026-11-11"},
    ),
    "repeat_missing": (
        "06:00",
        "",
        (
            "Missing during the day on 3 days since 20 October 2026: 20 October 2026, 4 November "
            "2026 and 11 November 2026."
        ),
        (Evidence(None, "", "missing during the day on 11 November 2026"),),
        {"episode": "missing/2026-11-11"},
    ),
}


@dataclass(frozen=True)
class ShownIncidents:
    """Incidents and contexts for messages."""

    def incident(self, trigger: str, *, level: int = 1) -> Incident:
        """Give an incident of a trigger as it is when people are first told."""
        clock, slot, sentence, evidence, more = _FINDINGS[trigger]
        fired = _at(clock)
        finding = Finding(
            trigger=trigger,
            pupil="p-1",
            day=TODAY,
            slot=slot,
            level=level,
            fired_at=fired,
            raised_at=fired,
            evidence=evidence,
            sentence=sentence,
        )
        finding = replace(finding, **more)
        decision = reconcile(
            "hilltop",
            (),
            Assessment((finding,)),
            fired,
            rules=IncidentRules(),
            data_as_of=fired - timedelta(minutes=1),
            scope=Scope(TRIGGERS[trigger].INFO.kind, TODAY),
        )
        return decision.incidents[0]

    def many(self, *triggers: str, disclosure: Disclosure = Disclosure.INITIALS) -> list[Item]:
        """Give one incident a trigger named, each of another pupil, to be told together."""
        items = []
        for number, trigger in enumerate(triggers):
            incident = self.incident(trigger)
            identity = f"{number:02x}" * 32
            incident = replace(
                incident,
                id=identity,
                reference=reference(hashlib.sha256(identity.encode()).hexdigest()),
                pupil=incident.pupil and f"p-{number}",
            )
            context = self.context(incident, disclosure)
            if context.identity:
                who = replace(context.identity, pupil=incident.pupil, form=f"{7 + number % 5}B")
                context = replace(context, identity=who)
            items.append(Item(incident, Reason.OPENED, context))
        return items

    def triggers(self) -> list[str]:
        """Name every trigger that there is an incident of."""
        return list(_FINDINGS)

    def context(
        self, incident: Incident, disclosure: Disclosure = Disclosure.INITIALS, minutes: int = 1
    ) -> MessageContext:
        """Give what the message needs; the registers are a number of minutes old."""
        now = incident.updated_at + timedelta(seconds=20)
        return MessageContext(
            school_name="Hilltop Invented School",
            disclosure=disclosure,
            identity=ADA if incident.pupil else None,
            link_base="https://bridge.school.example",
            now=now,
            data_as_of=now - timedelta(minutes=minutes),
            authority_name="Invented Council",
        )


@pytest.fixture
def shown() -> ShownIncidents:
    """One incident of every trigger."""
    return ShownIncidents()


@pytest.fixture
def in_chromium(
    peer_or_skip: Callable[[str], Any],
) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """Render cards and mails as Teams' own library does, in a real browser.

    With ``MIS_BRIDGE_PICTURES`` set to a folder, a PNG of each is left there to be looked at.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    node = shutil.which("node")
    if chromium is None:
        peer_or_skip("chromium is not installed")
    if node is None or not (PEER / "node_modules").is_dir():
        peer_or_skip("node or the packages of tests/peers/adaptivecards are not installed")
    pictures = os.environ.get("MIS_BRIDGE_PICTURES", "")

    def render(jobs: list[dict[str, Any]]) -> dict[str, Any]:
        for job in jobs:
            job["png"] = str(Path(pictures) / f"{job['name']}.png") if pictures else None
        done = subprocess.run(
            [str(node), "render.mjs"],
            cwd=PEER,
            input=json.dumps({"chromium": chromium, "jobs": jobs}),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return render
