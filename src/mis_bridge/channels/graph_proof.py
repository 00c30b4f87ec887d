"""The proof that an app sends from its own mailbox and from no other, without a mail to a person.

Three looks, from the one that costs nothing to the one that proves it:

1. The token. A permission that was granted in Entra stands in its claim ``roles`` and holds for
   every mailbox, whatever Exchange allows; the two add up. An app that was given its mailbox in
   Exchange alone ("RBAC for Applications") has none.
2. The own mailbox writes to itself: that has to be accepted.
3. Another mailbox writes to our own: that has to be refused with 403. The mail is a whole one,
   since nobody documents whether Graph looks at the permission or at the mail first. If it is
   accepted, it lands in our own mailbox, says what it means, and leaves no copy in the other one's
   sent items.
"""

from __future__ import annotations

import asyncio
import base64
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from mis_bridge.channels.attempt import Attempt
from mis_bridge.channels.base import Point, Standing
from mis_bridge.channels.examination import point_of
from mis_bridge.channels.http_outcome import of_failure
from mis_bridge.channels.microsoft_service import refusal_code
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.token_refused import TokenRefused
from mis_bridge.io.http import HttpError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mis_bridge.channels.microsoft_service import MicrosoftService
    from mis_bridge.io.http import HttpResponse

__all__ = ["granted_everywhere", "prove"]

T = TypeVar("T")

_JWT_PARTS: Final = 3
_SUBJECT: Final = "TEST of the mailbox by mis-bridge: nothing has to be done"
_OWN: Final = (
    "mis-bridge has written this to its own mailbox to see whether it may send from it. Nothing "
    "has to be done; it may be deleted.\n"
)
_FOREIGN: Final = (
    "mis-bridge could send this mail as {other}, and must not be able to. Its app may use more "
    'mailboxes than its own: an administrator of Microsoft 365 has to limit it, as the page "Send '
    "email by Microsoft Graph\" says. This mail has gone to mis-bridge's own mailbox only.\n"
)

_NOT_TRIED: Final = Point(
    "sends as no other",
    Standing.DOUBT,
    "not tried",
    "set must_not_send_as to a mailbox of the school, for example the head's",
)


async def prove(
    graph: MicrosoftService,
    sender: str,
    other: str | None,
    *,
    probe: bool,
    judge: Callable[[HttpResponse], Outcome],
) -> list[Point]:
    """Look at what an app may do; never raises.

    Args:
        graph: where, and who asks.
        sender: its own mailbox.
        other: a mailbox that it has to be refused, or None.
        probe: whether the two mails may be sent.
        judge: says what an answer means for a mail of the own mailbox.
    """
    token = await _unless_refused(graph, graph.tokens.token())
    if isinstance(token, Outcome):
        return [point_of("token", token)]
    points = [Point("token", Standing.OK, "given by the sign-in service")]
    points.append(_of_grants(token))
    if not probe:
        return points
    answer = await _write(graph, sender, to=sender, text=_OWN)
    outcome = answer if isinstance(answer, Outcome) else judge(answer)
    points.append(point_of(f"sends as {sender}", outcome))
    if other is None:
        points.append(_NOT_TRIED)
    else:
        answer = await _write(graph, other, to=sender, text=_FOREIGN.format(other=other))
        points.append(_of_refusal(answer, f"does not send as {other}"))
    return points


def granted_everywhere(token: str) -> list[str]:
    """Give the permissions for mail that a token has in every mailbox of the school.

    Args:
        token: as Entra gave it. What is not readable holds no permission that we know of: Microsoft
            may change the form of its tokens.
    """
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return []
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        roles = claims["roles"]
    except (ValueError, KeyError, TypeError):
        return []
    if not isinstance(roles, list):
        return []
    return sorted(one for one in roles if isinstance(one, str) and one.startswith("Mail."))


def _of_grants(token: str) -> Point:
    what = "permissions in Entra"
    if granted := granted_everywhere(token):
        return Point(
            what,
            Standing.PROBLEM,
            f"{', '.join(granted)} is granted for every mailbox of the school",
            "remove it from the app's API permissions: the role in Exchange is enough",
        )
    return Point(what, Standing.OK, "none for every mailbox of the school")


def _of_refusal(answer: HttpResponse | Outcome, what: str) -> Point:
    if isinstance(answer, Outcome):
        return Point(what, Standing.DOUBT, answer.detail)
    code = refusal_code(answer)
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return Point(
            what,
            Standing.PROBLEM,
            f"the mail was accepted ({answer.status}); it went to our own mailbox alone",
            "limit the app to its mailbox: docs/how-to/email-by-graph.md, step 3",
        )
    if answer.status == HTTPStatus.FORBIDDEN and code:
        return Point(what, Standing.OK, f"refused ({answer.status} {code})")
    then = ""
    if answer.status == HTTPStatus.NOT_FOUND:
        then = "set must_not_send_as to a mailbox that exists"
    return Point(what, Standing.DOUBT, f"could not be told ({answer.status} {code})".rstrip(), then)


async def _write(
    graph: MicrosoftService, mailbox: str, *, to: str, text: str
) -> HttpResponse | Outcome:
    path = f"users/{quote(mailbox, safe='@')}/sendMail"
    asked = graph.ask_json("POST", path, _mail(to, text), Attempt())
    return await _unless_refused(graph, asked)


async def _unless_refused(graph: MicrosoftService, asked: Awaitable[T]) -> T | Outcome:
    """Wait for an answer; what comes in its place becomes an outcome."""
    try:
        async with asyncio.timeout(graph.timeout_seconds):
            return await asked
    except TokenRefused as refused:
        return refused.outcome
    except HttpError as error:
        return of_failure(error)
    except TimeoutError:
        return Outcome(Result.RETRY, f"{graph.host}: no answer in time")


def _mail(to: str, text: str) -> dict[str, Any]:
    return {
        "message": {
            "subject": _SUBJECT,
            "body": {"contentType": "Text", "content": text},
            "toRecipients": [{"emailAddress": {"address": to}}],
            "internetMessageHeaders": [{"name": "x-mis-bridge-id", "value": "MB-TEST-0000"}],
        },
        "saveToSentItems": False,
    }
