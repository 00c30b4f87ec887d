"""Graph asks to be left alone, and the daemon is restarted meanwhile: it goes on waiting."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from mis_bridge.store import channels, owed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mis_bridge.incidents.model import Incident
    from mis_bridge.io.clock import ManualClock

    from .conftest import Bench

WAIT = 600
HOUR = 3600
QUARTER = timedelta(minutes=15)


class Throttled:
    """A sign-in service and Graph; one of them refuses for a while, and both write down who asks.

    Args:
        server: where both are.
        clock: stamps the requests.
        refuses: end of the path that is answered with 429, from the first request on.
        wait: for so many seconds.
    """

    def __init__(self, server: HTTPServer, clock: ManualClock, refuses: str, wait: int) -> None:
        self.asked: list[tuple[float, str]] = []
        self._clock, self._refuses, self._wait = clock, refuses, wait
        base = f"https://localhost:{server.port}/contoso"
        server.expect_request("/contoso/v2.0/.well-known/openid-configuration").respond_with_json(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "jwks_uri": f"{base}/keys",
            }
        )
        for path in ("/contoso/token", "/v1.0/users/bot@samplewood.example/sendMail"):
            server.expect_request(path, method="POST").respond_with_handler(self._take)

    def at(self, path: str) -> list[float]:
        """When something was asked for, in order."""
        return [at for at, asked in self.asked if asked.endswith(path)]

    def _take(self, request: Request) -> Response:
        now = self._clock.now().timestamp()
        self.asked.append((now, request.path))
        if request.path.endswith(self._refuses) and now < self.at(self._refuses)[0] + self._wait:
            return Response(status=429, headers={"Retry-After": str(self._wait)})
        if request.path.endswith("token"):
            token = '{"access_token":"invented-token","token_type":"Bearer","expires_in":3599}'
            return Response(token, content_type="application/json")
        return Response(status=202)


@contextmanager
def throttled(bench: Bench, folder: Path, refuses: str, wait: int) -> Iterator[Throttled]:
    """Graph on loopback, and two channels of one mailbox there: to the attendance officer, to IT.

    Args:
        bench: whose configuration gets the channels.
        folder: for the certificate.
        refuses: as for ``Throttled``.
        wait: as for ``Throttled``, seconds.
    """
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    bundle = folder / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    with HTTPServer(host="localhost", port=0, ssl_context=context) as server:
        here = f"https://localhost:{server.port}"
        bench.edit("[service]", f'[service]\nca_bundle = "{bundle}"')
        tables = "".join(
            f'[channels.{name}]\nkind = "graph"\ntenant_id = "contoso"\nclient_id = "1"\n'
            f'client_secret = "env:GRAPH_SECRET"\nauthority_url = "{here}"\n'
            f'graph_url = "{here}/v1.0"\nsender = "bot@samplewood.example"\n'
            f'recipients = ["{who}@samplewood.example"]\n\n'
            for name, who in (("graph-mail", "attendance"), ("graph-it", "it"))
        )
        bench.edit("[routes]", f"{tables}[routes]")
        yield Throttled(server, bench.clock, refuses, wait)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the app signs in with."""
    monkeypatch.setenv("GRAPH_SECRET", "invented-client-secret")


@pytest.mark.thorough
async def test_a_pause_that_graph_asked_for_outlives_the_daemon(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Refused for ten minutes; two daemons later both alerts go, in one mail, no sooner."""
    bench.edit('attendance = ["attendance-mail"]', 'attendance = ["graph-mail"]')
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    with throttled(bench, tmp_path_factory.mktemp("pki"), "sendMail", WAIT) as graph:
        async with bench.daemon() as watched:
            await watched.at("09:14")
            await watched.until("09:18", every=1)
            (refused,) = graph.at("sendMail")
            with watched.store.reading() as tx:
                until = channels.load(tx)["graph-mail"].paused_until
            assert until is not None
            assert until.timestamp() == pytest.approx(refused + WAIT, abs=1)

        # Another message for the same mailbox, which has not been refused itself: it waits too.
        bench.session("AM", "09:19", **dict.fromkeys(bench.pupils[:2], "N"))
        async with bench.daemon() as watched:
            await watched.until("09:23", every=1)
            assert len(watched.incidents("unexplained_absence")) == 2
        async with bench.daemon() as watched:
            await watched.until("09:32", every=2)
            with watched.store.reading() as tx:
                state = channels.load(tx)["graph-mail"]

        _, *later = graph.at("sendMail")
        assert len(later) == 1
        assert min(later) >= refused + WAIT
        assert (state.last_result, state.paused_until, state.failures) == ("accepted", None, 0)


@pytest.mark.parametrize("refuses", ["sendMail", "token"])
@pytest.mark.thorough
async def test_where_graph_refuses_for_an_hour_the_next_channel_brings_it_in_time(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory, refuses: str
) -> None:
    """All mail is refused for an hour, or every token is; the daemon is restarted meanwhile.

    Expected: whoever is first told by Graph has each alert by SMTP within 15 minutes, the one from
    before the restart and the one from after it; IT, who is first told by Graph too, hears within
    15 minutes that it takes nothing. Nobody asks again before the hour is over; then Graph is used
    again, IT hears of that, and nothing waits.
    """
    bench.edit('attendance = ["attendance-mail"]', 'attendance = ["graph-mail", "attendance-mail"]')
    bench.edit('it = ["it-mail"]', 'it = ["graph-it", "it-mail"]')
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    with throttled(bench, tmp_path_factory.mktemp("pki"), refuses, HOUR) as graph:
        async with bench.daemon() as watched:
            await watched.at("09:14")
            await watched.until("09:18", every=1)
        asked = list(graph.asked)
        assert len(graph.at(refuses)) == 1

        bench.session("AM", "09:19", **dict.fromkeys(bench.pupils[:2], "N"))
        async with bench.daemon() as watched:
            await watched.until("09:38", every=2)
            absences = watched.incidents("unexplained_absence")
            assert len(absences) == 2
            for one in absences:
                assert _mailed(bench, "attendance", one) <= QUARTER
            failing = watched.incidents("channel_failing")
            assert any(one.key.startswith("graph-mail@") for one in failing)
            for one in failing:
                assert one.opened_at - absences[-1].opened_at <= QUARTER
                assert _mailed(bench, "it", one) <= QUARTER
        async with bench.daemon() as watched:
            await watched.until("10:14", every=9)
            assert graph.asked == asked

            await watched.until("10:30", every=3)
            assert graph.asked[len(asked)][0] >= asked[0][0] + HOUR
            assert graph.at("sendMail")[-1] >= asked[0][0] + HOUR
            with watched.store.reading() as tx:
                assert not {state for _, state in owed.counts(tx)} & {"pending", "sending"}
        over = bench.mails_to("it")[-1]
        assert "The channel delivers again" in str(over.message["Subject"])
        assert all(one.reference in over.part("plain") for one in failing)


def _mailed(bench: Bench, who: str, incident: Incident) -> timedelta:
    """How long after it was opened somebody had a mail about an incident."""
    came = [m.at for m in bench.mails_to(who) if incident.reference in m.part("plain")]
    assert came, f"{who} never heard of {incident.trigger}"
    return min(came) - incident.opened_at
