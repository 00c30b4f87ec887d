"""Whose rules the schools of an import go by: the authority's own, where it has a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.adapters.authorities import NATIONAL_ID, of_number
from mis_bridge.settings.school_file import authority_in

if TYPE_CHECKING:
    from mis_bridge.settings import Configuration

__all__ = ["whose_rules"]


def whose_rules(number: str, template: str, configuration: Configuration) -> tuple[str, list[str]]:
    """Say whose rules new files go by.

    Args:
        number: the Local Authority's DfE number.
        template: text of a school's file.
        configuration: as read.

    Returns:
        The id that the files are to name, empty where they need name none; and sentences for the
        person, the last of which says whose rules hold.
    """
    general = configuration.settings.authority.id
    found, said = of_number(number, configuration.settings.service.adapter_dirs)
    named = authority_in(template)
    holds = named or general
    ids = [one.id for one in found]
    if holds in ids:
        return "", [*said, f"The new schools go by the rules of {holds}, number {number}."]
    if not found:
        said.append(
            f"No authority here has the number {number}: its file (authority.toml) is missing. The "
            f"new schools go by {_rules_of(holds)} until it is there: mis-bridge "
            f'authorities new --help, then la_number = "{number}" in it and id under [authority] '
            "in config.toml, or in the schools' own files."
        )
        return "", said
    if named is not None or len(found) > 1:
        why = (
            "the template says so"
            if named
            else "the template has a table [authority] without id"
            if named is not None
            else "more than one has this number"
        )
        said.append(
            f"The number {number} is that of {' and '.join(ids)}, but the new schools go by "
            f"{_rules_of(holds)}: {why}. Is that meant?"
        )
        return "", said
    said.append(
        f"The new schools go by the rules of {ids[0]}, number {number}: each file says so under "
        "[authority]."
    )
    return ids[0], said


def _rules_of(authority: str) -> str:
    return "the national rules" if authority == NATIONAL_ID else f"the rules of {authority}"
