"""Invented people: names that nobody bears, and UPNs of the right shape for an invented authority.

Surnames say that they are invented ("Testpupil", "Samplegate") and carry the letters that break
careless fonts and encodings. UPNs are of local authority 999, which does not exist; their check
letter is right, so that a reader that verifies it (DfE, "Unique pupil numbers", annex A) accepts
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from datetime import date

__all__ = ["FORENAMES", "SURNAMES", "SyntheticPupil", "invent_name", "invent_upn"]

SURNAMES = (
    "Testpupil", "Exampleson", "Samplegate", "Mockingham", "Demoworth", "Fictionby",
    "Inventley", "Pretendham", "Imaginby", "Placeholder", "Trialton", "Madeupley",
    "Sampleová", "Teståsen", "Égzample", "Musterfräu", "Fiktívny", "Próbka-Test",
    "Örnekoğlu", "Ficțiunescu", "Pretençe", "O'Sample", "d'Exemple", "Nguyễn-Test",
    "Mac an Tástála", "Beispiełek", "Invençãozinha", "Teszteleő", "Samplestrup", "Žádnýová",
)  # fmt: skip
"""Invented surnames; the second half is written with letters beyond ASCII."""

FORENAMES = (
    "Ada", "Ben", "Cora", "Dev", "Ella", "Finn", "Gita", "Hugo", "Isla", "Jamal",
    "Kit", "Lena", "Musa", "Nora", "Omar", "Priya", "Quinn", "Rosa", "Sami", "Tess",
    "Zoë", "Seán", "Łucja", "Ngọc", "Siân", "Márton", "Çağla", "Agnès", "Jürgen", "Ștefan",
)  # fmt: skip
"""Everyday forenames; a third of them carry diacritics."""

_CHECK_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_INVENTED_AUTHORITY = 999


@dataclass(frozen=True, slots=True)
class SyntheticPupil:
    """One invented pupil.

    Args:
        number: place on the roll, from 0; the pupil's key inside the simulator.
        id: the MIS's id (``A`` and digits).
        mis_id: the id inside the school's own database.
        upi: 32 hexadecimal digits, stable when the pupil leaves and returns.
        year_group: national curriculum year.
        form: registration group, ``8B``.
        admission, leaving: first and last day on roll; ``leaving`` None for who stays.
        flags: of ``lac cp cin ehcp sen send_risk yot missing_before``.
        care_began: first day in care, for looked-after children.
    """

    number: int
    id: str
    mis_id: str
    upi: str
    upn: str
    surname: str
    forename: str
    sex: str
    dob: date
    year_group: int
    form: str
    admission: date
    leaving: date | None = None
    flags: frozenset[str] = frozenset()
    care_began: date | None = None

    def on_roll(self, day: date) -> bool:
        """Say whether the pupil is on the roll on a day."""
        return self.admission <= day and (self.leaving is None or day <= self.leaving)


def invent_name(rng: random.Random) -> tuple[str, str]:
    """Draw a surname and a forename."""
    return rng.choice(SURNAMES), rng.choice(FORENAMES)


def invent_upn(estab: int, entry_year: int, serial: int) -> str:
    """Make a permanent UPN of the invented authority 999.

    Args:
        estab: four-digit number of the school.
        entry_year: year in which the UPN was issued, four digits.
        serial: 0 to 999 within that year.

    Returns:
        13 characters: check letter, authority, school, year, serial.
    """
    digits = f"{_INVENTED_AUTHORITY:03}{estab:04}{entry_year % 100:02}{serial:03}"
    weighted = sum(weight * int(digit) for weight, digit in enumerate(digits, start=2))
    return _CHECK_LETTERS[weighted % len(_CHECK_LETTERS)] + digits
