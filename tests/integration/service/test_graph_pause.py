"""Graph asks to be left alone, and the daemon is restarted meanwhile: it goes on waiting."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from mis_bridge.store import channels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mis_bridge.io.clock import ManualClock

    from .conftest import Bench

WAIT = 600


class Throttled:
    """A sign-in service and Graph; Graph refuses the first mail, and counts who comes too soon."""

    def __init__(self, server: HTTPServer, clock: ManualClock) -> None:
        self.asked: list[float] = []
        self._clock = clock
        base = f"https://localhost:{server.port}/contoso"
        server.expect_request("/contoso/v2.0/.well-known/openid-configuration").respond_with_json(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/keys",
            }
        )
        server.expect_request("/contoso/token").respond_with_json(
            {"access_token": "invented-token", "token_type": "Bearer", "expires_in": 3599}
        )
        server.expect_request(
            "/v1.0/users/bot@samplewood.example/sendMail", method="POST"
        ).respond_with_handler(self._take)

    def _take(self, _: Request) -> Response:
        self.asked.append(self._clock.now().timestamp())
        if self.asked[-1] < self.asked[0] + WAIT:
            return Response(status=429, headers={"Retry-After": str(WAIT)})
        return Response(status=202)


@pytest.fixture
def graph(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Throttled]:
    """Let the attendance officer be told by Graph."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    bundle: Path = tmp_path_factory.mktemp("pki") / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("GRAPH_SECRET", "invented-client-secret")
    with HTTPServer(host="localhost", port=0, ssl_context=context) as server:
        here = f"https://localhost:{server.port}"
        bench.edit("[service]", f'[service]\nca_bundle = "{bundle}"')
        bench.edit(
            "[routes]",
            f'[channels.graph-mail]\nkind = "graph"\ntenant_id = "contoso"\nclient_id = "1"\n'
            f'client_secret = "env:GRAPH_SECRET"\nauthority_url = "{here}"\n'
            f'graph_url = "{here}/v1.0"\nsender = "bot@samplewood.example"\n'
            'recipients = ["attendance@samplewood.example"]\n\n[routes]',
        )
        bench.edit('attendance = ["attendance-mail"]', 'attendance = ["graph-mail"]')
        yield Throttled(server, bench.clock)


async def test_a_pause_that_graph_asked_for_outlives_the_daemon(
    bench: Bench, graph: Throttled
) -> None:
    """Refused for ten minutes; two daemons later both alerts go, in one mail, no sooner."""
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    async with bench.daemon() as watched:
        await watched.at("09:14")
        await watched.until("09:18", every=1)
        assert len(graph.asked) == 1
        with watched.store.reading() as tx:
            until = channels.load(tx)["graph-mail"].paused_until
        assert until is not None
        assert until.timestamp() == pytest.approx(graph.asked[0] + WAIT, abs=1)

    # Another message for the same mailbox, which has not been refused itself: it waits too.
    bench.session("AM", "09:19", **dict.fromkeys(bench.pupils[:2], "N"))
    async with bench.daemon() as watched:
        await watched.until("09:23", every=1)
        assert len(watched.incidents("unexplained_absence")) == 2
    async with bench.daemon() as watched:
        await watched.until("09:32", every=2)
        with watched.store.reading() as tx:
            state = channels.load(tx)["graph-mail"]

    refused, *later = graph.asked
    assert len(later) == 1
    assert min(later) >= refused + WAIT
    assert (state.last_result, state.paused_until, state.failures) == ("accepted", None, 0)
