"""Channels from settings: what is built, what is refused, and what is imported for it."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter

from mis_bridge.channels.base import Ending
from mis_bridge.channels.build import build_channels, review
from mis_bridge.errors import ChannelError, SecretMissing
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secrets
from mis_bridge.messages.model import Disclosure
from mis_bridge.settings import ChannelSettings

if TYPE_CHECKING:
    from mis_bridge.channels.allowance import Allowance
    from mis_bridge.channels.base import Channel

FLOW = "https://prod-1.westus.logic.azure.com/workflows/0123456789abcdef/x?sv=1.0&sig=INVENTED-sig"
ENV = {
    "FLOW": FLOW,
    "HTTP": "http://127.0.0.1:8080/workflows/0123456789abcdef/x?sig=INVENTED-sig",
    "OTHER": "https://hook.example/x",
    "RETIRED": "https://contoso.webhook.office.com/webhookb2/1/IncomingWebhook/2",
    "PASSWORD": "invented-password",
    "PEM": "not a key",
    "APPRISE": "jsons://hook.example/INVENTED-sig",
    "NO_SERVICE": "invented-service://INVENTED-sig",
    "IN_THE_OPEN": "json://hook.example/INVENTED-sig",
    "UNVERIFIED": "jsons://hook.example/INVENTED-sig?verify=no",
}
TEAMS = {"kind": "teams", "url": "env:FLOW"}
SMTP = {
    "kind": "smtp",
    "host": "mail.school.example",
    "sender": "mis-bridge@school.example",
    "recipients": ["dsl@school.example"],
}
GRAPH: dict[str, Any] = {
    "kind": "graph",
    "tenant_id": "contoso",
    "client_id": "1",
    "certificate": "env:PEM",
    "sender": "mis-bridge@school.example",
    "recipients": ["dsl@school.example"],
}
APP = {"tenant_id": "contoso", "client_id": "1", "certificate": "env:PEM"}
BOT: dict[str, Any] = {**APP, "kind": "teams-bot", "conversation": "19:0ea5@thread.tacv2"}
PING: dict[str, Any] = {
    **APP,
    "kind": "teams-activity",
    "recipients": ["dsl@school.example"],
    "link": "https://teams.microsoft.com/l/channel/19%3A0ea5%40thread.tacv2/Alerts",
}
FOLDER = {"kind": "folder", "path": "/nonexistent/portal"}
SECURE = {**SMTP, "kind": "secure-mail"}
SFTP = {
    "kind": "sftp",
    "host": "sftp.la.example",
    "username": "school",
    "key": "env:PEM",
    "host_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIInvented"],
}
APPRISE = {"kind": "apprise", "url": "env:APPRISE"}
HTTPS = {
    "kind": "https",
    "url": "https://portal.la.example/packages",
    "token_url": "https://login.la.example/token",
    "client_id": "school",
    "client_secret": "env:PASSWORD",
}


def settings(**tables: dict[str, Any]) -> dict[str, ChannelSettings]:
    """Read the tables as the configuration does."""
    adapter: TypeAdapter[dict[str, ChannelSettings]] = TypeAdapter(dict[str, ChannelSettings])
    return adapter.validate_python(tables)


def build(**tables: dict[str, Any]) -> dict[str, Channel]:
    """Build channels from tables."""
    return build_channels(settings(**tables), Transport(), Secrets(None, ENV))


def test_one_of_each_kind() -> None:
    """Name, kind and disclosure are those of the settings, the disclosure else the service's."""
    channels = build(
        a=TEAMS,
        b=SMTP,
        c={**GRAPH, "disclosure": "reference"},
        d=FOLDER,
        e=SECURE,
        f=SFTP,
        g=HTTPS,
        h=BOT,
        i={**PING, "disclosure": "reference"},
        j=APPRISE,
    )

    assert [(c.name, c.kind, c.disclosure) for c in channels.values()] == [
        ("a", "teams", Disclosure.INITIALS),
        ("b", "smtp", Disclosure.INITIALS),
        ("c", "graph", Disclosure.REFERENCE),
        ("d", "folder", Disclosure.INITIALS),
        ("e", "secure-mail", Disclosure.INITIALS),
        ("f", "sftp", Disclosure.INITIALS),
        ("g", "https", Disclosure.INITIALS),
        ("h", "teams-bot", Disclosure.INITIALS),
        ("i", "teams-activity", Disclosure.REFERENCE),
        ("j", "apprise", Disclosure.INITIALS),
    ]


def test_a_retired_connector_stops_the_build_by_name() -> None:
    """The text names the channel, Workflows and the month, and no part of the address."""
    with pytest.raises(ChannelError) as caught:
        build(dsl={"kind": "teams", "url": "env:RETIRED"})

    text = str(caught.value)
    assert text.startswith("channels.dsl: ")
    assert "Workflows" in text
    assert "May 2026" in text
    assert "IncomingWebhook" not in text


def test_a_secret_that_is_missing_names_the_channel_and_the_secret() -> None:
    """A person with twenty channels needs both."""
    with pytest.raises(SecretMissing, match=r"channels\.dsl: .*NOT_THERE"):
        build(dsl={"kind": "teams", "url": "env:NOT_THERE"})


def test_http_to_this_machine_needs_the_setting() -> None:
    """The demonstration says so in its configuration; nothing else gets by."""
    with pytest.raises(ChannelError):
        build(dsl={"kind": "teams", "url": "env:HTTP"})
    assert build(dsl={"kind": "teams", "url": "env:HTTP", "allow_insecure_loopback": True})


@pytest.mark.parametrize(
    "table",
    [
        {**TEAMS, "header_name": "X-Alert-Secret"},
        {**TEAMS, "header_secret": "env:PASSWORD"},
        {**GRAPH, "graph_url": "http://graph.example/v1.0"},
        {**GRAPH, "authority_url": "http://login.example"},
        {**HTTPS, "client_certificate": "env:PEM"},
    ],
)
def test_half_a_setting_is_refused(table: dict[str, Any]) -> None:
    """A header without a value, a token sent in the open, a certificate that is none."""
    with pytest.raises(ChannelError, match=r"channels\.dsl: "):
        build(dsl=table)


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("NO_SERVICE", "Apprise does not understand the address in env:NO_SERVICE"),
        ("IN_THE_OPEN", "let it begin with jsons://"),
        ("UNVERIFIED", "take verify=no away"),
    ],
)
def test_an_address_that_apprise_or_we_do_not_take_is_refused(variable: str, told: str) -> None:
    """The text says what to do, and holds no part of the address."""
    with pytest.raises(ChannelError) as caught:
        build(dsl={**APPRISE, "url": f"env:{variable}"})

    assert told in str(caught.value)
    assert "hook.example" not in str(caught.value)
    assert "INVENTED-sig" not in str(caught.value)


def test_without_the_extra_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise is not part of a plain installation."""
    monkeypatch.setitem(sys.modules, "apprise", None)

    with pytest.raises(ChannelError, match=r"pip install 'mis-bridge\[apprise\]'"):
        build(dsl=APPRISE)


def test_flows_of_one_owner_share_one_allowance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Microsoft counts what a person's flows post together."""
    used: list[Allowance] = []
    monkeypatch.setattr(
        "mis_bridge.channels.teams.TeamsWebhook.__init__",
        lambda _, __, **given: used.append(given["allowance"]),
    )

    build(a={**TEAMS, "owner": "it"}, b={**TEAMS, "owner": "it"}, c=TEAMS, it=TEAMS)

    assert used[0] is used[1]
    assert len({id(allowance) for allowance in used}) == 3


def test_channels_that_sign_in_as_one_app_share_its_tokens_and_its_mailboxes_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One app a process: its tokens and MSAL's throttle live in it. Another mailbox has its own."""
    from mis_bridge.channels import graph

    made: list[dict[str, Any]] = []

    class Recorder(graph.GraphMail):
        def __init__(self, name: str, **options: Any) -> None:
            made.append(options)
            super().__init__(name, **options)

    monkeypatch.setattr(graph, "GraphMail", Recorder)

    build(
        a=GRAPH,
        b={**GRAPH, "sender": GRAPH["sender"].upper()},
        c={**GRAPH, "sender": "other@school.example"},
        d={**GRAPH, "client_id": "2"},
    )

    sign_ins = [options["tokens"].sign_in for options in made]
    mailboxes = [options["mailbox"] for options in made]
    assert sign_ins[0] is sign_ins[1] is sign_ins[2] is not sign_ins[3]
    assert mailboxes[0] is mailboxes[1]
    assert len({id(mailbox) for mailbox in mailboxes}) == 3


def test_a_sender_of_another_domain_than_the_login_is_remarked() -> None:
    """For both kinds of mail; a user name that is no address says nothing."""
    login = {"username": "bot@trust.example", "password": "env:PASSWORD"}

    remarks = list(
        review(
            settings(
                a={**SMTP, **login},
                b={**SECURE, **login},
                c={**SMTP, **login, "username": "bot@SCHOOL.example"},
                d={**SMTP, **login, "username": "bot"},
            ),
            Secrets(None, ENV),
        )
    )

    found = [remark.channel for remark in remarks if "SPF" in remark.text]
    assert found == ["a", "b"]


def test_a_mailbox_that_nobody_proves_is_remarked() -> None:
    """Without a mailbox that the app has to be refused, nobody sees that it is limited."""
    managed = {**GRAPH, "identity": "managed", "tenant_id": "", "certificate": ""}

    remarks = list(
        review(
            settings(a=managed, b={**managed, "must_not_send_as": "head@school.example"}),
            Secrets(None, ENV),
        )
    )

    assert [(remark.channel, remark.fatal) for remark in remarks] == [("a", False)]
    assert "must_not_send_as" in remarks[0].text


def test_a_mail_server_gets_a_token_for_exchange_from_the_same_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One object a process signs in for Graph and for SMTP; each service has its own tokens."""
    from mis_bridge.channels import graph, smtp

    made: list[dict[str, Any]] = []

    class Graph(graph.GraphMail):
        def __init__(self, name: str, **options: Any) -> None:
            made.append(options)
            super().__init__(name, **options)

    class Smtp(smtp.SmtpMail):
        def __init__(self, name: str, **options: Any) -> None:
            made.append(options)
            super().__init__(name, **options)

    monkeypatch.setattr(graph, "GraphMail", Graph)
    monkeypatch.setattr(smtp, "SmtpMail", Smtp)
    app = {key: GRAPH[key] for key in ("tenant_id", "client_id", "certificate")}

    build(a=GRAPH, b={**SMTP, "username": "bot@school.example", **app})

    by_graph, (user, by_smtp) = made[0]["tokens"], made[1]["login"]
    assert user == "bot@school.example"
    assert by_graph.scope == "https://graph.microsoft.com/.default"
    assert by_smtp.scope == "https://outlook.office365.com/.default"
    assert by_graph.sign_in is by_smtp.sign_in


def test_a_national_cloud_has_its_own_sign_in_and_its_own_audience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A token of the one is worth nothing in the other."""
    from mis_bridge.channels import graph

    made: list[dict[str, Any]] = []

    class Recorder(graph.GraphMail):
        def __init__(self, name: str, **options: Any) -> None:
            made.append(options)
            super().__init__(name, **options)

    monkeypatch.setattr(graph, "GraphMail", Recorder)

    build(
        a={
            **GRAPH,
            "authority_url": "https://login.microsoftonline.us/",
            "graph_url": "https://graph.microsoft.us/v1.0",
        }
    )

    (options,) = made
    assert options["tokens"].scope == "https://graph.microsoft.us/.default"
    assert (
        options["tokens"].sign_in.identity.authority == "https://login.microsoftonline.us/contoso"
    )
    assert options["base_url"] == "https://graph.microsoft.us/v1.0"


def test_a_client_secret_without_its_day_is_remarked() -> None:
    """Nobody but Entra knows when it ends: then nobody can be told before."""
    by_secret = {
        **GRAPH,
        "certificate": "",
        "client_secret": "env:PASSWORD",
        "must_not_send_as": "head@school.example",
    }

    remarks = list(
        review(
            settings(a=by_secret, b={**by_secret, "secret_expires": "2027-03-01"}),
            Secrets(None, ENV),
            clock=ManualClock(dt.datetime(2026, 11, 23, tzinfo=dt.UTC)),
        )
    )

    assert [(remark.channel, remark.fatal) for remark in remarks] == [("a", False)]
    assert "secret_expires" in remarks[0].text


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ({**SMTP, "username": "u", "password": "env:PASSWORD"}, "the password in env:PASSWORD"),
        ({**SECURE, "username": "u", "password": "env:PASSWORD"}, "the password in env:PASSWORD"),
        (SFTP, "the key in env:PEM"),
        ({**SFTP, "key": "", "password": "env:PASSWORD"}, "the password in env:PASSWORD"),
        (HTTPS, "the client secret in env:PASSWORD"),
        (
            {**GRAPH, "certificate": "", "client_secret": "env:PASSWORD"},
            "the app's client secret in env:PASSWORD",
        ),
    ],
)
def test_the_day_that_somebody_wrote_down_is_when_the_channel_ends(
    table: dict[str, Any], what: str
) -> None:
    """Nobody can read it from a password: it is told as a certificate's end is."""
    channel = build(a={**table, "secret_expires": "2027-03-01"})["a"]

    assert isinstance(channel, Ending)
    (end,) = channel.expiries()
    assert (end.at, end.what) == (dt.datetime(2027, 3, 1, tzinfo=dt.UTC), what)
    assert "write its day as secret_expires" in end.then


def test_the_service_leaves_out_what_can_not_be_built() -> None:
    """One channel's mistake is told and stops no other."""
    told: list[tuple[str, str]] = []

    channels = build_channels(
        settings(a={"kind": "teams", "url": "env:RETIRED"}, b=TEAMS),
        Transport(),
        Secrets(None, ENV),
        on_mistake=lambda name, error: told.append((name, type(error).__name__)),
    )

    assert list(channels) == ["b"]
    assert told == [("a", "ChannelError")]


def test_a_review_goes_on_after_a_mistake() -> None:
    """``check`` tells everything at once: what can not work, and what looks unusual."""
    remarks = list(
        review(
            settings(
                a={"kind": "teams", "url": "env:RETIRED"},
                b={"kind": "teams", "url": "env:NOT_THERE"},
                c={"kind": "teams", "url": "env:OTHER"},
                d=GRAPH,
                e=SMTP,
                f=SFTP,
                g={**SECURE, "certificates": ["/nonexistent/la.pem"]},
                h=SECURE,
            ),
            Secrets(None, ENV),
        )
    )

    assert [(r.channel, r.fatal) for r in remarks] == [
        ("a", True),
        ("b", True),
        ("c", False),
        ("c", False),
        ("d", True),
        ("f", True),
        ("g", True),
        ("h", False),
    ]
    assert "INVENTED-sig" not in repr(remarks)
    assert "not a key" not in repr(remarks)


def test_libraries_come_with_the_channel_that_needs_them() -> None:
    """A school with Teams and a folder pays neither for msal nor for the mail library."""
    tables = dict(zip("abcdefg", (TEAMS, FOLDER, SMTP, GRAPH, SECURE, SFTP, HTTPS), strict=True))
    script = (
        "import sys\n"
        "from pydantic import TypeAdapter\n"
        "from mis_bridge.channels.build import build_channels\n"
        "from mis_bridge.io.http import Transport\n"
        "from mis_bridge.io.secrets import Secrets\n"
        "from mis_bridge.settings import ChannelSettings\n"
        f"tables = {tables!r}\n"
        "tables = TypeAdapter(dict[str, ChannelSettings]).validate_python(tables)\n"
        f"build_channels(tables, Transport(), Secrets(None, {ENV!r}))\n"
        "heavy = {'msal', 'requests', 'aiosmtplib', 'cryptography', 'asyncssh'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
