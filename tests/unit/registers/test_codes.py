from __future__ import annotations

from datetime import date

import pytest

from mis_bridge.errors import UnknownCode
from mis_bridge.registers import codes
from mis_bridge.registers.codes import CODES, CodeClass, class_of, find, to_byte, to_code

# Regulation 10 of SI 2024/208 and the classes of the August 2024 guidance.
LEGAL = {
    CodeClass.PRESENT: "/ \\ L",
    CodeClass.APPROVED: "K V P W B",
    CodeClass.AUTHORISED: "C C1 C2 E I J1 M R S T",
    CodeClass.UNAUTHORISED: "G N O U",
    CodeClass.NOT_POSSIBLE: "D Q X Y1 Y2 Y3 Y4 Y5 Y6 Y7",
    CodeClass.NOT_COLLECTED: "Z #",
}
TWO_CHARACTERS = ["C1", "C2", "J1", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7"]


@pytest.mark.parametrize("code_class", LEGAL)
def test_legal_codes_by_class(code_class: CodeClass) -> None:
    """The legal codes of each class are those of the regulations, no more and no fewer."""
    legal = {code.code for code in CODES if code.legal and code.code_class is code_class}

    assert set(LEGAL[code_class].split()) == legal


def test_there_are_34_legal_codes() -> None:
    """The register has 34 codes."""
    assert sum(code.legal for code in CODES) == 34


@pytest.mark.parametrize(
    ("code", "code_class", "last_day"),
    [
        ("H", CodeClass.AUTHORISED, date(2024, 8, 18)),
        ("J", CodeClass.APPROVED, date(2024, 8, 18)),
        ("Y", CodeClass.NOT_POSSIBLE, date(2024, 8, 18)),
        ("F", CodeClass.AUTHORISED, date(2013, 8, 31)),
    ],
)
def test_withdrawn_codes_keep_their_class(code: str, code_class: CodeClass, last_day: date) -> None:
    """A withdrawn code is not legal, knows its last day, and still counts in its class."""
    entry = find(code)

    assert entry is not None
    assert (False, code_class, last_day) == (entry.legal, entry.code_class, entry.effective_to)


@pytest.mark.parametrize("code", ["K", "Q", *TWO_CHARACTERS])
def test_codes_of_the_2024_regulations(code: str) -> None:
    """The codes that the 2024 regulations brought are in force from 19 August 2024."""
    entry = find(code)

    assert entry is not None
    assert not entry.in_force(date(2024, 8, 18))
    assert entry.in_force(date(2024, 8, 19))


def test_interviews_moved_from_attendance_to_absence() -> None:
    """J was attendance until the 2024 regulations, J1 is absence since then."""
    before, since = find("J"), find("J1")

    assert before is not None
    assert since is not None
    assert before.in_force(date(2024, 8, 18))
    assert not before.in_force(date(2024, 8, 19))
    assert since.in_force(date(2024, 8, 19))
    assert to_byte("J") in codes.POSSIBLE_BYTES
    assert to_byte("J") not in codes.ABSENCE_BYTES
    assert to_byte("J1") in codes.ABSENCE_BYTES


def test_codes_without_dates_were_always_in_force() -> None:
    """A code that is older than any register that is read has no first day."""
    illness = find("I")

    assert illness is not None
    assert illness.in_force(date(2010, 9, 1))
    assert illness.in_force(date(2030, 9, 1))


@pytest.mark.parametrize("code", TWO_CHARACTERS)
def test_codes_of_two_characters_are_one_byte(code: str) -> None:
    """A code of two characters has one byte of its own that is no ASCII character."""
    assert to_byte(code) > 127


def test_no_two_codes_share_a_byte() -> None:
    """The table can be read both ways."""
    stored = [code.byte for code in CODES] + [codes.NO_SESSION]

    assert len(set(stored)) == len(stored)


def test_codes_of_one_character_are_their_own_byte() -> None:
    """A code of one character is stored as itself, so that a strip can be read by eye."""
    for code in CODES:
        if len(code.code) == 1:
            assert ord(code.code) == code.byte


def test_every_code_comes_back() -> None:
    """Any code of the table survives the way to its byte and back."""
    for code in CODES:
        assert code.code == to_code(to_byte(code.code))


@pytest.mark.parametrize("text", ["", " ", "-", " - "])
def test_no_mark_is_not_taken(text: str) -> None:
    """An empty cell and a dash both say that the register was not taken."""
    assert to_byte(text) == codes.NOT_TAKEN


def test_spaces_around_a_code_do_not_matter() -> None:
    """Exports pad codes to a width."""
    assert to_byte("C1 ") == to_byte(" C1") == to_byte("C1")


@pytest.mark.parametrize("text", ["A", "Y8", "Y0", "C3", "n", "i", "y1", ".", "//", "6", "@", "!"])
def test_unknown_codes_are_refused(text: str) -> None:
    """A code outside the table is refused with its value, its place and what to do; no guess."""
    with pytest.raises(UnknownCode) as caught:
        to_byte(text, place="sessions.csv line 12")

    assert repr(text) in str(caught.value)
    assert "sessions.csv line 12" in str(caught.value)
    assert "[codes]" in str(caught.value)


def test_unknown_bytes_are_refused() -> None:
    """A byte of no code is refused by its number."""
    with pytest.raises(UnknownCode, match="0x00"):
        to_code(0)
    with pytest.raises(UnknownCode, match="0xFF"):
        class_of(0xFF)


def test_slots_without_a_session_have_no_entry() -> None:
    """The filler of a strip can be told from marks: it has a class, but no entry in the table."""
    assert class_of(codes.NO_SESSION) is CodeClass.NO_SESSION
    assert to_code(codes.NO_SESSION) == "."
    assert codes.by_byte(codes.NO_SESSION) is None
    assert find("ZZ") is None


def test_class_table_agrees_with_the_codes() -> None:
    """Translating marks gives the letter of each one's class, and ? for a byte of no code."""
    for code in CODES:
        letter = bytes((code.byte,)).translate(codes.CLASS_TABLE).decode()

        assert codes.CLASS_LETTERS[code.code_class] == letter
    assert b"\x00\xff".translate(codes.CLASS_TABLE) == b"??"
    assert b".".translate(codes.CLASS_TABLE) == b"."


def test_letters_of_classes_differ() -> None:
    """Each class has a letter of its own."""
    assert len(set(codes.CLASS_LETTERS.values())) == len(CodeClass)


def test_who_was_seen_in_school() -> None:
    """Present, late, late after the register closed and "in school, not in class" are sightings."""
    seen = {code.code for code in CODES if codes.is_on_site(code.byte)}

    assert seen == {"/", "\\", "L", "U", "&"}


def test_who_is_away() -> None:
    """U is an absence of a pupil who is in the school: never a reason to look for the child."""
    away = {code.code for code in CODES if codes.is_away(code.byte)}

    assert away == {*LEGAL[CodeClass.AUTHORISED].split(), "H", "F", "G", "N", "O"}


def test_a_lesson_mark_says_nothing_about_a_session() -> None:
    """The mark "in school, not in class" is no possible session."""
    assert to_byte("&") not in codes.POSSIBLE_BYTES
    assert to_byte("&") in codes.OUTSIDE_BYTES


def test_possible_marks_are_the_denominator() -> None:
    """Possible are attendance and absence, never a register that was not taken."""
    assert set(codes.POSSIBLE_BYTES) == {
        code.byte
        for code in CODES
        if code.code_class
        in {
            CodeClass.PRESENT,
            CodeClass.APPROVED,
            CodeClass.AUTHORISED,
            CodeClass.UNAUTHORISED,
        }
    }
    assert codes.NOT_TAKEN not in codes.OUTSIDE_BYTES
