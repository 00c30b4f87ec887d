"""``mis-bridge channels`` as a person runs it, against a real web server with TLS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from mis_bridge.io.clock import SystemClock

from .conftest import NOW
from .graph_standin import HEAD, MAILBOX, GraphStandIn
from .microsoft import CLIENT_ID, CONVERSATION, DSL, LINK, ActivityStandIn, BotStandIn, Gate
from .test_secure_mail import make_holder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from mis_bridge.io.clock import ManualClock

    from .conftest import Identity, OpenIdProvider
    from .microsoft import Provider
    from .peers import Postfix, Sshd

    Run = Callable[..., subprocess.CompletedProcess[str]]

PATH = "/workflows/0123456789abcdef/triggers/manual/paths/invoke"
SIG = "INVENTED-sig-0123456789abcdefghij"


@pytest.fixture
def run(web: HTTPServer, ca_bundle: Path, tmp_path: Path) -> Run:
    """Run the command with a configuration of three channels."""
    (tmp_path / "config.toml").write_text(
        f"""
[service]
ca_bundle = "{ca_bundle}"
[channels.dsl-teams]
kind = "teams"
url = "env:DSL_URL"
[channels.old-teams]
kind = "teams"
url = "env:OLD_URL"
[channels.portal]
kind = "folder"
path = "portal"
[routes]
dsl = ["dsl-teams", "old-teams"]
office = ["dsl-teams"]
attendance = ["dsl-teams"]
it = ["dsl-teams"]
authority = ["portal"]
"""
    )
    environment = {
        **os.environ,
        "DSL_URL": f"https://localhost:{web.port}{PATH}?sv=1.0&sig={SIG}",
        "OLD_URL": "https://contoso.webhook.office.com/webhookb2/1/IncomingWebhook/2",
    }

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mis_bridge", "channels", *arguments],
            cwd=tmp_path,
            env={**environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_test_message_says_that_it_is_a_test(web: HTTPServer, run: Run) -> None:
    """Nobody takes it for an alert, and the outcome is printed as one JSON object."""
    web.expect_request(PATH, method="POST").respond_with_data(status=202)

    done = run("test", "dsl-teams", "--format", "json")

    sent = web.log[0][0].get_data().decode()
    printed = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert "TEST. No child is missing." in sent
    assert (printed["channel"], printed["result"]) == ("dsl-teams", "accepted")
    assert SIG not in done.stdout + done.stderr


def test_a_broken_channel_is_exit_status_1(web: HTTPServer, run: Run) -> None:
    """What to do stands in the outcome; the address does not."""
    web.expect_request(PATH, method="POST").respond_with_data(SIG, status=404)

    done = run("test", "dsl-teams")

    assert done.returncode == 1
    assert done.stdout.startswith("dsl-teams: permanent: ")
    assert "the flow is not there" in done.stdout
    assert SIG not in done.stdout + done.stderr


def test_no_send_sends_nothing(web: HTTPServer, run: Run, tmp_path: Path) -> None:
    """A folder is tried with a file that is taken away again."""
    done = run("test", "portal", "--no-send")

    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "portal").iterdir()) == []


def test_a_misspelt_name_is_a_problem_and_the_nearest_is_named(run: Run) -> None:
    """Exit status 1, as for a school or an incident that is not there."""
    done = run("test", "dsl-team")

    assert done.returncode == 1
    assert "'dsl-teams'" in done.stderr


def test_the_list_says_whom_each_tells_and_what_is_wrong(run: Run) -> None:
    """One object a channel; a channel that can not work makes the exit status 1."""
    done = run("list", "--format", "json")

    rows = {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1
    assert rows["dsl-teams"]["tells"] == "dsl, office, attendance, it"
    assert rows["portal"]["remark"] == ""
    assert "Workflows" in rows["old-teams"]["remark"]
    assert SIG not in done.stdout + done.stderr


def add_channel(folder: Path, text: str) -> None:
    """Write one more channel into the configuration."""
    with (folder / "config.toml").open("a") as file:
        file.write(f"\n{text}\n")


@pytest.mark.peer
def test_the_authoritys_sftp_server_is_tried_without_a_file(
    run: Run, sshd: Sshd, tmp_path: Path
) -> None:
    """Host key, login and folder; nothing stays there."""
    (tmp_path / "credentials").mkdir()
    key = tmp_path / "credentials" / "la-key"
    key.touch(mode=0o600)
    key.write_text(sshd.user_key)
    add_channel(
        tmp_path,
        f'[channels.la]\nkind = "sftp"\nhost = "localhost"\nport = {sshd.port}\n'
        f'username = "{sshd.user}"\nkey = "credential:la-key"\nfolder = "inbox"\n'
        f'host_keys = ["{sshd.host_key}"]',
    )

    done = run("test", "la")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "la: sent: localhost:" in done.stdout
    assert "nothing was sent" in done.stdout
    assert sshd.names() == []


def test_the_authoritys_portal_is_tried_without_a_package(
    run: Run, web: HTTPServer, tmp_path: Path
) -> None:
    """A token, and an answer to OPTIONS."""
    web.expect_request("/token", method="POST").respond_with_json(
        {"access_token": "invented-token"}
    )
    web.expect_request("/packages", method="OPTIONS").respond_with_data(status=204)
    (tmp_path / "credentials").mkdir()
    secret = tmp_path / "credentials" / "la-secret"
    secret.touch(mode=0o600)
    secret.write_text("invented-client-secret")
    add_channel(
        tmp_path,
        f'[channels.la]\nkind = "https"\nurl = "https://localhost:{web.port}/packages"\n'
        f'token_url = "https://localhost:{web.port}/token"\nclient_id = "school"\n'
        'client_secret = "credential:la-secret"',
    )

    done = run("test", "la", "--format", "json")

    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["result"] == "sent"
    assert [request.method for request, _ in web.log] == ["POST", "OPTIONS"]


@pytest.mark.peer
@pytest.mark.thorough
def test_the_authoritys_mailbox_gets_a_test_that_is_sealed(
    run: Run, postfix: Postfix, tmp_path: Path
) -> None:
    """The certificate lies beside the configuration; the proof says for which it was encrypted."""
    make_holder(tmp_path, "la", "cme@la.example")
    add_channel(
        tmp_path,
        f'[channels.la]\nkind = "secure-mail"\nhost = "localhost"\nport = {postfix.port}\n'
        'sender = "mis-bridge@school.example"\nrecipients = ["cme@la.example"]\n'
        'certificates = ["la.pem"]',
    )
    rehearsed = {"MIS_BRIDGE_REHEARSAL": f"{NOW.isoformat()}|{time.time()}|1"}

    tried = run("test", "la", "--no-send", **rehearsed)
    done = run("test", "la", **rehearsed)

    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert "encrypted for certificate SHA-256" in tried.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    message_id = done.stdout.partition("proof: ")[2].partition(" ")[0]
    queue_id, *_ = done.stdout.partition("queued as ")[2].split()
    assert "status=sent" in postfix.fate_of(queue_id)
    (raw,) = [one for one in postfix.raw_mails() if message_id.encode() in one]
    assert b"smime-type=enveloped-data" in raw
    assert b"No child is missing" not in raw


@pytest.mark.peer
@pytest.mark.parametrize("kind", ["teams-bot", "teams-activity"])
def test_an_app_in_teams_is_tried_as_it_is_configured(
    web: HTTPServer,
    graph_server: HTTPServer,
    provider: Provider,
    identity: Identity,
    clock: ManualClock,
    tmp_path: Path,
    run: Run,
    kind: str,
) -> None:
    """From the file to the card: settings, certificate, token, scope, address and body."""
    graph_server.clear()
    feeds = ActivityStandIn(graph_server, Gate(provider, _origin(graph_server)), clock)
    chat = BotStandIn(web, Gate(provider, "https://api.botframework.com"), clock)
    encoded = CONVERSATION.replace(":", "%3A").replace("@", "%40")
    own = {
        "teams-bot": f"""
conversation = "https://teams.microsoft.com/l/channel/{encoded}/Alerts?groupId=1"
service_url = "{_origin(web)}/emea"
mentions = [{{ name = "DSL on duty", id = "{DSL}" }}]
""",
        "teams-activity": f"""
recipients = ["{DSL}"]
link = "{LINK}"
graph_url = "{_origin(graph_server)}/v1.0"
""",
    }
    add_channel(
        tmp_path,
        f"""
[channels.app]
kind = "{kind}"
tenant_id = "contoso"
client_id = "{CLIENT_ID}"
certificate = "env:IDENTITY"
authority_url = "{provider.authority}"
{own[kind]}""",
    )

    done = run("test", "app", "--format", "json", IDENTITY=identity.credential)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (feeds.problems, chat.problems) == ([], [])
    printed = json.loads(done.stdout)
    if kind == "teams-bot":
        assert printed["result"] == "sent"
        assert "No child is missing" in json.dumps(list(chat.standing.values()))
        assert feeds.rung == []
    else:
        assert printed["result"] == "accepted"
        assert feeds.rung == [DSL]
        assert chat.rung == []
    assert "eyJ" not in done.stdout + done.stderr


def _origin(server: HTTPServer) -> str:
    return f"https://localhost:{server.port}"


@pytest.mark.peer
def test_a_graph_mailbox_is_proved_by_the_command(
    run: Run,
    provider: OpenIdProvider,
    identity: Identity,
    graph_server: HTTPServer,
    tmp_path: Path,
) -> None:
    """What the app may do is printed point by point; a mailbox too many makes the status 1."""
    graph_server.clear()
    graph = GraphStandIn(graph_server, provider, SystemClock())
    (tmp_path / "credentials").mkdir()
    credential = tmp_path / "credentials" / "graph"
    credential.touch(mode=0o600)
    credential.write_text(identity.credential)
    add_channel(
        tmp_path,
        f'[channels.mail]\nkind = "graph"\ntenant_id = "contoso"\nclient_id = "{CLIENT_ID}"\n'
        f'certificate = "credential:graph"\nauthority_url = "{provider.authority}"\n'
        f'graph_url = "https://localhost:{graph_server.port}/v1.0"\nsender = "{MAILBOX}"\n'
        f'recipients = ["dsl@school.example"]\nmust_not_send_as = "{HEAD}"',
    )

    limited = run("test", "mail")
    sent = len(graph.notes)
    tried = run("test", "mail", "--no-send", "--format", "json")
    sent_by_trying = len(graph.notes) - sent
    graph.in_exchange.add(HEAD)
    broad = run("test", "mail")

    assert limited.returncode == 0, limited.stdout + limited.stderr
    assert f"  ok: does not send as {HEAD}: refused (403 ErrorAccessDenied)" in limited.stdout
    assert "the app's certificate in credential:graph: good until" in limited.stdout
    assert [str(mail["To"]) for mail in graph.mails] == ["dsl@school.example"] * 2
    assert tried.returncode == 0, tried.stdout
    assert sent_by_trying == 0
    assert [point["standing"] for point in json.loads(tried.stdout)["examined"]] == ["ok"] * 3
    assert broad.returncode == 1
    assert f"  problem: does not send as {HEAD}: " in broad.stdout
    assert "to do: limit the app to its mailbox" in broad.stdout
    assert graph.problems == []
