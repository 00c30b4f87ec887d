"""What every channel offers."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from mis_bridge.channels.outcome import Outcome
    from mis_bridge.messages.model import Disclosure, Message

__all__ = [
    "Channel",
    "CheckedWeekly",
    "Counting",
    "Editing",
    "Ending",
    "Examining",
    "Expiry",
    "Point",
    "Sharing",
    "Standing",
    "activity_of",
    "date_of",
    "is_editable",
    "is_loopback",
    "proof_of_activity",
    "written_end",
]

_ACTIVITY: Final = "activity"


@dataclass(frozen=True, slots=True)
class Expiry:
    """When something that a channel needs runs out.

    Args:
        at: aware.
        what: what runs out.
        then: what to do about it.
    """

    at: datetime
    what: str
    then: str

    def __str__(self) -> str:
        return f"{self.what} expires on {date_of(self.at)}: {self.then}"


class Standing(StrEnum):
    """How one point of an examination stands."""

    OK = "ok"
    DOUBT = "doubt"
    """It works, or could not be told: somebody should look before it matters."""
    PROBLEM = "problem"
    """Messages do not arrive by this channel, or it may do what it must not."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of an examination: what was looked at and how it stands.

    Args:
        what: what was looked at, a few words: ``token``, ``sends as no other``.
        standing: how it stands.
        detail: what was seen; no secret, no name of a pupil.
        then: what to do; empty where it is well, or where the detail says it already.
    """

    what: str
    standing: Standing
    detail: str
    then: str = ""


class Channel(Protocol):
    """One way to reach people.

    ``send`` and ``check`` never raise: whatever happens becomes an
    :class:`~mis_bridge.channels.outcome.Outcome`.
    """

    @property
    def name(self) -> str:
        """Name of the channel in the configuration."""

    @property
    def kind(self) -> str:
        """As in the settings: ``teams``, ``teams-bot``, ``smtp``, ``graph``, ``folder`` ..."""

    @property
    def disclosure(self) -> Disclosure:
        """How much of a pupil may be shown to those who read this channel."""

    async def send(self, message: Message) -> Outcome:
        """Send one message to the message's own recipients, else to the channel's."""

    async def check(self) -> Outcome:
        """Go as far as is possible without sending; ``SENT`` means that all is well."""

    async def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class Ending(Protocol):
    """A channel that needs certificates, which end."""

    def expiries(self) -> Sequence[Expiry]:
        """When each of them runs out, the first to do so first; reads files."""


@runtime_checkable
class Examining(Protocol):
    """A channel that can say more of itself than ``check`` does.

    Ask through :func:`mis_bridge.channels.examination.examine`, which asks every channel.
    """

    async def examine(self, *, probe: bool) -> Sequence[Point]:
        """Look at every point of the channel; like ``check`` it never raises.

        Args:
            probe: whether something may be sent that reaches no person, to see what the peer
                makes of it.
        """


class Counting(Protocol):
    """What a peer counts together, of however many channels.

    Times are seconds of any clock that never goes back. Equal only to itself.
    """

    @property
    def memory(self) -> float:
        """Seconds after which what was sent does not count any more."""

    def recall(self, moments: Iterable[float]) -> None:
        """Count what was sent before this program began."""


@runtime_checkable
class Sharing(Protocol):
    """A channel whose peer counts what it sends, perhaps together with what others send."""

    @property
    def allowance(self) -> Counting:
        """One and the same for all channels that are counted together."""


@runtime_checkable
class CheckedWeekly(Protocol):
    """A channel that is turned off where nothing uses it, or that never says what it has shown."""

    @property
    def checked_weekly(self) -> bool:
        """Whether a card shows its readers every week that it works."""


@runtime_checkable
class Editing(Protocol):
    """A channel that can change a message that it has sent; nobody is rung by that."""

    async def edit(self, message: Message) -> Outcome:
        """Put a message in the place of the one whose proof it names in ``edits``."""


def proof_of_activity(activity: str, conversation: str) -> str:
    """Write the proof of a message that can be changed: which it is, and where it stands."""
    return f"{_ACTIVITY} {activity} {conversation}"


def activity_of(proof: str) -> tuple[str, str] | None:
    """Read such a proof: the message's id and its conversation's; None where it is another one."""
    kind, _, rest = proof.partition(" ")
    activity, _, conversation = rest.partition(" ")
    return (activity, conversation) if kind == _ACTIVITY and activity and conversation else None


def is_editable(proof: str) -> bool:
    """Tell whether a message can be changed, by the proof that it was sent."""
    return activity_of(proof) is not None


def date_of(moment: datetime) -> str:
    """Write a day as people do: ``3 March 2027``."""
    return f"{moment.day} {moment:%B %Y}"


def written_end(day: date | None, what: str, reference: str) -> Expiry | None:
    """Give the end of a secret whose day somebody wrote down, as ``secret_expires``.

    The secret ends at some time of that day; its beginning is the safe reading.

    Args:
        day: as written, or None.
        what: which kind of secret it is.
        reference: where the secret is stored; may be shown.
    """
    if day is None:
        return None
    return Expiry(
        datetime(day.year, day.month, day.day, tzinfo=UTC),
        f"the {what} in {reference}",
        f"get a new one, store it as {reference}, and write its day as secret_expires",
    )


def is_loopback(host: str) -> bool:
    """Tell whether the host is this machine, by its spelling alone (nothing is looked up)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
