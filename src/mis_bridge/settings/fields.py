"""What one value of the configuration may be: a secret's name, a time of day, a mail address.

Times of day are written ``"HH:MM"`` and held as minutes after local midnight. A secret is never
written in a file: a field of type ``SecretRef`` names where it is, ``credential:NAME`` or
``env:VARIABLE``.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Annotated, Literal, LiteralString

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

__all__ = [
    "RETIRED_CONNECTOR",
    "WHEN_IT_ENDS",
    "WRITTEN_OUT",
    "DfeNumber",
    "DisclosureName",
    "HostKey",
    "Listen",
    "MailAddress",
    "MinuteOfDay",
    "Name",
    "OneLine",
    "RequiredSecretRef",
    "RequiredWebAddress",
    "SecretRef",
    "Section",
    "SeverityName",
    "TermDates",
    "TimeSpan",
    "Urn",
    "WebAddress",
]

_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})

DisclosureName = Literal["reference", "initials", "full"]
SeverityName = Literal["critical", "high", "normal", "low"]

WRITTEN_OUT: LiteralString = (
    'a secret is never written here: put it in a credential and write "credential:NAME", '
    'or in the environment and write "env:VARIABLE"'
)

WHEN_IT_ENDS = (
    "Day on which the secret ends, where it has one that nobody can read from it, YYYY-MM-DD "
    "without quotes: IT is told 30, 7 and 1 days before."
)

RETIRED_CONNECTOR: LiteralString = (
    "Office 365 connectors were retired in May 2026: create a Workflows webhook in Teams, put its "
    'address in a credential and write "credential:NAME"'
)

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_SECRET = re.compile(r"credential:[A-Za-z0-9][A-Za-z0-9_.-]*|env:[A-Za-z_][A-Za-z0-9_]*")
_LISTEN = re.compile(r"((\[[0-9a-fA-F:]+\]|[^\s:]+):(?P<port>\d{1,5}))?")
_LAST_PORT = 65_535
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_CONNECTOR = re.compile(r"//([^/]*\.)?webhook\.office\.com|//outlook\.office(365)?\.com/webhook")
_HTTPS = re.compile(r"https://[^/\s]+(/\S*)?")
_HOST_KEY = re.compile(r"(ssh|ecdsa|rsa)[a-z0-9@.-]* AAAA[A-Za-z0-9+/]+=*(?=\s|$)")


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


def _one_line(value: str) -> str:
    if any(unicodedata.category(one) in _NO_TEXT for one in value):
        raise PydanticCustomError("one_line", "write it in one line, without control characters")
    return value


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


def _listen(value: str) -> str:
    found = re.fullmatch(_LISTEN, value)
    if found and (not value or int(found["port"]) <= _LAST_PORT):
        return value
    raise PydanticCustomError(
        "listen", 'write an address of this machine and a port, for example "127.0.0.1:9464"'
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

OneLine = Annotated[str, AfterValidator(_one_line)]
"""A name as people write it: it stands in subjects, on cards and in the history."""

Urn = Annotated[
    str, AfterValidator(_urn), WithJsonSchema({"type": "string", "pattern": r"^(\d{6})?$"})
]

DfeNumber = Annotated[
    str,
    AfterValidator(_dfe_number),
    WithJsonSchema({"type": "string", "pattern": r"^(\d{3}/?\d{4})?$"}),
]

Listen = Annotated[
    str,
    AfterValidator(_listen),
    WithJsonSchema({"type": "string", "pattern": r"^((\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5})?$"}),
]
"""``host:port`` to listen on, or empty."""

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
