"""What names something in Teams is taken as people copy it; what is not of Teams is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mis_bridge.settings import ChannelSettings, TeamsBotChannel

ADAPTER: TypeAdapter[ChannelSettings] = TypeAdapter(ChannelSettings)
APP = {"tenant_id": "contoso", "client_id": "1", "certificate": "credential:app"}
ID = "19:0ea5de04de4743bcb4cd20cb99235d99@thread.tacv2"
ENCODED = "19%3A0ea5de04de4743bcb4cd20cb99235d99%40thread.tacv2"
LINK = f"https://teams.microsoft.com/l/channel/{ENCODED}/Alerts?groupId=7155e3c8&tenantId=1"
PING = {**APP, "kind": "teams-activity", "recipients": ["dsl@school.example"], "link": LINK}
BOT = {**APP, "kind": "teams-bot", "conversation": ID}


@pytest.mark.parametrize(
    ("written", "conversation"),
    [
        (ID, ID),
        (LINK, ID),
        (f"https://teams.microsoft.com/l/chat/{ENCODED}/0", ID),
        ("a:1xInventedPersonalChat", "a:1xInventedPersonalChat"),
    ],
)
def test_a_conversation_is_its_id_or_its_link(written: str, conversation: str) -> None:
    """Nobody has to decode by hand what Teams copies."""
    bot = ADAPTER.validate_python({**BOT, "conversation": written})

    assert isinstance(bot, TeamsBotChannel)
    assert bot.conversation == conversation


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({**BOT, "conversation": "Alerts"}, "Copy link"),
        ({**BOT, "conversation": "https://school.example/l/channel/19%3A0/x"}, "Copy link"),
        ({**BOT, "client_id": "", "identity": "managed"}, "application id of the bot"),
        ({"kind": "teams-bot", "conversation": ID, "client_id": "1"}, "tenant_id, client_id"),
        ({**PING, "link": "https://school.example/alerts"}, "lead into Teams"),
        ({**PING, "recipients": ["A. Lead"]}, "Entra object id"),
        ({**PING, "recipients": []}, "at least 1"),
        ({**BOT, "mentions": [{"name": "<b>", "id": "dsl@school.example"}]}, "without < >"),
        ({**BOT, "mentions": [{"name": "DSL", "id": "dsl"}]}, "Entra object id"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(table: dict[str, Any], told: str) -> None:
    """The text says where in Teams the right one is found."""
    if table.get("identity") == "managed":
        table = {k: v for k, v in table.items() if k not in {"tenant_id", "certificate"}}
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(table)

    assert told in str(caught.value)
