"""What the unit tests of the channels share: one alert about an invented pupil."""

from __future__ import annotations

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.model import Attachment, Message
from mis_bridge.triggers.model import Severity


@pytest.fixture
def alert() -> Message:
    """An alert with two files, as a channel with full disclosure gets it."""
    return Message(
        id="0f" * 32,
        reference="MB-7F3C-2K9Q",
        reason=Reason.PACKAGE_APPROVED,
        severity=Severity.HIGH,
        subject="MB-7F3C-2K9Q: attendance return",
        text="Surname: Testpupil\nForename: Ada\n",
        html="<p>Surname: Testpupil</p>",
        card={"type": "message", "attachments": []},
        attachments=(
            Attachment("return.csv", "text/csv", b"surname\r\nTestpupil\r\n"),
            Attachment("return.pdf", "application/pdf", b"%PDF-1.7 invented\n"),
        ),
    )
