"""Each kind of channel, made from its table in the configuration.

Libraries are imported only for the kinds that are configured: ``msal`` alone weighs as much as the
rest of the daemon, so that a school without Graph must not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.channels.authority_bench import AuthorityBench
from mis_bridge.channels.base import Ending, written_end
from mis_bridge.channels.examination import EXPIRES_SOON
from mis_bridge.channels.sign_ins import SignIns
from mis_bridge.errors import ChannelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mis_bridge.channels.allowance import Allowance
    from mis_bridge.channels.base import Channel
    from mis_bridge.channels.mailbox import Mailbox
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.messages.model import Disclosure
    from mis_bridge.settings import (
        AppriseChannel,
        ChannelSettings,
        GraphChannel,
        SecureMailChannel,
        SmtpChannel,
        TeamsActivityChannel,
        TeamsBotChannel,
        TeamsChannel,
    )

__all__ = ["Workshop"]

_BOT_SCOPE: Final = "https://api.botframework.com/.default"
_EXCHANGE: Final = "https://outlook.office365.com/.default"

_UNPROVED: Final = (
    "must_not_send_as is not written: nobody sees whether the app is limited to its mailbox. Name "
    "a mailbox that it has to be refused, for example the head's"
)


class Workshop:
    """What all channels are made with.

    Args:
        transport: the way out for Teams and Graph.
        secrets: where the configuration's references lead.
        disclosure: for channels that set none of their own.
        ca_bundle: certificates to trust besides the system's.
        clock: theirs.
    """

    def __init__(
        self,
        transport: Transport,
        secrets: Secrets,
        disclosure: str,
        ca_bundle: Path | str | None,
        clock: Clock,
    ) -> None:
        self._transport = transport
        self._secrets = secrets
        self._default_disclosure = disclosure
        self._ca_bundle = ca_bundle
        self._clock = clock
        self._allowances: dict[str, Allowance] = {}
        self._mailboxes: dict[tuple[str, ...], Mailbox] = {}
        self._sign_ins = SignIns(secrets, ca_bundle)
        self._to_authority = AuthorityBench(secrets, ca_bundle, clock)

    def make(self, name: str, settings: ChannelSettings) -> Channel:
        """Make one channel.

        Raises:
            ChannelError, SecretMissing, SettingsError: it can not be made.
        """
        match settings.kind:
            case "teams":
                channel: Channel = self._teams(name, settings)
            case "smtp" | "secure-mail":
                channel = self._mail(name, settings)
            case "graph":
                channel = self._graph(name, settings)
            case "teams-activity":
                channel = self._teams_activity(name, settings)
            case "teams-bot":
                channel = self._teams_bot(name, settings)
            case "folder" | "sftp" | "https":
                channel = self._to_authority.make(name, settings, self._disclosure(settings))
            case "apprise":
                channel = self._apprise(name, settings)
        return channel

    def remarks(self, settings: ChannelSettings, channel: Channel) -> Iterator[str]:
        """Look at what a channel was made with; what looks unusual, one sentence each.

        Raises:
            ChannelError: something can not be used; the text says what to do.
        """
        if isinstance(channel, Ending):
            soon = self._clock.now() + EXPIRES_SOON
            yield from (str(expiry) for expiry in channel.expiries() if expiry.at < soon)
        match settings.kind:
            case "teams":
                from mis_bridge.channels.teams import TeamsWebhook

                if isinstance(channel, TeamsWebhook):
                    yield from channel.webhook.warnings
            case "graph":
                yield from self._sign_ins.remarks(settings)
                if settings.must_not_send_as is None:
                    yield _UNPROVED
            case "teams-activity" | "teams-bot":
                yield from self._sign_ins.remarks(settings)
            case "smtp":
                yield from self._about_mail(settings)
            case "secure-mail":
                yield from self._about_mail(settings)
                yield from self._to_authority.about_seal(settings)
            case "sftp":
                self._to_authority.look_at_keys(settings)
            case _:
                pass

    def _teams(self, name: str, settings: TeamsChannel) -> Channel:
        from mis_bridge.channels.allowance import Allowance
        from mis_bridge.channels.mention import Person
        from mis_bridge.channels.teams import TeamsWebhook
        from mis_bridge.channels.webhook import examine

        url = self._secrets.resolve(settings.url)
        if bool(settings.header_name) != bool(settings.header_secret):
            raise ChannelError("header_name and header_secret go together: set both or neither")
        # A slash can not stand in a channel's name, so an owner and a channel are never confused.
        owner = f"owner/{settings.owner}" if settings.owner else name
        return TeamsWebhook(
            name,
            disclosure=self._disclosure(settings),
            url=url,
            webhook=examine(url.reveal(), allow_insecure_loopback=settings.allow_insecure_loopback),
            transport=self._transport,
            allowance=self._allowances.setdefault(owner, Allowance()),
            clock=self._clock,
            header=(settings.header_name, self._secrets.resolve(settings.header_secret))
            if settings.header_name
            else None,
            mentions=[Person(one.name, one.id) for one in settings.mentions],
            timeout_seconds=settings.timeout_seconds,
        )

    def _mail(self, name: str, settings: SmtpChannel | SecureMailChannel) -> Channel:
        from mis_bridge.channels.smtp import SmtpMail
        from mis_bridge.channels.trust import client_context

        password = settings.password and self._secrets.resolve(settings.password)
        proof = self._sign_ins.tokens(settings, _EXCHANGE) if settings.signs_in else password
        return SmtpMail(
            name,
            kind=settings.kind,
            disclosure=self._disclosure(settings),
            host=settings.host,
            port=settings.port,
            security=settings.security,
            sender=settings.sender,
            recipients=settings.recipients,
            context=client_context(self._ca_bundle),
            clock=self._clock,
            login=(settings.username, proof) if proof else None,
            timeout_seconds=settings.timeout_seconds,
            seal=self._to_authority.seal(settings) if settings.kind == "secure-mail" else None,
            secret_ends=written_end(settings.secret_expires, "password", settings.password)
            if settings.password
            else None,
        )

    def _graph(self, name: str, settings: GraphChannel) -> Channel:
        from urllib.parse import urlsplit

        from mis_bridge.channels.graph import GraphMail
        from mis_bridge.channels.mailbox import Mailbox

        if not settings.graph_url.startswith("https://"):
            raise ChannelError("graph_url does not start with https://")
        graph = urlsplit(settings.graph_url)
        key = (settings.graph_url, settings.client_id, settings.sender.lower())
        return GraphMail(
            name,
            disclosure=self._disclosure(settings),
            base_url=settings.graph_url,
            sender=settings.sender,
            recipients=settings.recipients,
            tokens=self._sign_ins.tokens(settings, f"{graph.scheme}://{graph.netloc}/.default"),
            mailbox=self._mailboxes.setdefault(key, Mailbox()),
            must_not_send_as=settings.must_not_send_as,
            transport=self._transport,
            clock=self._clock,
            timeout_seconds=settings.timeout_seconds,
        )

    def _teams_activity(self, name: str, settings: TeamsActivityChannel) -> Channel:
        from urllib.parse import urlsplit

        from mis_bridge.channels.allowance import ACTIVITY_LIMITS, Allowance
        from mis_bridge.channels.teams_activity import TeamsActivity

        graph = urlsplit(settings.graph_url)
        counted = f"activity/{settings.client_id}"
        return TeamsActivity(
            name,
            disclosure=self._disclosure(settings),
            base_url=settings.graph_url,
            team=settings.team_id,
            recipients=settings.recipients,
            link=settings.link,
            tokens=self._sign_ins.tokens(settings, f"{graph.scheme}://{graph.netloc}/.default"),
            transport=self._transport,
            allowance=self._allowances.setdefault(counted, Allowance(ACTIVITY_LIMITS)),
            clock=self._clock,
            activity_type=settings.activity_type,
            template_parameter=settings.template_parameter,
            timeout_seconds=settings.timeout_seconds,
        )

    def _teams_bot(self, name: str, settings: TeamsBotChannel) -> Channel:
        from mis_bridge.channels.allowance import BOT_LIMITS, Allowance
        from mis_bridge.channels.mention import Person
        from mis_bridge.channels.teams_bot import TeamsBot

        counted = f"bot/{settings.client_id}/{settings.conversation}"
        return TeamsBot(
            name,
            disclosure=self._disclosure(settings),
            service_url=settings.service_url,
            app_id=settings.client_id,
            conversation=settings.conversation,
            mentions=[Person(one.name, one.id) for one in settings.mentions],
            tokens=self._sign_ins.tokens(settings, _BOT_SCOPE),
            transport=self._transport,
            allowance=self._allowances.setdefault(counted, Allowance(BOT_LIMITS)),
            clock=self._clock,
            timeout_seconds=settings.timeout_seconds,
        )

    def _about_mail(self, settings: SmtpChannel | SecureMailChannel) -> Iterator[str]:
        from mis_bridge.channels.smtp_proof import other_domain

        yield from self._sign_ins.remarks(settings)
        if remark := other_domain(settings.sender, settings.username):
            yield remark

    def _apprise(self, name: str, settings: AppriseChannel) -> Channel:
        from mis_bridge.channels.apprise_extra import AppriseExtra, service_of

        return AppriseExtra(
            name,
            disclosure=self._disclosure(settings),
            service=service_of(self._secrets.resolve(settings.url)),
            timeout_seconds=settings.timeout_seconds,
        )

    def _disclosure(self, settings: ChannelSettings) -> Disclosure:
        from mis_bridge.messages.model import Disclosure

        return Disclosure(settings.disclosure or self._default_disclosure)
