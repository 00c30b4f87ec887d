"""A person's answers to a form, from a TOML file: what no register says.

The file holds a child's data; nothing of what it says is in an error. Its shape::

    [answers]
    "pupil.address" = "1 Invented Lane, IV1 1AA"

    [sender]
    role = "Attendance officer"

    [[enquiries]]
    at = 2026-11-12T09:20:00
    who = "A. Office"
    what = "Rang both numbers: no answer."
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import datetime  # noqa: TC003 - part of the structs
from typing import TYPE_CHECKING

import msgspec

from mis_bridge.errors import OperatorError
from mis_bridge.messages.package_model import Enquiry, Sender
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service.package_facts import Given

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["AnswersRead", "given_of", "read_answers"]


class _Enquiry(msgspec.Struct, forbid_unknown_fields=True):
    at: datetime
    who: str
    what: str


class _Sender(msgspec.Struct, forbid_unknown_fields=True):
    name: str = ""
    role: str = ""
    telephone: str = ""
    email: str = ""


class AnswersRead(msgspec.Struct, forbid_unknown_fields=True):
    """The shape of the file."""

    answers: dict[str, str] = {}
    sender: _Sender = msgspec.field(default_factory=_Sender)
    enquiries: list[_Enquiry] = []


def read_answers(path: Path, who: str) -> Given:
    """Read a file of answers.

    Args:
        path: the file.
        who: who asks for the package: the sender, where the file names none.

    Raises:
        OperatorError: it can not be read, is no TOML, or has another shape; names the key.
    """
    try:
        read = msgspec.convert(tomllib.loads(path.read_text("utf-8")), AnswersRead)
    except OSError as error:
        raise OperatorError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise OperatorError(f"{path}: it is not UTF-8 text") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise OperatorError(f"{path}: {error}") from None
    given = given_of(read)
    return replace(given, sender=replace(given.sender, name=given.sender.name or who))


def given_of(read: AnswersRead) -> Given:
    """What was read, as the packages take it."""
    sender = read.sender
    return Given(
        answers=read.answers,
        enquiries=tuple(
            # A time without an offset is what a clock in school showed.
            Enquiry(one.at if one.at.tzinfo else one.at.replace(tzinfo=LONDON), one.who, one.what)
            for one in read.enquiries
        ),
        sender=Sender(sender.name, sender.role, sender.telephone, sender.email),
    )
