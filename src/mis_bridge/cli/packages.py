"""What the commands about packages share: the kinds, the option that names one, a package's row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.service.kept_answers import Kept
    from mis_bridge.store.notifications import Notification

__all__ = ["KINDS", "kept_row", "kept_said", "kind_option", "package_row"]

# As messages.package_kinds.KINDS, which --help must not import; a test holds them equal.
KINDS = (
    "attendance_return",
    "sickness_return",
    "new_pupil_return",
    "deletion_return",
    "cme",
    "missing_incident",
    "early_help",
    "persistent_absence_list",
    "looked_after_copy",
    "looked_after_report",
    "ctf_data",
)

kind_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--kind",
    type=click.Choice(KINDS),
    metavar="KIND",
    help="Which package, where the incident has several.",
)


def package_row(package: Notification) -> dict[str, Any]:
    """What a list shows of a package; no name of a pupil."""
    data = json.loads(package.data)
    return {
        "reference": data["reference"],
        "school": package.school,
        "kind": package.kind,
        "due": data.get("due"),
        "prepared_at": package.created_at,
        "expires_at": package.expires_at,
        "missing_fields": len(data["missing"]),
    }


def kept_row(kept: Kept) -> dict[str, Any]:
    """What a version has from the one before it, for programs."""
    return {
        "kept": list(kept.fields),
        "not_kept": list(kept.gone),
        "kept_enquiries": kept.enquiries,
        "kept_sender": kept.sender,
    }


def kept_said(kept: Kept) -> str:
    """The same in a sentence."""
    said = str(kept)
    if not said:
        return "Nobody had filled in anything in the last version."
    return f"Kept from the last version: {said}. Give anew what has changed: --answers FILE."
