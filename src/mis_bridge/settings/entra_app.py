"""Who mis-bridge is to Microsoft 365: the keys that every channel through it has."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mis_bridge.settings.fields import WHEN_IT_ENDS, SecretRef, Section

__all__ = ["EntraApp"]


class EntraApp(Section):
    """An app registration in Entra with one credential, or an Azure machine's managed identity."""

    identity: Literal["app", "managed"] = Field(
        default="app",
        description="Who signs in: an app registration with its certificate or client secret, or "
        "the managed identity of an Azure machine, which needs neither.",
    )
    tenant_id: str = Field(default="", description="Directory (tenant) id.")
    client_id: str = Field(
        default="",
        description="Application (client) id; with a managed identity that of a user-assigned one, "
        "or empty for the machine's own.",
    )
    certificate: SecretRef = Field(
        default="",
        description="PEM text with the app's private key and certificate; better than "
        "client_secret.",
    )
    client_secret: SecretRef = Field(
        default="", description="The app's client secret, where it has no certificate."
    )
    secret_expires: dt.date | None = Field(default=None, description=WHEN_IT_ENDS)
    authority_url: str = Field(
        default="",
        description="Sign-in service; empty for that of Microsoft, another in a national cloud.",
    )

    @property
    def signs_in(self) -> bool:
        """Whether anything is written about the app at all."""
        return self.identity == "managed" or bool(
            self.tenant_id or self.certificate or self.client_secret
        )

    @model_validator(mode="after")
    def _is_one_identity(self) -> Self:
        if self.identity == "managed":
            if self.tenant_id or self.certificate or self.client_secret:
                raise PydanticCustomError(
                    "managed",
                    'identity = "managed" signs in without tenant_id, certificate and '
                    "client_secret: take them away",
                )
        elif self.signs_in:
            if not (self.tenant_id and self.client_id):
                raise PydanticCustomError(
                    "app", "write tenant_id and client_id of the app registration"
                )
            if bool(self.certificate) == bool(self.client_secret):
                raise PydanticCustomError(
                    "app_credential",
                    "write how the app signs in: either certificate (better) or client_secret, "
                    "each a credential",
                )
        return self
