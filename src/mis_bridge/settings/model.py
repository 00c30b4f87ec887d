"""What can be configured: one model a table of ``config.toml`` and of ``conf.d/<school>.toml``.

Every field carries the sentence that the reference page prints. Units are in the names. Times of
day are written ``"HH:MM"`` and held as minutes after local midnight. A secret is never written
here: a field of type ``SecretRef`` names where it is, ``credential:NAME`` or ``env:VARIABLE``.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, Literal, LiteralString

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

__all__ = [
    "AUDIENCES",
    "WRITTEN_OUT",
    "AuthoritySettings",
    "CalendarSettings",
    "ChannelSettings",
    "ClosureSettings",
    "DisclosureName",
    "FolderChannel",
    "GraphChannel",
    "HttpsChannel",
    "IncidentSettings",
    "MinuteOfDay",
    "MisSettings",
    "PollingSettings",
    "RetentionSettings",
    "SchoolAuthoritySettings",
    "SchoolIdentity",
    "SchoolSettings",
    "SecretRef",
    "Section",
    "SecureMailChannel",
    "ServiceSettings",
    "SessionTimesSettings",
    "Settings",
    "SftpChannel",
    "SmtpChannel",
    "StoreSettings",
    "TeamsChannel",
    "TermDates",
    "TimeSpan",
    "WordsSettings",
    "YearSettings",
]

AUDIENCES = (
    "dsl",
    "office",
    "attendance",
    "it",
    "authority",
    "designated_teacher",
    "virtual_school",
)
"""Who can be told; the keys of ``[routes]``."""

DisclosureName = Literal["reference", "initials", "full"]
Scalar = int | float | bool | str | list[str] | list[int]

WRITTEN_OUT: LiteralString = (
    'a secret is never written here: put it in a credential and write "credential:NAME", '
    'or in the environment and write "env:VARIABLE"'
)
RETIRED_CONNECTOR: LiteralString = (
    "Office 365 connectors were retired in May 2026: create a Workflows webhook in Teams, put its "
    'address in a credential and write "credential:NAME"'
)

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_SECRET = re.compile(r"credential:[A-Za-z0-9][A-Za-z0-9_.-]*|env:[A-Za-z_][A-Za-z0-9_]*")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_CONNECTOR = re.compile(r"//([^/]*\.)?webhook\.office\.com|//outlook\.office(365)?\.com/webhook")
_HTTPS = re.compile(r"https://[^/\s]+(/\S*)?")
_HOST_KEY = re.compile(r"(ssh|ecdsa|rsa)[a-z0-9@.-]* AAAA[A-Za-z0-9+/]+=*(?=\s|$)")
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def _secret_ref(value: str) -> str:
    if not value or _SECRET.fullmatch(value):
        return value
    # The value itself is never repeated: it may be the secret.
    if _CONNECTOR.search(value):
        raise PydanticCustomError("retired_connector", RETIRED_CONNECTOR)
    raise PydanticCustomError("literal_secret", WRITTEN_OUT)


def _minute_of_day(value: object) -> object:
    if isinstance(value, dt.time):
        return value.hour * 60 + value.minute
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found:
        return int(found[1]) * 60 + int(found[2])
    raise PydanticCustomError("time_of_day", 'write a time of day as "HH:MM", for example "08:45"')


def _span(value: object) -> object:
    """Understand ``"09:00-10:00"``; minutes after local midnight."""
    begin, _, end = value.partition("-") if isinstance(value, str) else ("", "", "")
    found = [_TIME.fullmatch(text.strip()) for text in (begin, end)]
    if found[0] is None or found[1] is None:
        raise PydanticCustomError("span", 'write from when until when, for example "09:00-10:00"')
    starts, ends = (int(one[1]) * 60 + int(one[2]) for one in found if one is not None)
    if starts >= ends:
        raise PydanticCustomError("span", "it ends before it begins")
    return starts, ends


def _name(value: str) -> str:
    if _NAME.fullmatch(value):
        return value
    raise PydanticCustomError(
        "name", "write a name of small letters, digits and hyphens, for example dsl-teams"
    )


def _mail_address(value: str) -> str:
    if re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", value):
        return value
    raise PydanticCustomError("mail_address", "write one mail address, without a name beside it")


def _host_key(value: str) -> str:
    if _HOST_KEY.match(value):
        return value
    raise PydanticCustomError(
        "host_key",
        'write the kind of the key and the key as the server publishes it, "ssh-ed25519 AAAA..."',
    )


def _urn(value: str) -> str:
    if not value or re.fullmatch(r"[0-9]{6}", value):
        return value
    raise PydanticCustomError("urn", 'write its six digits in quotes, for example "123456"')


def _dfe_number(value: str) -> str:
    if not value or re.fullmatch(r"[0-9]{3}/?[0-9]{4}", value):
        return value
    raise PydanticCustomError(
        "dfe_number", 'write its seven digits in quotes, for example "895/4001"'
    )


def _term_dates(value: str) -> str:
    """Take ``authority``, a file, an address or a secret; ``webcal`` is https by another name."""
    if not value or value == "authority" or _SECRET.fullmatch(value):
        return value
    if value.startswith("webcal://"):
        value = f"https://{value.removeprefix('webcal://')}"
    if _HTTPS.fullmatch(value) or ("//" not in value and value.lower().endswith(".ics")):
        return value
    raise PydanticCustomError(
        "term_dates",
        'write "authority", the name of a file that ends in .ics, an address that begins with '
        '"https://", or a secret',
    )


def _web_address(value: str) -> str:
    if not value or re.fullmatch(r"https://[^/\s]+(/\S*)?", value):
        return value
    raise PydanticCustomError(
        "web_address", 'write an address that begins with "https://": there is no link without'
    )


SecretRef = Annotated[
    str,
    AfterValidator(_secret_ref),
    WithJsonSchema({"type": "string", "pattern": rf"^(|{_SECRET.pattern})$"}),
]
"""``credential:NAME``, ``env:VARIABLE``, or empty where the secret is optional."""

RequiredSecretRef = Annotated[SecretRef, Field(min_length=1)]

MinuteOfDay = Annotated[
    int,
    BeforeValidator(_minute_of_day),
    WithJsonSchema({"type": "string", "pattern": rf"^{_TIME.pattern}$"}),
]
"""``"HH:MM"`` in the file, minutes after local midnight in the program."""

TimeSpan = Annotated[
    tuple[int, int],
    BeforeValidator(_span),
    WithJsonSchema({"type": "string", "pattern": rf"^{_TIME.pattern}\s*-\s*{_TIME.pattern}$"}),
]
"""``"HH:MM-HH:MM"`` in the file, two minutes after local midnight in the program."""

Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": rf"^{_NAME.pattern}$"}),
]
Urn = Annotated[
    str, AfterValidator(_urn), WithJsonSchema({"type": "string", "pattern": r"^(\d{6})?$"})
]
DfeNumber = Annotated[
    str,
    AfterValidator(_dfe_number),
    WithJsonSchema({"type": "string", "pattern": r"^(\d{3}/?\d{4})?$"}),
]
WebAddress = Annotated[
    str,
    AfterValidator(_web_address),
    WithJsonSchema({"type": "string", "pattern": r"^(https://[^/\s]+(/\S*)?)?$"}),
]
TermDates = Annotated[str, AfterValidator(_term_dates)]
"""``authority``, a file, an https address, a secret with the address, or empty."""

RequiredWebAddress = Annotated[WebAddress, Field(min_length=1)]
HostKey = Annotated[
    str,
    AfterValidator(_host_key),
    WithJsonSchema({"type": "string", "pattern": rf"^{_HOST_KEY.pattern}"}),
]
MailAddress = Annotated[
    str, AfterValidator(_mail_address), WithJsonSchema({"type": "string", "format": "email"})
]


class Section(BaseModel):
    """A table of the configuration: closed, so that a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ServiceSettings(Section):
    """The daemon itself. Relative paths are taken from the folder of ``config.toml``."""

    data_dir: Path = Field(
        default=Path("/var/lib/mis-bridge"),
        description="Folder of the embedded database and its key.",
    )
    conf_dir: Path = Field(default=Path("conf.d"), description="Folder with one file a school.")
    credentials_dir: Path = Field(
        default=Path("credentials"),
        description="Folder with one file a secret, read where systemd passes no credential "
        "of that name.",
    )
    adapter_dirs: list[Path] = Field(
        default_factory=list,
        description="More folders with adapters, beside those that come with mis-bridge.",
    )
    adapter_pins: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(
        default_factory=dict,
        description="By adapter id: SHA-256 of the adapter.py of an adapter of your own. Its code "
        "runs only as long as it is this one.",
    )
    tick_seconds: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="How often the daemon looks for work that has come due.",
    )
    heartbeat_url: SecretRef = Field(
        default="",
        description="Address that is called after each clean cycle, so that an outside monitor "
        "notices silence.",
    )
    ca_bundle: str = Field(
        default="",
        description="File of certificate authorities to trust besides the machine's own, for "
        "example that of a school's web filter.",
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto",
        description="How log lines look; auto is console on a terminal and JSON otherwise.",
    )
    console_url: WebAddress = Field(
        default="",
        description="Address of the web pages, for the links in messages; empty for no links.",
    )


class StoreSettings(Section):
    """The database."""

    url: str = Field(
        default="",
        description="Empty for the embedded encrypted database in data_dir; otherwise a "
        "postgresql:// address without password, or a secret that holds the whole address.",
    )
    key: SecretRef = Field(
        default="",
        description="Key of the embedded database; empty for a key that is made on the first "
        "run and kept beside the database, readable by the service alone.",
    )


class PollingSettings(Section):
    """When and how the MIS is read."""

    interval_seconds: int = Field(
        default=120,
        ge=10,
        le=3600,
        description="Time between two readings of one school in its day.",
    )
    day_starts: MinuteOfDay = Field(
        default=7 * 60 + 30, description="When reading begins on a school day."
    )
    day_ends: MinuteOfDay = Field(
        default=17 * 60 + 30, description="When reading ends on a school day."
    )
    window_school_days: int = Field(
        default=5,
        ge=1,
        le=60,
        description="How many school days back each reading goes, because marks are corrected "
        "afterwards.",
    )
    overlap_minutes: int = Field(
        default=60,
        ge=0,
        le=1440,
        description="How far a reading of changes reaches back over the last; 15 at the least, as "
        "long as a reading may take.",
    )
    sweep_at: MinuteOfDay = Field(
        default=3 * 60 + 30, description="When the whole window is read again each night."
    )
    timeout_seconds: float | None = Field(
        default=None,
        gt=0,
        le=600,
        description="How long one answer of the MIS is waited for, if not as long as its adapter "
        "says.",
    )
    workers: int = Field(
        default=8,
        ge=1,
        le=64,
        description="How many schools are read at the same time; failing ones and first loads are "
        "read beside them, as many again.",
    )


class _Channel(Section):
    disclosure: DisclosureName | None = Field(
        default=None,
        description="How a pupil is named on this channel; unset takes the global setting.",
    )
    timeout_seconds: float = Field(
        default=30.0, ge=1, le=100, description="How long one attempt to send may take."
    )


class TeamsChannel(_Channel):
    """A Microsoft Teams channel or chat, by a Workflows webhook."""

    kind: Literal["teams"] = Field(description="`teams`.")
    url: RequiredSecretRef = Field(description="The webhook's address; it is a secret.")
    header_name: str = Field(
        default="",
        description="Name of an extra header that the flow's trigger condition asks for.",
    )
    header_secret: SecretRef = Field(default="", description="Value of that header.")
    owner: str = Field(
        default="",
        description="Whose flow it is. Microsoft counts what a person's flows post together, so "
        "channels with one owner share one allowance; empty: an allowance of its own.",
    )
    allow_insecure_loopback: bool = Field(
        default=False,
        description="Allow an http:// address on this machine, for a demonstration.",
    )


class SmtpChannel(_Channel):
    """Email by a mail server."""

    kind: Literal["smtp"] = Field(description="`smtp`.")
    host: str = Field(min_length=1, description="Name of the mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How the connection is encrypted; none only to this machine.",
    )
    username: str = Field(default="", description="User name, where the server asks for one.")
    password: SecretRef = Field(default="", description="Password of that user.")
    sender: MailAddress = Field(description="Address that mails come from.")
    recipients: list[MailAddress] = Field(min_length=1, description="Addresses that mails go to.")

    @model_validator(mode="after")
    def _plain_text_only_here(self) -> SmtpChannel:
        if self.security == "none" and self.host not in _LOCAL_HOSTS:
            raise PydanticCustomError(
                "plain_mail",
                'security = "none" sends pupil data unencrypted: use "starttls" or "tls"; '
                "only a relay on this machine may go without",
            )
        return self


class GraphChannel(_Channel):
    """Email by Microsoft Graph, sent from one mailbox with an app's certificate."""

    kind: Literal["graph"] = Field(description="`graph`.")
    tenant_id: str = Field(min_length=1, description="Directory (tenant) id.")
    client_id: str = Field(min_length=1, description="Application (client) id.")
    certificate: RequiredSecretRef = Field(
        description="PEM text with the app's private key and certificate."
    )
    sender: MailAddress = Field(description="Mailbox that mails are sent from.")
    recipients: list[MailAddress] = Field(min_length=1, description="Addresses that mails go to.")
    authority_url: str = Field(
        default="", description="Sign-in service; empty for that of tenant_id at Microsoft."
    )
    graph_url: str = Field(
        default="https://graph.microsoft.com/v1.0",
        description="Graph service, for a national cloud.",
    )


class SecureMailChannel(_Channel):
    """Email to the Local Authority: TLS always, and S/MIME where it publishes a certificate."""

    kind: Literal["secure-mail"] = Field(description="`secure-mail`.")
    host: str = Field(min_length=1, description="Name of the school's mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    security: Literal["starttls", "tls"] = Field(
        default="starttls",
        description="How the connection is encrypted; a server that can not is sent nothing.",
    )
    username: str = Field(default="", description="User name, where the server asks for one.")
    password: SecretRef = Field(default="", description="Password of that user.")
    sender: MailAddress = Field(description="Address that mails come from.")
    recipients: list[MailAddress] = Field(
        min_length=1, description="Addresses of the authority that packages go to."
    )
    certificates: list[Path] = Field(
        default_factory=list,
        description="PEM files with the certificates that the authority publishes: packages are "
        "encrypted for all of them; empty for no S/MIME encryption.",
    )
    signing: SecretRef = Field(
        default="",
        description="PEM text with the school's own S/MIME key and certificate, which signs; empty "
        "for no signature.",
    )


class SftpChannel(_Channel):
    """Files put on the Local Authority's SFTP server; for approved packages only."""

    kind: Literal["sftp"] = Field(description="`sftp`.")
    host: str = Field(min_length=1, description="Name of the server.")
    port: int = Field(default=22, ge=1, le=65535, description="Port of the server.")
    username: str = Field(min_length=1, description="User name there.")
    key: SecretRef = Field(
        default="", description="Private key that logs in, OpenSSH or PEM text without passphrase."
    )
    password: SecretRef = Field(default="", description="Password, where there is no key.")
    host_keys: list[HostKey] = Field(
        min_length=1,
        description='The server\'s own public keys, each as `"ssh-ed25519 AAAA..."`; a server that '
        "shows none of them is sent nothing.",
    )
    folder: str = Field(
        default="", description="Folder for the files; empty for the one that the login opens."
    )

    @model_validator(mode="after")
    def _has_a_login(self) -> SftpChannel:
        if bool(self.key) == bool(self.password):
            raise PydanticCustomError(
                "login", "write how to log in: either key or password, each a credential"
            )
        return self


class HttpsChannel(_Channel):
    """JSON posted to the Local Authority's portal; for approved packages only."""

    kind: Literal["https"] = Field(description="`https`.")
    url: RequiredWebAddress = Field(description="Address that packages are posted to.")
    token_url: WebAddress = Field(
        default="", description="Where OAuth2 gives tokens (client credentials)."
    )
    client_id: str = Field(default="", description="Our name there.")
    client_secret: SecretRef = Field(default="", description="The secret that goes with it.")
    scope: str = Field(default="", description="What the token is for, where the portal says so.")
    client_certificate: SecretRef = Field(
        default="",
        description="PEM text with the key and certificate that the portal knows us by (mutual "
        "TLS).",
    )
    reference: str = Field(
        default="reference",
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        description="Where the portal's answer holds its reference: a key, or keys joined by dots.",
    )

    @model_validator(mode="after")
    def _is_known_there(self) -> HttpsChannel:
        oauth = (self.token_url, self.client_id, self.client_secret)
        if any(oauth) and not all(oauth):
            raise PydanticCustomError(
                "oauth", "token_url, client_id and client_secret go together: write all three"
            )
        if not all(oauth) and not self.client_certificate:
            raise PydanticCustomError(
                "open_portal",
                "a portal that asks nobody who they are is sent nothing: write token_url, "
                "client_id and client_secret, or client_certificate",
            )
        return self


class FolderChannel(_Channel):
    """Files put in a folder, for a person to take to the authority's portal."""

    kind: Literal["folder"] = Field(description="`folder`.")
    path: Path = Field(description="Folder that receives one folder a package.")
    portal: str = Field(
        default="",
        description="Address of the authority's portal, for the file with the fields; empty: the "
        "one that the authority's own file names.",
    )


ChannelSettings = Annotated[
    TeamsChannel
    | SmtpChannel
    | GraphChannel
    | FolderChannel
    | SecureMailChannel
    | SftpChannel
    | HttpsChannel,
    Field(discriminator="kind"),
]

SeverityName = Literal["critical", "high", "normal", "low"]

_DEADLINES: dict[SeverityName, int] = {"critical": 15, "high": 15, "normal": 120, "low": 720}


def _deadlines(value: object) -> object:
    return {**_DEADLINES, **value} if isinstance(value, dict) else value


class IncidentSettings(Section):
    """How incidents behave."""

    damping_minutes: int = Field(
        default=60,
        ge=0,
        le=1440,
        description="An incident that comes back within this time is the same one, opened again.",
    )
    ack_minutes: int = Field(
        default=15,
        ge=1,
        le=1440,
        description="How long an alert may go without an acknowledgement before the next people of "
        "the route are told.",
    )
    deadline_minutes: Annotated[
        dict[SeverityName, Annotated[int, Field(ge=1)]],
        BeforeValidator(_deadlines),
    ] = Field(
        default_factory=_DEADLINES.copy,
        description="By severity: how long one channel may take before the next is used.",
    )


class RetentionSettings(Section):
    """When data is dropped."""

    day_sheets_school_days: int = Field(
        default=30, ge=5, le=400, description="How many school days lesson marks are kept."
    )
    mark_changes_days: int = Field(
        default=400, ge=30, description="How long it is kept which mark was changed when."
    )
    strip_years: int = Field(
        default=3, ge=1, le=10, description="How many academic years of session marks are kept."
    )
    incidents_days: int = Field(
        default=2192, ge=30, description="How long closed incidents and their history are kept."
    )
    outbox_days: int = Field(
        default=90, ge=7, description="How long it is kept which message went out when."
    )
    quarantine_days: int = Field(
        default=30, ge=1, description="How long rows that could not be used are kept."
    )


class AuthoritySettings(Section):
    """The Local Authority whose thresholds and forms are used."""

    id: Name = Field(
        default="national",
        description="Folder under adapters/la; `mis-bridge authorities list` shows them.",
    )
    name: str = Field(
        default="",
        description="Its name, as messages should print it; empty: as its own file says.",
    )


class SchoolAuthoritySettings(Section):
    """The Local Authority of this school, where it is another than that of config.toml."""

    id: Name | None = Field(
        default=None, description="Folder under adapters/la; unset: as in config.toml."
    )
    name: str = Field(
        default="",
        description="Its name, as messages should print it; empty: as its own file says.",
    )


class Settings(BaseSettings):
    """``config.toml`` with what the environment overrides."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_prefix="MIS_BRIDGE_",
        env_nested_delimiter="__",
    )

    disclosure: DisclosureName = Field(
        default="initials",
        description="How a pupil is named in messages: by the incident's reference only, by "
        "initials and form, or in full.",
    )
    service: ServiceSettings = ServiceSettings()
    store: StoreSettings = StoreSettings()
    polling: PollingSettings = PollingSettings()
    channels: dict[Name, ChannelSettings] = Field(
        default_factory=dict, description="Ways out, each with a name of your choice."
    )
    routes: dict[str, list[str]] = Field(
        default_factory=dict,
        description="For each audience the channels that tell it; the second is used when the "
        "first fails.",
        json_schema_extra={"propertyNames": {"enum": list(AUDIENCES)}},
    )
    triggers: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Parameters of triggers, one table a trigger."
    )
    incidents: IncidentSettings = IncidentSettings()
    retention: RetentionSettings = RetentionSettings()
    authority: AuthoritySettings = AuthoritySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, and nothing else have a say."""
        return env_settings, init_settings


class SchoolIdentity(Section):
    """Which school it is."""

    id: Name = Field(description="The file's name without .toml; it names the school for good.")
    name: str = Field(min_length=1, description="Its name, as messages should print it.")
    urn: Urn = Field(default="", description="Unique reference number, six digits.")
    dfe_number: DfeNumber = Field(
        default="",
        description="DfE number, three digits of the authority and four of the school.",
    )
    phase: Literal["", "nursery", "primary", "secondary", "all-through", "special", "ap"] = Field(
        default="", description="Kind of school."
    )
    enabled: bool = Field(
        default=True,
        description="false: the school is known and listed, and not read; nobody is told of its "
        "missing children.",
    )


class MisSettings(Section):
    """Where its registers are read."""

    adapter: Name = Field(description="Id of the adapter; `mis-bridge adapters list` shows them.")
    poll_seconds: int | None = Field(
        default=None,
        ge=10,
        le=3600,
        description="Time between two readings, if not that of [polling].",
    )
    connection: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description="What the adapter needs; `mis-bridge adapters show ID` lists it. Secrets "
        "are named, not written.",
    )
    leave_out: list[Literal["pupils", "sessions", "lessons", "events", "deletions"]] = Field(
        default_factory=list,
        description="Lists that the school does not grant, so that their refusal is not told as a "
        "failure. What they would tell is then not noticed.",
    )


class SessionTimesSettings(Section):
    """When one session's register is taken, local times."""

    opens: MinuteOfDay = Field(description="When the register opens.")
    closes: MinuteOfDay = Field(description="When it closes; a mark N is unexplained after it.")
    ends: MinuteOfDay = Field(description="When the session ends.")

    @model_validator(mode="after")
    def _in_order(self) -> SessionTimesSettings:
        if not self.opens < self.closes <= self.ends:
            raise PydanticCustomError("order", "write opens, closes and ends in the order of time")
        return self


class ClosureSettings(Section):
    """Days without school inside the year."""

    first: dt.date = Field(description="First day, YYYY-MM-DD without quotes.")
    last: dt.date | None = Field(default=None, description="Last day, if it is more than one.")
    why: str = Field(min_length=1, description="Half term, training day, and so on.")
    session: Literal["AM", "PM"] | None = Field(
        default=None, description="Only this half of the day, if not the whole."
    )

    @model_validator(mode="after")
    def _in_order(self) -> ClosureSettings:
        if self.last is not None and self.last < self.first:
            raise PydanticCustomError("order", "last is before first")
        return self


def _start(day: dt.date) -> int:
    return day.year if day.month >= 8 else day.year - 1  # noqa: PLR2004


def _one_year(first: dt.date, last: dt.date) -> None:
    if last < first:
        raise PydanticCustomError("order", "last_day is before first_day")
    if last > dt.date(_start(first) + 1, 7, 31):
        raise PydanticCustomError(
            "one_year", "last_day is in another academic year (1 August to 31 July)"
        )


class YearSettings(Section):
    """The days of one academic year."""

    first_day: dt.date = Field(description="First school day of the year.")
    last_day: dt.date = Field(description="Last school day of the year.")
    closures: list[ClosureSettings] = Field(
        default_factory=list, description="Holidays, training days and other closures."
    )

    @model_validator(mode="after")
    def _in_one_year(self) -> YearSettings:
        _one_year(self.first_day, self.last_day)
        return self

    @property
    def start(self) -> int:
        """Calendar year of the 1 August before the first day."""
        return _start(self.first_day)


class WordsSettings(Section):
    """What the titles of an iCalendar file's events mean; each list takes the place of its own."""

    closed: list[str] | None = Field(default=None, description="The school is closed.")
    starts: list[str] | None = Field(default=None, description="First day of a term.")
    ends: list[str] | None = Field(default=None, description="Last day of a term.")
    term: list[str] | None = Field(default=None, description="A term, if it lasts several days.")
    ignore: list[str] | None = Field(default=None, description="Passed over, whatever else it is.")


class CalendarSettings(Section):
    """The days on which the school is open."""

    first_day: dt.date | None = Field(
        default=None, description="First school day of the year that is written here."
    )
    last_day: dt.date | None = Field(default=None, description="Last school day of that year.")
    closures: list[ClosureSettings] = Field(
        default_factory=list,
        description="Holidays, training days and other closures of the school's own; they come on "
        "top of those of term_dates.",
    )
    years: list[YearSettings] = Field(
        default_factory=list,
        description="More years that are written out, for example the next one.",
    )
    term_dates: TermDates = Field(
        default="",
        description="Where the other years come from: `authority` (what the authority's file "
        "gives), an iCalendar file (`terms.ics`), an https:// address of one, or a secret that "
        "holds the address. A year that is written here goes before.",
    )
    bank_holidays: bool = Field(
        default=True, description="Whether the school is closed on the bank holidays of England."
    )
    words: WordsSettings = Field(
        default=WordsSettings(),
        description="What the titles of an iCalendar file's events mean.",
    )
    am: SessionTimesSettings = Field(
        default_factory=lambda: SessionTimesSettings.model_validate(
            {"opens": "08:45", "closes": "09:15", "ends": "12:15"}
        ),
        description="The morning session.",
    )
    pm: SessionTimesSettings = Field(
        default_factory=lambda: SessionTimesSettings.model_validate(
            {"opens": "13:00", "closes": "13:30", "ends": "15:10"}
        ),
        description="The afternoon session.",
    )
    periods: dict[str, TimeSpan] = Field(
        default_factory=dict,
        description="Times of the lessons, for a MIS that names a period without its time: "
        '`P1 = "09:00-10:00"`.',
    )

    @model_validator(mode="after")
    def _some_years(self) -> CalendarSettings:
        if (self.first_day is None) != (self.last_day is None):
            raise PydanticCustomError("order", "write first_day and last_day, or neither")
        if not (self.first_day or self.years or self.term_dates):
            raise PydanticCustomError(
                "no_year",
                "write first_day and last_day, or where the term dates come from (term_dates)",
            )
        if self.first_day is not None and self.last_day is not None:
            _one_year(self.first_day, self.last_day)
        starts = [year.start for year in self.written]
        if len(set(starts)) != len(starts):
            raise PydanticCustomError("twice", "two of the years that are written are the same")
        if self.pm.opens < self.am.ends:
            raise PydanticCustomError("order", "the afternoon (pm) opens before the morning ends")
        return self

    @property
    def written(self) -> list[YearSettings]:
        """The years that are written out here, in any order, without the closures of them all."""
        if self.first_day is None or self.last_day is None:
            return list(self.years)
        return [YearSettings(first_day=self.first_day, last_day=self.last_day), *self.years]


class SchoolSettings(Section):
    """``conf.d/<school>.toml``: one school."""

    school: SchoolIdentity
    mis: MisSettings
    calendar: CalendarSettings
    codes: dict[str, str] = Field(
        default_factory=dict,
        description="Codes of this school's own that the national table does not know, each "
        "with the national code it means.",
    )
    routes: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Audiences that this school tells by other channels.",
        json_schema_extra={"propertyNames": {"enum": list(AUDIENCES)}},
    )
    triggers: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Parameters of triggers that differ at this school."
    )
    authority: SchoolAuthoritySettings = SchoolAuthoritySettings()
