"""Authorities are data: what they set holds, each number has its source, each mistake its line."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters.authorities import authority_ids, find_authority, load_authority
from mis_bridge.adapters.authority.comparing import Difference, differences
from mis_bridge.adapters.authority.reading import ACK_MINUTES
from mis_bridge.adapters.authority.scaffold import new_authority
from mis_bridge.adapters.registry import shipped
from mis_bridge.errors import OperatorError, SettingsError
from mis_bridge.incidents.chain import Origin
from mis_bridge.incidents.protocol import NATIONAL
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.messages.national_forms import NATIONAL_FORMS
from mis_bridge.settings import SettingsProblems
from mis_bridge.settings.model import IncidentSettings
from mis_bridge.triggers.catalogue import TRIGGERS, parameters
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = ("birmingham", "cheshire-east", "ealing", "national")
HEAD = '[authority]\nid = "exampleshire"\nname = "Exampleshire"\n'
STEP = '[[protocol.feed_blind]]\nid = "look"\ntext = "Look."\nwho = "office"\nsource = "Our own"\n'
YEAR = '[calendar."{}"]\nfirst_day = 2026-09-01\nlast_day = 2027-07-20\n'
FORM = '[form.cme]\nsource = "Our form"\n[[form.cme.section]]\ntitle = "Child"\nfields = [\n'


def _write(place: Path, text: str, name: str = "exampleshire") -> Path:
    """Write an authority under ``la`` of a folder of adapters; return that folder."""
    folder = place / "la" / name
    folder.mkdir(parents=True)
    (folder / "authority.toml").write_text(text, "utf-8")
    return place


def _problems(place: Path, text: str) -> list[SettingsError]:
    with pytest.raises(SettingsProblems) as caught:
        load_authority("exampleshire", [_write(place, text)])
    return list(caught.value.problems)


def test_the_national_authority_is_what_the_program_does_without_one() -> None:
    """Its file spells the defaults out, so that an officer can start from it; it moves none."""
    national = load_authority("national")

    assert {name: parameters(name, national.triggers.get(name, {})) for name in TRIGGERS} == {
        name: parameters(name) for name in TRIGGERS
    }
    assert national.protocols == NATIONAL
    assert {
        kind: [(s.title, s.fields) for s in form.sections] for kind, form in national.forms.items()
    } == {
        kind: [(s.title, s.fields) for s in form.sections] for kind, form in NATIONAL_FORMS.items()
    }
    assert (national.told, national.cme, national.route.kind) == ({}, {}, "assisted")
    assert ACK_MINUTES == IncidentSettings().ack_minutes == IncidentRules().ack_minutes


def test_these_authorities_come_with_the_program() -> None:
    """Each folder is valid, and has a README with its sources."""
    assert authority_ids() == list(SHIPPED)
    for name in SHIPPED:
        assert load_authority(name).id == name
        assert (shipped() / "la" / name / "README.md").is_file()


@pytest.mark.parametrize(
    ("authority", "number", "source"),
    [
        # DfE, explore education statistics: old_la_code of the three.
        ("cheshire-east", ("la_number", "895"), "DfE, explore education statistics"),
        ("birmingham", ("la_number", "330"), "DfE, explore education statistics"),
        ("ealing", ("la_number", "307"), "DfE, explore education statistics"),
        # Birmingham's form: for no longer than 5 consecutive days, whereabouts unknown.
        ("birmingham", ("cme", {"refer": 5}), "CME referral form"),
        # Ealing: enquiries from day 3; referral at ten school days.
        ("ealing", ("cme", {"enquiries": 3, "refer": 10}), "egfl.org.uk/print/30258"),
        # Cheshire East publishes none.
        ("cheshire-east", ("cme", {}), "The days on which enquiries start"),
        ("ealing", ("telephone", ["020 8825 5517", "020 8825 8000"]), "telephone for CME queries"),
        ("birmingham", ("telephone", [""]), "both are empty here"),
        ("cheshire-east", ("telephone", ["", "101, in danger 999"]), "101, or 999 in danger"),
        # Statutory guidance of 2014: 72 hours; Southgate: search 10, police 20 minutes.
        ("cheshire-east", ("return_interview", 72 * 60), "within 72 hours"),
        ("cheshire-east", ("search_site", 10), "practice of other schools"),
        ("cheshire-east", ("police_by_parent", 20), "practice of other schools"),
    ],
)
def test_each_number_is_that_of_its_source(
    authority: str, number: tuple[str, Any], source: str
) -> None:
    """What the file says is what the source says, and the README names the source."""
    read = load_authority(authority)
    steps = {step.id: step.minutes for step in read.protocols["missing_during_day"]}
    found: dict[str, Any] = {
        **steps,
        "la_number": read.la_number,
        "cme": {name: due.day for name, due in read.cme.items()},
        "telephone": [contact.telephone for contact in read.contacts],
    }
    told = (read.folder / "README.md").read_text("utf-8")

    assert found[number[0]] == number[1]
    assert source in " ".join(told.split())


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "national"])
def test_no_line_of_an_authority_is_without_a_source(name: str) -> None:
    """Contacts, days, route, steps, forms and checks each say whose they are; so do thresholds."""
    read = load_authority(name)
    changed = [form for kind, form in read.forms.items() if form != NATIONAL_FORMS[kind]]

    assert all(contact.source for contact in read.contacts)
    assert all(due.source for due in read.cme.values())
    assert read.route.source
    assert all(step.source for steps in read.protocols.values() for step in steps)
    assert all(form.source and check.source for form in changed for check in form.checklist)
    assert set(read.triggers) - {"whereabouts_unknown"} <= set(read.sources)


def test_ealing_refuses_a_referral_without_a_home_visit() -> None:
    """Source: Ealing, CME referral, referral checklist."""
    form = load_authority("ealing").forms["cme"]

    assert [field.key for field in form.fields if field.refused_without] == ["enquiries.home_visit"]
    assert form.checklist[0].id == "home_visit"


def test_birminghams_form_asks_in_its_own_order_what_has_a_star_on_it() -> None:
    """Source: Birmingham, CME referral form: surname first, risk last, these with a star."""
    form = load_authority("birmingham").forms["cme"]

    assert form.keys[:6] == (
        "pupil.surname",
        "pupil.forenames",
        "pupil.sex",
        "pupil.dob",
        "pupil.year_group",
        "pupil.upn",
    )
    assert form.keys[-4:] == (
        "risk.appraisal",
        "risk.mash",
        "risk.mash_outcome",
        "risk.circumstances",
    )
    assert [field.key for field in form.fields if field.needed] == [
        "pupil.surname",
        "pupil.forenames",
        "pupil.sex",
        "pupil.dob",
        "pupil.upn",
        "pupil.address",
        "family.parents",
        "school.name",
        "status.lac",
        "status.social_care",
        "status.sen",
        "status.traveller",
        "risk.appraisal",
    ]


def test_cheshire_east_records_every_incident_and_has_the_police_confirm() -> None:
    """Source: the council's guidance for schools on missing children (2017)."""
    steps = [step.id for step in load_authority("cheshire-east").protocols["missing_during_day"]]

    assert steps.index("contact_parent") < steps.index("police_by_parent")
    assert steps.index("police_by_parent") < steps.index("police_confirmed")
    assert {"record_incident", "talk_on_return", "return_interview"} <= set(steps)


def test_an_authority_of_ones_own_stands_beside_the_shipped_ones(tmp_path: Path) -> None:
    """A folder under adapter_dirs is enough; what it does not name is national."""
    dirs = [_write(tmp_path, HEAD + "[triggers.register_not_taken]\nminutes = 20\n")]

    authority = load_authority("exampleshire", dirs)

    assert "exampleshire" in authority_ids(dirs)
    assert authority.triggers["register_not_taken"]["minutes"] == 20
    assert authority.protocols == NATIONAL
    assert authority.forms == NATIONAL_FORMS


def test_an_authority_changes_one_protocol_and_keeps_the_others(tmp_path: Path) -> None:
    """Only what is written is changed, and a step says whom it tells."""
    text = HEAD + STEP + 'minutes = 7\ntells = ["virtual_school"]\n'

    changed = load_authority("exampleshire", [_write(tmp_path, text)]).protocols

    assert [(step.id, step.minutes, *step.tells) for step in changed["feed_blind"]] == [
        ("look", 7, "virtual_school")
    ]
    assert changed["missing_during_day"] == NATIONAL["missing_during_day"]


def test_a_deadline_may_be_in_school_days(tmp_path: Path) -> None:
    """Half term and training days do not count."""
    place = _write(tmp_path, HEAD + STEP + "school_days = 3\n")

    (step,) = load_authority("exampleshire", [place]).protocols["feed_blind"]

    assert (step.minutes, step.school_days) == (None, 3)


def test_an_authority_has_words_of_its_own_for_what_comes_to_it(tmp_path: Path) -> None:
    """One paragraph, however the officer broke the lines."""
    text = '[letter]\ntext = """OFFICIAL-SENSITIVE.\n{school} sends {title}."""\nsource = "us"\n'

    read = load_authority("exampleshire", [_write(tmp_path, HEAD + text)])

    assert read.letter == "OFFICIAL-SENSITIVE. {school} sends {title}."


def test_an_authority_gives_its_schools_their_term_dates(tmp_path: Path) -> None:
    """By school year, for the schools that go by them."""
    read = load_authority("exampleshire", [_write(tmp_path, HEAD + YEAR.format("2026/27"))])

    assert {str(year): str(one.last_day) for year, one in read.calendar.items()} == {
        "2026/27": "2027-07-20"
    }


def test_an_authority_says_who_in_the_school_is_told(tmp_path: Path) -> None:
    """A trigger that is not named tells whom it always tells."""
    text = f'{HEAD}[told]\nten_day_absence = ["attendance", "office"]\n'

    told = load_authority("exampleshire", [_write(tmp_path, text)]).told

    assert told == {"ten_day_absence": (Audience.ATTENDANCE, Audience.OFFICE)}


RULE = """
[[escalation]]
triggers = ["missing_during_day"]
source = "Our protocol"
steps = [{ tell = ["dsl"] }, { tell = ["deputy"], after_minutes = 5 }]
"""


def _origins(place: Path, text: str) -> list[tuple[str, int]]:
    read = load_authority("exampleshire", [_write(place, HEAD + text)])
    assert len(read.escalation) == len(read.escalation_sources)
    return [(rule.origin, rule.place) for rule in read.escalation]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_default_chain_holds_in_every_authority_that_came_with_the_program(name: str) -> None:
    """None of them has published whom a school tells of a missing child after how many minutes."""
    looked_after, everybody = load_authority(name).escalation

    assert {rule.origin for rule in (looked_after, everybody)} == {Origin.NATIONAL}
    assert (looked_after.flags, everybody.flags) == (frozenset({"lac"}), frozenset())
    for rule in (looked_after, everybody):
        assert rule.triggers == {"missing_during_day"}
        assert rule.besides
        assert [step.after for step in rule.steps] == [0, 15, 30]


def test_the_steps_of_the_default_go_by_the_minutes_of_the_school() -> None:
    """A school that gives people five minutes to answer has the deputy told after five."""
    (*_, everybody) = load_authority("ealing", ack_minutes=5).escalation

    assert [step.after for step in everybody.steps] == [0, 5, 10]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", [("national", 0), ("national", 1)]),
        # It leaves the default nothing to do.
        (RULE, [("authority", 0)]),
        # Of the children who are not looked after nothing is said.
        (RULE + 'flags = ["lac"]', [("authority", 0), ("national", 1)]),
        (RULE + 'hours = "09:00-12:00"', [("authority", 0), ("national", 0), ("national", 1)]),
        (
            RULE.replace("missing_during_day", "feed_blind"),
            [("authority", 0), ("national", 0), ("national", 1)],
        ),
    ],
)
def test_a_rule_of_the_authority_goes_before_the_default(
    tmp_path: Path, text: str, left: list[tuple[str, int]]
) -> None:
    """What its own rules leave open goes by the default."""
    assert _origins(tmp_path, text) == left


def test_steps_besides_the_usual_may_have_minutes_of_their_own(tmp_path: Path) -> None:
    """All of them, or none: half of an order is a mistake."""
    written = _write(tmp_path / "a", HEAD + RULE + "besides = true\n")
    half = RULE.replace("after_minutes = 5 }", 'after_minutes = 5 }, { tell = ["it"] }')

    (rule, *_) = load_authority("exampleshire", [written]).escalation
    (problem,) = _problems(tmp_path / "b", HEAD + half + "besides = true\n")

    assert rule.besides
    assert [step.after for step in rule.steps] == [0, 5]
    assert "in the order of time" in problem.problem


def test_without_minutes_is_for_steps_besides_the_usual_only(tmp_path: Path) -> None:
    """A chain that stands by itself says when: a forgotten number is no other number."""
    (problem,) = _problems(tmp_path, HEAD + RULE.replace(", after_minutes = 5", ""))

    assert "in the order of time" in problem.problem


def test_whose_a_threshold_is_stands_beside_it_and_is_no_parameter(tmp_path: Path) -> None:
    """The source is kept apart: the trigger never sees it."""
    text = f'{HEAD}[triggers.register_not_taken]\nminutes = 20\nsource = "Our policy"\n'

    read = load_authority("exampleshire", [_write(tmp_path, text)])

    assert read.triggers == {"register_not_taken": {"minutes": 20}}
    assert read.sources == {"register_not_taken": "Our policy"}


def test_the_days_of_an_authority_are_what_the_trigger_goes_by() -> None:
    """Ealing: enquiries from day 3, told at ten; Birmingham: told by day 5; Cheshire East: none."""
    days = {
        name: {
            key: value
            for key, value in load_authority(name).triggers.get("whereabouts_unknown", {}).items()
            if key.endswith("_day")
        }
        for name in SHIPPED
    }

    assert days == {
        "birmingham": {"refer_day": 5},
        "cheshire-east": {},
        "ealing": {"enquiries_day": 3, "refer_day": 10},
        "national": {},
    }


def test_a_form_of_ones_own_has_fields_that_no_other_has(tmp_path: Path) -> None:
    """A label where the words differ, the usual words where they do not."""
    text = (
        f'{HEAD}{FORM}  {{ key = "own.pets", label = "Pets" }},\n'
        '  { key = "enquiries.home_visit", refused_without = true },\n]\n'
    )

    form = load_authority("exampleshire", [_write(tmp_path, text)]).forms["cme"]

    pets, visit = form.fields
    assert (pets.label, pets.needed) == ("Pets", False)
    assert (visit.label, visit.needed, visit.refused_without) == ("Home visit", True, True)
    assert form.title == NATIONAL_FORMS["cme"].title


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('[authority]\nid = "other"\nname = "O"\n', "authority.id", "the name of its folder"),
        ('[authority]\nid = "exampleshire"\n', "authority.name", "is missing"),
        (HEAD + 'la_nummer = "1"\n', "authority.la_nummer", 'did you mean "la_number"?'),
        (HEAD + "la_number = 895\n", "authority.la_number", "text in quotes"),
        (HEAD + "[trigers.x]\na = 1\n", "trigers", 'did you mean "triggers"?'),
        (
            HEAD + "[triggers.register_not_take]\nminutes = 2\n",
            "triggers.register_not_take",
            'did you mean "register_not_taken"?',
        ),
        (
            HEAD + "[triggers.register_not_taken]\nminuts = 2\n",
            "triggers.register_not_taken.minuts",
            "the nearest is 'minutes'",
        ),
        (
            HEAD + "[triggers.register_not_taken]\nminutes = -2\n",
            "triggers.register_not_taken.minutes",
            "smallest value",
        ),
        (HEAD + "[triggers.feed_blind]\nsource = 7\n", "triggers.feed_blind.source", "in quotes"),
        (
            HEAD + STEP.replace("feed_blind", "fed_blind"),
            "protocol.fed_blind",
            'did you mean "feed_blind"?',
        ),
        (HEAD + "[protocol]\nfeed_blind = []\n", "protocol.feed_blind", "must not be empty"),
        (
            HEAD + STEP + STEP,
            "protocol.feed_blind[2].id",
            'a step "look" already',
        ),
        (
            HEAD + STEP.replace("who", "whom"),
            "protocol.feed_blind[1].who",
            "is missing",
        ),
        (HEAD + STEP + 'minutes = "3"\n', "protocol.feed_blind[1].minutes", "whole number"),
        (HEAD + STEP + "minutes = -1\n", "protocol.feed_blind[1].minutes", "at least 0"),
        (HEAD + STEP + "minutes = true\n", "protocol.feed_blind[1].minutes", "whole number"),
        (HEAD + STEP + "school_days = 1.5\n", "protocol.feed_blind[1].school_days", "whole number"),
        (
            HEAD + STEP + "school_days = 1\nminutes = 5\n",
            "protocol.feed_blind[1]",
            "a step has one deadline",
        ),
        (HEAD + 'calendar = "2026/27"\n', "authority.calendar", "there is no"),
        (HEAD + YEAR.format("2026"), "calendar.2026", 'calendar."2026/27"'),
        (HEAD + YEAR.format("2026/28"), 'calendar."2026/28".first_day', "this day is in 2026/27"),
        (HEAD + YEAR.format("2025/26"), 'calendar."2025/26".first_day', "this day is in 2026/27"),
        (
            HEAD + YEAR.format("2026/27").replace("last_day", "lst_day"),
            'calendar."2026/27".lst_day',
            'did you mean "last_day"?',
        ),
        (
            HEAD + YEAR.format("2026/27").replace("2027-07-20", "2026-08-02"),
            'calendar."2026/27"',
            "last_day is before first_day",
        ),
        (HEAD + STEP + 'after = "lunch"\n', "protocol.feed_blind[1].after", "'opened' or 'found'"),
        (HEAD + STEP + 'tells = ["press"]\n', "protocol.feed_blind[1].tells[1]", "'parents'"),
        (HEAD + STEP.replace("Our own", ""), "protocol.feed_blind[1].source", "not be empty"),
        (HEAD + "[cme.refer]\nday = 10\n", "cme.refer.source", "is missing"),
        (HEAD + '[cme.refer]\nday = 0\nsource = "us"\n', "cme.refer.day", "at least 1"),
        (
            HEAD + '[cme.enquiries]\nday = 5\nsource = "us"\n[cme.refer]\nday = 3\nsource = "us"\n',
            "cme.refer.day",
            "before enquiries on day 5",
        ),
        (
            HEAD + "[triggers.whereabouts_unknown]\nrefer_day = 5\n",
            "triggers.whereabouts_unknown.refer_day",
            "write it as [cme.refer]",
        ),
        (HEAD + '[told]\nfeed_blnd = ["it"]\n', "told.feed_blnd", 'did you mean "feed_blind"?'),
        (HEAD + "[told]\nfeed_blind = []\n", "told.feed_blind", "must not be empty"),
        (HEAD + '[told]\nfeed_blind = ["head"]\n', "told.feed_blind[1]", "'dsl'"),
        (
            HEAD + '[letter]\ntext = "To {auhority}."\nsource = "us"\n',
            "letter.text",
            'did you mean "authority"?',
        ),
        (HEAD + '[letter]\ntext = "To {pupil}."\nsource = "us"\n', "letter.text", "it is one of"),
        (HEAD + '[letter]\ntext = "{school"\nsource = "us"\n', "letter.text", "a brace is"),
        (HEAD + '[route]\nkind = "fax"\n', "route.kind", "'assisted'"),
        (HEAD + '[route]\nportal = "http://la.example"\n', "route.portal", "https://"),
        (
            HEAD + '[[contact]]\nrole = "cme"\nname = "T"\nemail = "T at la"\nsource = "us"\n',
            "contact[1].email",
            "one mail address",
        ),
        (HEAD + '[form.cmee]\nsource = "us"\n', "form.cmee", 'did you mean "cme"?'),
        (
            HEAD + FORM + '  { key = "pupil.surnam" },\n]\n',
            "form.cme.section[1].fields[1].key",
            'did you mean "pupil.surname"?',
        ),
        (
            HEAD + FORM + '  { key = "own.pets" },\n]\n',
            "form.cme.section[1].fields[1].label",
            "needs a label",
        ),
        (
            HEAD + FORM + '  { key = "pupil.upn" },\n  { key = "pupil.upn" },\n]\n',
            "form.cme.section[1].fields[2].key",
            "asked for already",
        ),
    ],
)
def test_a_mistake_is_named_with_its_key_and_line_and_what_to_write(
    tmp_path: Path, text: str, key: str, words: str
) -> None:
    """The officer who wrote it finds the line, and is told what is right."""
    problems = [one for one in _problems(tmp_path, text) if one.key == key]

    assert [one for one in problems if words in one.problem], _told(problems)
    (problem,) = problems
    assert problem.file.endswith("authority.toml")
    assert problem.line is not None
    assert re.search(r"\w", text.splitlines()[problem.line - 1])


def _told(problems: list[SettingsError]) -> list[str]:
    return [str(problem) for problem in problems]


def test_every_mistake_is_named_in_one_go(tmp_path: Path) -> None:
    """In the order of the lines."""
    text = HEAD + STEP + "minutes = -1\n" + STEP.replace("who", "whom")

    keys = [problem.key for problem in _problems(tmp_path, text)]

    assert keys == [
        "protocol.feed_blind[1].minutes",
        "protocol.feed_blind[2].who",
        "protocol.feed_blind[2].whom",
    ]


def test_an_attendance_return_asks_what_the_regulation_asks(tmp_path: Path) -> None:
    """SI 2024/208, regulation 13: a form without the address would be no return."""
    text = (
        HEAD
        + FORM.replace("form.cme", "form.attendance_return")
        + (
            '  { key = "pupil.surname" },\n  { key = "pupil.forenames" },\n'
            '  { key = "absence.cause" },\n]\n'
        )
    )

    (problem,) = _problems(tmp_path, text)

    assert problem.key == "form.attendance_return.section"
    assert '"pupil.address" is not asked for' in problem.problem


def test_a_file_that_is_no_toml_is_named_with_its_line(tmp_path: Path) -> None:
    """An officer forgets a quote."""
    (problem,) = _problems(tmp_path, "[authority]\nid = exampleshire\n")

    assert problem.line == 2
    assert "this is not TOML" in problem.problem


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    """Saved by an editor of long ago."""
    place = _write(tmp_path, HEAD)
    file = place / "la" / "exampleshire" / "authority.toml"
    file.write_bytes(HEAD.replace("Exampleshire", "Exampleshíre").encode("latin-1"))

    with pytest.raises(SettingsProblems, match="save it as UTF-8"):
        load_authority("exampleshire", [place])


def test_an_unknown_authority_is_refused_with_the_nearest() -> None:
    """A misspelt id never falls back to another authority's thresholds."""
    with pytest.raises(SettingsError, match='did you mean "national"'):
        load_authority("natoinal")


def test_two_authorities_with_one_id_are_refused_and_both_named(tmp_path: Path) -> None:
    """Nobody knows which of them was meant."""
    one = _write(tmp_path / "one", HEAD)
    two = _write(tmp_path / "two", HEAD)

    with pytest.raises(SettingsError, match="two authorities") as caught:
        load_authority("exampleshire", [one, two])

    assert str(one) in str(caught.value)
    assert str(two) in str(caught.value)
    assert load_authority("exampleshire", [one, one]).id == "exampleshire"


def test_an_authority_is_found_by_its_folder_too(tmp_path: Path) -> None:
    """An officer looks at a new one before any configuration names it."""
    place = _write(tmp_path, HEAD)

    assert find_authority(str(place / "la" / "exampleshire")).name == "Exampleshire"


@pytest.mark.parametrize("first", SHIPPED)
@pytest.mark.parametrize("second", SHIPPED)
def test_a_difference_is_the_same_from_both_sides(first: str, second: str) -> None:
    """Who compares the other way round sees the same lines; nobody differs from themselves."""
    one, other = load_authority(first), load_authority(second)
    there, back = differences(one, other), differences(other, one)

    assert {(line.what, line.first, line.second) for line in there} == {
        (line.what, line.second, line.first) for line in back
    }
    assert all(line.first != line.second for line in there)
    assert bool(there) is (first != second)


def test_a_difference_says_what_each_of_the_two_has(tmp_path: Path) -> None:
    """None where one has no such line; numbers as they hold, defaults filled in."""
    text = HEAD + "[triggers.register_not_taken]\nminutes = 20\n"

    found = differences(
        load_authority("national"), load_authority("exampleshire", [_write(tmp_path, text)])
    )

    assert found == [Difference("triggers.register_not_taken.minutes", "15", "20")]


def test_a_new_authority_is_the_national_one_under_its_own_name(tmp_path: Path) -> None:
    """It changes nothing until somebody writes in it."""
    folder = new_authority("exampleshire", 'Example "Shire"', tmp_path, authority_ids())

    read = load_authority("exampleshire", [tmp_path])

    assert folder == tmp_path / "la" / "exampleshire"
    assert (read.id, read.name) == ("exampleshire", 'Example "Shire"')
    assert differences(load_authority("national"), read) == []
    assert [rule.origin for rule in read.escalation] == [Origin.AUTHORITY, Origin.AUTHORITY]
    assert all(rule.besides for rule in read.escalation)
    assert 'Example "Shire"' in (folder / "README.md").read_text("utf-8")


def test_every_commented_table_of_the_national_file_is_accepted(tmp_path: Path) -> None:
    """A line that is switched on by taking "# " away is no mistake once it has a source."""
    text = (shipped() / "la" / "national" / "authority.toml").read_text("utf-8")
    switched_on = re.sub(r"(?m)^# (?=\[|\w+ = )", "", text).replace(
        'source = ""', 'source = "Our policy"'
    )
    place = _write(tmp_path, switched_on.replace('id = "national"', 'id = "exampleshire"'))

    read = load_authority("exampleshire", [place])

    assert sorted(read.cme) == ["enquiries", "home_visit", "refer"]
    assert read.contacts
    assert read.told
    assert tomllib.loads(switched_on).keys() > tomllib.loads(text).keys()


@pytest.mark.parametrize("name", ["Exampleshire", "1shire", "example shire", "national", ""])
def test_an_id_that_can_not_be_one_writes_nothing(tmp_path: Path, name: str) -> None:
    """Neither is one that is taken."""
    with pytest.raises(OperatorError):
        new_authority(name, "Exampleshire", tmp_path, authority_ids())

    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_not_touched(tmp_path: Path) -> None:
    """A second run would undo an officer's work."""
    file = _write(tmp_path, HEAD) / "la" / "exampleshire" / "authority.toml"

    with pytest.raises(OperatorError, match="is there already"):
        new_authority("exampleshire", "Exampleshire", tmp_path)

    assert file.read_text("utf-8") == HEAD
