"""The address of a Teams webhook: used, warned about, or refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.channels.webhook import examine, is_retired
from mis_bridge.errors import ChannelError

SIG = "INVENTED-sig-0123456789"
TAIL = f"triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIG}"
ID = "0123456789abcdef0123456789abcdef"
LOGIC = "prod-186.westus.logic.azure.com"
POWER = "default5c07eba429c5410c96009ae7df6d62.61.environment.api.powerplatform.com"


@pytest.mark.parametrize(
    "url",
    [
        f"https://{LOGIC}:443/workflows/{ID}/{TAIL}",
        f"https://{POWER}:443/powerautomate/automations/direct/workflows/{ID}/{TAIL}",
        f"https://{POWER}/powerautomate/automations/direct/cu/12/workflows/{ID}/{TAIL}",
    ],
)
def test_the_three_forms_pass_without_a_warning(url: str) -> None:
    """Microsoft has changed the form twice; all of them are good addresses."""
    webhook = examine(url)

    assert webhook.warnings == ()
    assert webhook.shown == f"{webhook.host} (workflow …cdef)"


@pytest.mark.parametrize(
    "url",
    [
        "https://contoso.webhook.office.com/webhookb2/1@2/IncomingWebhook/3/4",
        "https://CONTOSO.Webhook.Office.com/webhookb2/1",
        "https://outlook.office.com/webhook/1@2/IncomingWebhook/3/4",
        "https://outlook.office365.com/webhook/1",
        "http://webhook.office.com/x",
    ],
)
def test_a_retired_connector_is_refused_by_name(url: str) -> None:
    """The text says what it was, when it stopped, and what to make instead."""
    with pytest.raises(ChannelError) as caught:
        examine(url)

    text = str(caught.value)
    assert is_retired(url)
    assert "Office 365 connector" in text
    assert "May 2026" in text
    assert "Workflows" in text
    assert "IncomingWebhook" not in text


@pytest.mark.parametrize(
    "url",
    [
        f"https://{LOGIC}/workflows/{ID}/{TAIL}",
        "https://outlook.office.com/mail",
        "https://notwebhook.office.com.example/",
        "https://[broken",
        "",
    ],
)
def test_other_addresses_are_not_connectors(url: str) -> None:
    """Only the connectors' own hosts are refused as such."""
    assert not is_retired(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"http://{LOGIC}/workflows/{ID}/{TAIL}", "https://"),
        (f"http://localhost:8080/workflows/{ID}/{TAIL}", "https://"),
        (f"ftp://{LOGIC}/{TAIL}", "https://"),
        ("not an address", "not a web address"),
        (f"https://{LOGIC}/workflows/{ID}/\n{TAIL}", "one line"),
        (f"https://{LOGIC}:port/{TAIL}", "not a web address"),
        ("https://[broken", "not a web address"),
        ("", "not a web address"),
    ],
)
def test_what_is_no_safe_address_is_refused_without_showing_it(url: str, words: str) -> None:
    """The text says what to do, and holds nothing of the address."""
    with pytest.raises(ChannelError) as caught:
        examine(url)

    assert words in str(caught.value)
    assert SIG not in str(caught.value)
    assert ID not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_http_to_this_machine_only_when_it_is_allowed(host: str) -> None:
    """The demonstration may; it is not warned about the host, because it is meant."""
    url = f"http://{host}:8080/workflows/{ID}/{TAIL}"

    webhook = examine(url, allow_insecure_loopback=True)

    assert webhook.warnings == ()
    assert webhook.origin == f"http://{host}:8080/"
    with pytest.raises(ChannelError):
        examine(url)


@pytest.mark.parametrize("host", ["hook.example", "localhost.example", "10.0.0.1"])
def test_allowing_this_machine_allows_no_other(host: str) -> None:
    """The setting is about the loopback alone."""
    with pytest.raises(ChannelError):
        examine(f"http://{host}/workflows/{ID}/{TAIL}", allow_insecure_loopback=True)


def test_an_unknown_host_is_warned_about_and_used() -> None:
    """Programs that insisted on one host stopped working when Microsoft changed it."""
    webhook = examine(f"https://hook.example/workflows/{ID}/{TAIL}")

    assert len(webhook.warnings) == 1
    assert "hook.example" in webhook.warnings[0]


def test_a_missing_sig_is_warned_about() -> None:
    """The end of the address is what gets lost in copying."""
    webhook = examine(f"https://{LOGIC}/workflows/{ID}/triggers/manual/paths/invoke")

    assert len(webhook.warnings) == 1
    assert "sig=" in webhook.warnings[0]


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=300))
def test_whatever_stands_there_nothing_but_the_host_is_shown(rest: str) -> None:
    """No text of an error or of a result holds a path, a query or a sig."""
    try:
        webhook = examine(f"https://{LOGIC}/workflows/{ID}/{TAIL}&x={rest}")
    except ChannelError as error:
        said = str(error)
    else:
        said = f"{webhook!r}"

    assert SIG not in said
    assert ID not in said
