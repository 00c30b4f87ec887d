"""What a pupil is called in a message: as much of the name as the channel may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.messages.model import Disclosure

if TYPE_CHECKING:
    from mis_bridge.messages.model import PupilIdentity

__all__ = ["pupil_label"]


def pupil_label(identity: PupilIdentity | None, disclosure: Disclosure) -> str:
    """Return how a pupil may be called: ``Ada Testpupil, 8B``, ``A.T., 8B``, or nothing."""
    if disclosure is Disclosure.REFERENCE:
        return ""
    if identity is None:
        return "not on the roll that was read"
    forename, surname = identity.forename.strip(), identity.surname.strip()
    if disclosure is Disclosure.FULL:
        name = f"{forename} {surname}".strip()
    else:
        name = "".join(_initial(part) for part in (forename, surname))
        if not name and (forename or surname):
            name = "initials not given"
    group = identity.form.strip() or _year(identity.year_group)
    label = ", ".join(part for part in (name or "name not known", group) if part)
    if not identity.alike:
        return label
    # Whoever goes to look would look for the wrong twin.
    both = f"{identity.alike + 1} pupils of the form have"
    if disclosure is Disclosure.FULL:
        return f"{label} ({both} this name: make sure which)"
    return f"{label} ({both} these initials: open the incident to see which)"


def _initial(name: str) -> str:
    """Abbreviate a name; empty where the first character would be all of it, or a whole word."""
    letters = [char for char in name if char.isalpha()]
    # Of scripts that know capitals, one letter of several tells little. A Chinese character is
    # a name by itself.
    if len(letters) < 2 or letters[0].upper() == letters[0].lower():  # noqa: PLR2004 - one is all
        return ""
    return f"{letters[0].upper()}."


def _year(year_group: int | None) -> str:
    if year_group is None:
        return ""
    if year_group < 0:
        return "Nursery"
    return f"Year {year_group}" if year_group else "Reception"
