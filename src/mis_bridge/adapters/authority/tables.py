"""The vocabulary of ``authority.toml``: one model a table, closed, every number with its source."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mis_bridge.settings.calendar import YearSettings
from mis_bridge.settings.escalation import EscalationSettings, check_order

__all__ = [
    "AuthorityModel",
    "CheckTable",
    "CmeTable",
    "ContactTable",
    "DayTable",
    "EscalationTable",
    "FieldTable",
    "FormTable",
    "IdentityTable",
    "LetterTable",
    "RouteTable",
    "SectionTable",
    "StepTable",
]


def _web_address(text: str) -> str:
    if not text or (
        text.startswith("https://") and " " not in text and len(text) > len("https://")
    ):
        return text
    raise PydanticCustomError("web_address", 'write an address that begins with "https://"')


def _mail(text: str) -> str:
    name, at, host = text.partition("@")
    if not text or (name and at and "." in host and not set(text) & set(" <>,;")):
        return text
    raise PydanticCustomError("mail_address", "write one mail address, without a name beside it")


Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Words = Annotated[str, Field(min_length=1)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
MailAddress = Annotated[str, AfterValidator(_mail)]
AudienceName = Literal["dsl", "office", "attendance", "it"]


class Table(BaseModel):
    """A table of the file: closed, and a number in quotes is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)


class IdentityTable(Table):
    """``[authority]``: which authority it is."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="Name of its folder.")
    name: Words = Field(description="What messages and packages call it.")
    la_number: str = Field(
        default="", pattern=r"^(\d{3})?$", description="Its DfE number, three digits in quotes."
    )
    url: WebAddress = Field(default="", description="Page where its rules for schools stand.")


class ContactTable(Table):
    """``[[contact]]``: whom to reach there. Nothing is sent by what stands here."""

    role: Literal[
        "cme", "attendance", "virtual_school", "social_care", "sen", "youth_offending", "police"
    ] = Field(description="What for.")
    name: Words = Field(description="Name of the service.")
    telephone: str = Field(default="", description="Empty: not public where it was read.")
    email: MailAddress = Field(default="", description="Empty: not public where it was read.")
    source: Words = Field(description="Where this stands.")


class DayTable(Table):
    """``[cme.enquiries]``, ``[cme.home_visit]``, ``[cme.refer]``: a day, and whose rule it is."""

    day: int = Field(
        ge=1,
        le=60,
        description="School day of an absence of which nobody knows the reason, from 1.",
    )
    source: Words = Field(description="Whose rule it is.")


class CmeTable(Table):
    """``[cme]``: what is due on which school day of an absence with whereabouts unknown."""

    enquiries: DayTable | None = Field(default=None, description="When enquiries start.")
    home_visit: DayTable | None = Field(default=None, description="By when the home is visited.")
    refer: DayTable | None = Field(default=None, description="By when the authority is told.")


class StepTable(Table):
    """``[[protocol.<id>]]``: a step that a person takes."""

    id: Word = Field(description="Stable name within the protocol.")
    text: Words = Field(description="What a person does, imperative, short.")
    who: Words = Field(description="Who does it.")
    minutes: int | None = Field(default=None, ge=0, description="Deadline in minutes.")
    school_days: int | None = Field(
        default=None, ge=0, description="Deadline in school days instead: the end of that day."
    )
    after: Literal["opened", "found"] = Field(
        default="opened", description="What the deadline counts from."
    )
    tells: list[
        Literal[
            "parents",
            "police",
            "social_worker",
            "yot_worker",
            "virtual_school",
            "designated_teacher",
            "sen_caseworker",
            "social_care",
            "authority",
        ]
    ] = Field(default_factory=list, description="Whom this step tells.")
    source: Words = Field(description="Guidance that the step and its deadline come from.")


class RouteTable(Table):
    """``[route]``: how the authority wants to be told."""

    kind: Literal["assisted", "secure_mail", "sftp", "https"] = Field(
        default="assisted",
        description="assisted: a person copies the package into the authority's own form.",
    )
    portal: WebAddress = Field(default="", description="Page with the form; empty: not public.")
    source: str = Field(default="", description="Where this stands.")


class FieldTable(Table):
    """One field of a form."""

    key: str = Field(
        pattern=r"^[a-z_]+\.[a-z0-9_]+$",
        description="Of the list of fields, or own.NAME for what only this form asks for.",
    )
    label: str = Field(default="", description="As on the form; empty: the usual words.")
    hint: str = Field(default="", description="What belongs in it; empty: the usual words.")
    needed: bool = Field(default=False, description="The form is not complete without it.")
    refused_without: bool = Field(
        default=False, description="The authority refuses the form without it: it is never sent so."
    )


class SectionTable(Table):
    """``[[form.<kind>.section]]``: fields under one heading."""

    title: Words = Field(description="The heading.")
    fields: list[FieldTable] = Field(min_length=1, description="In the form's order.")


class CheckTable(Table):
    """``[[form.<kind>.check]]``: what a person makes sure of before approving."""

    id: Word = Field(description="Stable name within the form.")
    text: Words = Field(description="A statement that is true or not yet.")
    source: Words = Field(description="Whose rule it is.")


class FormTable(Table):
    """``[form.<kind>]``: what a form asks for, in its order."""

    title: str = Field(default="", description="Heading; empty: the usual one.")
    source: Words = Field(description="Which form it follows.")
    section: list[SectionTable] = Field(
        default_factory=list, description="What it asks for; none: what is usual."
    )
    check: list[CheckTable] = Field(default_factory=list, description="Before approving.")


class LetterTable(Table):
    """``[letter]``: what the message says that carries an approved package to the authority."""

    text: Words = Field(
        description="A few sentences; {school}, {title}, {reference} and {authority} are put in. "
        "Nothing of the child can be: it stands in the package."
    )
    source: Words = Field(description="Whose words they are.")


class EscalationTable(EscalationSettings):
    """``[[escalation]]``: who in the school is told in which order, where it has no rule itself.

    As in the school's own settings. The file names duties, never people.
    """

    source: Words = Field(description="Whose rule it is.")
    besides: bool = Field(
        default=False,
        description="true: the steps are besides the usual. Whom the trigger names hear as they do "
        "without the rule, and duties that a school does not have are left out without a word. "
        "Steps that are all written without `after_minutes` are told one after the other, each "
        "when the usual people are told again (`incidents.ack_minutes`).",
    )

    @property
    def goes_along(self) -> bool:
        """Whether its steps are told when the usual people are told again."""
        return self.besides and not any(step.after_minutes for step in self.steps)

    @model_validator(mode="after")
    def _in_order(self) -> EscalationTable:
        if not self.goes_along:
            check_order(self.steps)
        return self


class AuthorityModel(Table):
    """``authority.toml``."""

    authority: IdentityTable = Field(description="Which authority it is.")
    contact: list[ContactTable] = Field(default_factory=list, description="Whom to reach there.")
    cme: CmeTable = Field(default=CmeTable(), description="What is due on which day.")
    route: RouteTable = Field(default=RouteTable(), description="How it wants to be told.")
    told: dict[str, Annotated[list[AudienceName], Field(min_length=1)]] = Field(
        default_factory=dict, description="By trigger: who in the school is told of it."
    )
    escalation: list[EscalationTable] = Field(
        default_factory=list, description="Who in the school is told in which order."
    )
    triggers: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Thresholds that differ here, one table a trigger, each with its source.",
    )
    calendar: dict[str, YearSettings] = Field(
        default_factory=dict,
        description='Term dates, one table a school year: `[calendar."2026/27"]`.',
    )
    protocol: dict[str, Annotated[list[StepTable], Field(min_length=1)]] = Field(
        default_factory=dict, description="What people are asked to do, one table a step."
    )
    letter: LetterTable | None = Field(default=None, description="Words to the authority.")
    form: dict[str, FormTable] = Field(default_factory=dict, description="Its forms, by kind.")
