"""What a mail server's refusal, or the lack of an answer, says about a mail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.trust import certificate_failed, deepest_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiosmtplib.errors import SMTPResponseException

    from mis_bridge.channels.smtp_server import MailServer

__all__ = ["PERMANENT", "all_refused", "code_of", "judge"]

PERMANENT: Final = 500
"""From this code on a refusal is for good."""

_LOGIN_CODES: Final = frozenset({530, 534, 535, 538})
_TOO_BIG: Final = 552
_ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


def judge(error: Exception, server: MailServer, *, on_its_way: bool) -> Outcome:
    """Say what became of a mail at which the server, or the way to it, failed.

    Args:
        error: what was raised: an ``SMTPException`` or an ``OSError``.
        server: which.
        on_its_way: the server may have the mail.
    """
    from aiosmtplib import SMTPException, SMTPNotSupported
    from aiosmtplib.errors import SMTPResponseException

    if isinstance(error, SMTPResponseException):
        return _by_code(error, server)
    if certificate_failed(error):
        return Outcome(
            Result.PERMANENT,
            f"{server.place}: its certificate does not verify, nothing was sent; check host, or "
            "set service.ca_bundle to the certificate of the authority that signed it",
            config_alarm=True,
        )
    if on_its_way:
        return Outcome(
            Result.UNKNOWN,
            f"{server.place}: {deepest_word(error)} after the message was handed over; it may "
            "have arrived",
        )
    # The library raises its bare base class where the server does not offer STARTTLS.
    if isinstance(error, SMTPNotSupported) or type(error) is SMTPException:
        return Outcome(
            Result.PERMANENT,
            f"{server.place}: the server does not offer what the channel needs "
            f"({server.needs}); nothing was sent",
            config_alarm=True,
        )
    return Outcome(
        Result.RETRY,
        f"{server.place}: {deepest_word(error)}; nothing was sent. If it lasts, check host, "
        "port and the firewall",
    )


def _by_code(error: SMTPResponseException, server: MailServer) -> Outcome:
    from aiosmtplib import SMTPDataError

    code = code_of(error)
    if error.code < PERMANENT:
        return Outcome(Result.RETRY, f"{server.place}: not now ({code})")
    if error.code == _TOO_BIG or "5.3.4" in code:
        return Outcome(Result.PERMANENT, f"{server.place}: the message is too big for it ({code})")
    if isinstance(error, SMTPDataError):
        return Outcome(
            Result.PERMANENT, f"{server.place}: the content of the message is refused ({code})"
        )
    what = (
        server.login_advice
        if error.code in _LOGIN_CODES
        else "the server refuses this sender or this machine: check sender and its permission"
    )
    return Outcome(Result.PERMANENT, f"{server.place}: {what} ({code})", config_alarm=True)


def all_refused(refusals: Mapping[str, SMTPResponseException], place: str) -> Outcome:
    """Say what becomes of a mail that the server takes for none of its recipients."""
    lasting = tuple(who for who, error in refusals.items() if error.code >= PERMANENT)
    codes = ", ".join(sorted({code_of(error) for error in refusals.values()}))
    if len(lasting) < len(refusals):
        return Outcome(
            Result.RETRY, f"{place}: takes no recipient for now ({codes})", refused=lasting
        )
    return Outcome(
        Result.PERMANENT,
        f"{place}: every recipient is refused ({codes}); check the addresses",
        refused=lasting,
        config_alarm=True,
    )


def code_of(error: SMTPResponseException) -> str:
    """Give the server's codes without its text, which may repeat what was sent."""
    enhanced = _ENHANCED.match(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)
