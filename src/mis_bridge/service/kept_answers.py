"""What a person added to a package goes on into its next version.

It is kept beside the package, and not in its files: those say what stands in a field, and not who
knew it. Whoever asks for the next version gives anew what has changed, field by field, and attempt
by attempt to find the child. An empty answer takes back the one that was given, and what the MIS
says counts again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from mis_bridge.messages.package_model import Sender
from mis_bridge.service.answers import AnswersRead, given_of
from mis_bridge.service.package_facts import Given

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.messages.package_model import Enquiry, PackageData
    from mis_bridge.store.notifications import Notification

__all__ = ["Kept", "kept_text", "merged", "of_package", "what_was_kept"]


class _Stored(AnswersRead):
    authority_asks: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What a version has from the one before it; says of no answer what it is.

    Args:
        fields: keys of fields, in their order.
        gone: keys of answers to fields that the form no longer has, likewise.
        enquiries: how many attempts to find the child.
        sender: whom the authority calls back is the same person.
        authority_asks: that the authority asks for it was said then.
    """

    fields: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    enquiries: int = 0
    sender: bool = False
    authority_asks: bool = False

    def __str__(self) -> str:
        """In words, or empty where it has nothing."""
        enquiries = "1 enquiry" if self.enquiries == 1 else f"{self.enquiries} enquiries"
        parts = (
            ", ".join(self.fields),
            enquiries if self.enquiries else "",
            "whom the authority calls back" if self.sender else "",
            "that the authority asks for it" if self.authority_asks else "",
        )
        said = "; ".join(part for part in parts if part)
        if self.gone:
            gone = f"the form no longer asks for {', '.join(self.gone)}"
            said = f"{said}. Not kept: {gone}" if said else f"nothing: {gone}"
        return said


def of_package(package: Notification) -> Given:
    """What was added to a package, in this version or in one before it."""
    if not package.given:
        return Given()
    read = msgspec.json.decode(package.given, type=_Stored)
    return replace(given_of(read), authority_asks=read.authority_asks)


def merged(before: Given, given: Given) -> Given:
    """What goes into the next version: what was given before, and over it what is given now."""
    answers = {**before.answers, **given.answers}
    return Given(
        answers=answers,
        enquiries=_enquiries(before.enquiries, given.enquiries),
        sender=_sender(before.sender, given.sender),
        authority_asks=before.authority_asks or given.authority_asks,
        kept=frozenset(before.answers) - frozenset(given.answers),
    )


def _enquiries(before: Iterable[Enquiry], now: Iterable[Enquiry]) -> tuple[Enquiry, ...]:
    """All attempts; of one moment and person what was said last, and none where that is empty."""
    by_key = {(one.at, one.who): one for one in (*before, *now)}
    return tuple(one for one in by_key.values() if one.what.strip())


def _sender(before: Sender, now: Sender) -> Sender:
    """Whom the authority calls back: of another person than before nothing is taken over."""
    if now.name and before.name and now.name != before.name:
        return now
    kept = asdict(before)
    return Sender(**(kept | {name: text for name, text in asdict(now).items() if text}))


def kept_text(given: Given, data: PackageData, *, about_many: bool) -> str:
    """What is stored beside a package: what it has of what was given.

    Args:
        given: as it went into the package.
        data: the package; what it has no field for is not kept.
        about_many: of a list of pupils no enquiries are kept: none of them are in it, and whoever
            takes a pupil out of it looks at what is in it.
    """
    if given == Given(kept=given.kept):
        return ""
    fields = {field.key for section in data.sections for field in section.fields}
    values = {
        "answers": {key: text for key, text in given.answers.items() if key in fields and text},
        "sender": asdict(given.sender),
        "enquiries": []
        if about_many
        else [{**asdict(one), "at": one.at.isoformat()} for one in given.enquiries],
        "authority_asks": given.authority_asks,
    }
    return json.dumps(values, ensure_ascii=False)


def what_was_kept(before: Notification, after: Notification, given: Given) -> Kept:
    """Say what a version has of what was given to the one before it.

    Args:
        before: the version before it.
        after: this one.
        given: what was given anew.
    """
    old, new = of_package(before), of_package(after)
    anew = {(one.at, one.who) for one in given.enquiries}
    stayed = [key for key in old.answers if key not in given.answers]
    return Kept(
        fields=tuple(key for key in stayed if key in new.answers),
        gone=tuple(key for key in stayed if key not in new.answers),
        enquiries=sum((one.at, one.who) not in anew for one in old.enquiries),
        sender=old.sender == new.sender != Sender(name=new.sender.name),
        authority_asks=old.authority_asks and not given.authority_asks,
    )
