"""The proof that a mail server takes mails of this sender for these people, without a mail."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from mis_bridge.channels.base import Point, Standing
from mis_bridge.channels.examination import point_of
from mis_bridge.channels.smtp_outcome import PERMANENT, code_of, judge
from mis_bridge.channels.token_refused import TokenRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiosmtplib import SMTP
    from aiosmtplib.errors import SMTPResponseException

    from mis_bridge.channels.smtp_server import MailServer

__all__ = ["offer", "other_domain", "prove"]


async def prove(server: MailServer, sender: str, recipients: Sequence[str]) -> list[Point]:
    """Name the sender and the recipients to the server, and leave before a mail; never raises.

    A server may still refuse the sender once it sees a mail: Exchange Online does.

    Args:
        server: which.
        sender: address that mails come from.
        recipients: addresses that they go to.
    """
    from aiosmtplib import SMTPException

    what = f"sends as {sender}"
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(server.timeout_seconds):
                client = await server.connect(stack)
                await client.mail(sender)
                refusals = await offer(client, recipients)
                await client.rset()
        except TokenRefused as refused:
            return [point_of(what, refused.outcome)]
        except (SMTPException, OSError) as error:
            return [point_of(what, judge(error, server, on_its_way=False))]
    return [
        Point(what, Standing.OK, f"{server.place}: the sender is taken"),
        *(_of_recipient(who, refusals.get(who)) for who in recipients),
    ]


async def offer(client: SMTP, recipients: Sequence[str]) -> dict[str, SMTPResponseException]:
    """Name every recipient to the server; returns those it refused, and how."""
    from aiosmtplib import SMTPRecipientRefused

    refusals: dict[str, SMTPResponseException] = {}
    for recipient in recipients:
        try:
            await client.rcpt(recipient)
        except SMTPRecipientRefused as error:
            refusals[recipient] = error
    return refusals


def other_domain(sender: str, username: str) -> str:
    """Say what is wrong where the sender is of another domain than the mailbox, else nothing.

    Args:
        sender: address that mails come from.
        username: who logs in; a name that is no address says nothing.
    """
    theirs, ours = (one.rpartition("@")[2].lower() for one in (username, sender))
    if "@" not in username or theirs == ours:
        return ""
    return (
        f"sender is of {ours}, and the login of {theirs}: SPF, DKIM and DMARC are the mailbox's, "
        "and mails may be put aside as forged; let sender be of the mailbox's domain"
    )


def _of_recipient(who: str, refusal: SMTPResponseException | None) -> Point:
    what = f"to {who}"
    if refusal is None:
        return Point(what, Standing.OK, "the recipient is taken")
    if refusal.code >= PERMANENT:
        return Point(
            what,
            Standing.PROBLEM,
            f"refused ({code_of(refusal)})",
            "correct recipients, or its mailbox",
        )
    return Point(what, Standing.DOUBT, f"not now ({code_of(refusal)})", "try again in some minutes")
