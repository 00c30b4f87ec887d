"""Every error that mis-bridge raises on purpose, in one tree, split by whose fault it is.

::

    MisBridgeError
      OperatorError                 something on this machine or in its configuration
        SettingsError               a mistake in a configuration file: file, line, key
        SecretMissing               a credential that the configuration names is not there
        StoreError
          StoreBusy                 another process holds the database
          StoreFull                 no room left on the disk
          StoreKeyWrong             the database does not open with this key
          StoreOutdated             the schema is older or newer than this program
          StoreRefused              it does not take this one piece of work; others it does
          LeaseLost                 another worker took this work over; nothing was stored
        AdapterInvalid              a folder under adapters/ that is not a valid adapter
      DataError                     what was read is not what it claims to be
        UnknownCode                 a mark that is not in the code table
        DateOutsideYear             a date that the academic year does not contain
        BadRow                      a row of a file, with its line number
        PackageRefused              a notification to an LA that may not be made of this
      MisError                      the MIS (or the way to it) failed; each has a feed state
        MisUnreachable              no connection: name, network, TLS handshake, timeout
        MisCertificateInvalid       its certificate does not verify
        MisAuthFailed               401: the token is wrong or was revoked
        MisPermissionMissing        403: the school did not grant a scope
        MisAccessRevoked            the school or the vendor withdrew the access, or never gave it
        MisSchoolOffline            the vendor does not reach the school's own server
        MisNotThere                 404: the MIS does not have this data
        MisRequestRefused           400 and the other 4xx: the request itself is refused
        MisThrottled                429: too many requests
        MisUnavailable              5xx
        MisAnswerInvalid            200, but not the documented answer: HTML, cut JSON, wrong shape
        MisNotConfigured            the school's own settings do not open it
        MisPagingBroken             pages that repeat, stop early or lead to another host
        MisDataStale                what the MIS gives was not brought up to date for too long
        MisChanged                  none of the pupils is known: the school has another MIS
      IncidentError                 an incident can not take this step from where it stands
      ChannelError                  a channel can not be built; sending returns an Outcome

The message of every error says what to do next and carries no name, UPN, token or address with a
secret in it: these texts reach logs, terminals and incident lists.
"""

from __future__ import annotations

__all__ = [
    "AdapterInvalid",
    "BadRow",
    "ChannelError",
    "DataError",
    "DateOutsideYear",
    "IncidentError",
    "MisAccessRevoked",
    "MisAnswerInvalid",
    "MisAuthFailed",
    "MisBridgeError",
    "MisCertificateInvalid",
    "MisChanged",
    "MisDataStale",
    "MisError",
    "MisNotConfigured",
    "MisNotThere",
    "MisPagingBroken",
    "MisPermissionMissing",
    "MisRequestRefused",
    "MisSchoolOffline",
    "MisThrottled",
    "MisUnavailable",
    "MisUnreachable",
    "OperatorError",
    "PackageRefused",
    "SecretMissing",
    "SettingsError",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreKeyWrong",
    "StoreOutdated",
    "StoreRefused",
    "UnknownCode",
]


class MisBridgeError(Exception):
    """Base of every error that mis-bridge raises on purpose."""


class OperatorError(MisBridgeError):
    """Something on this machine or in its configuration has to be put right by a person."""


class SettingsError(OperatorError):
    """A mistake in a configuration file.

    Args:
        problem: what is wrong and what to write instead.
        file: the file, as the person knows it.
        line: line number from 1, or None where the whole file is meant.
        key: dotted key, for example ``channels.dsl.url``.
    """

    def __init__(
        self, problem: str, *, file: str = "", line: int | None = None, key: str = ""
    ) -> None:
        self.problem = problem
        self.file = file
        self.line = line
        self.key = key
        where = ":".join(str(part) for part in (file, line) if part)
        super().__init__(": ".join(part for part in (where, key, problem) if part))


class SecretMissing(OperatorError):
    """A credential that the configuration names is neither a file nor in the environment."""


class StoreError(OperatorError):
    """The database refused; nothing was stored."""


class StoreBusy(StoreError):
    """Another process holds the database."""


class StoreFull(StoreError):
    """There is no room left on the disk that holds the database."""


class StoreKeyWrong(StoreError):
    """The database does not open with this key."""


class StoreOutdated(StoreError):
    """The schema of the database is not the one this program needs."""


class StoreRefused(StoreError):
    """The database does not take this piece of work as it is; it would take another."""


class LeaseLost(StoreError):
    """Another worker took this work over while it was being done; nothing was stored."""


class AdapterInvalid(OperatorError):
    """A folder under ``adapters/`` that is not a valid adapter."""


class DataError(MisBridgeError):
    """What was read is not what it claims to be."""


class UnknownCode(DataError):
    """A mark that is not in the code table.

    Args:
        code: the value as it came.
        place: where it stood, for example ``sessions.csv line 12`` (never a pupil's name).
    """

    def __init__(self, code: str, *, place: str = "") -> None:
        self.code = code
        self.place = place
        where = f" ({place})" if place else ""
        super().__init__(
            f"{code!r} is not an attendance code{where}: correct the mark, or map the code in "
            "the school's [codes] table"
        )


class DateOutsideYear(DataError):
    """A date that the academic year (1 August to 31 July) does not contain."""


class BadRow(DataError):
    """A row of a file that can not be used; the other rows go in.

    Args:
        problem: what is wrong and what is expected.
        file: name of the file.
        line: line number from 1, the header being line 1.
        value: the code that nobody knows, where that is the problem; never a name.
    """

    def __init__(self, problem: str, *, file: str, line: int, value: str = "") -> None:
        self.problem = problem
        self.file = file
        self.line = line
        self.value = value
        super().__init__(f"{file}:{line}: {problem}")


class PackageRefused(DataError):
    """A notification to a Local Authority that may not be made of what is known."""


class IncidentError(MisBridgeError):
    """An incident can not take this step from the state it is in."""


class MisError(MisBridgeError):
    """The MIS, or the way to it, failed.

    Attributes:
        state: the feed state that this error puts the feed in (``store.FEED_STATES``).
        advice: what a person does about it, one sentence.
        retry_after: seconds that the MIS asked us to wait, or None.
    """

    state = "failing"
    advice = "Look at the MIS's status page; reading is tried again by itself."

    def __init__(self, problem: str, *, retry_after: float | None = None) -> None:
        self.problem = problem
        self.retry_after = retry_after
        super().__init__(problem)


class MisUnreachable(MisError):
    """No connection to the MIS: name, network, TLS handshake or timeout."""

    state = "unreachable"
    advice = "Check this machine's network and proxy, then the MIS's status page."


class MisCertificateInvalid(MisError):
    """The certificate of the MIS does not verify."""

    state = "certificate_invalid"
    advice = "If a school filter inspects TLS, set service.ca_bundle to its certificate."


class MisAuthFailed(MisError):
    """The MIS refused the token or password (401)."""

    state = "auth_failed"
    advice = "Ask the vendor or the school for a new token and store it as the credential."


class MisPermissionMissing(MisError):
    """The school did not grant a permission that is needed (403)."""

    state = "permission_missing"
    advice = "Ask the school to approve the named permission in its MIS."


class MisAccessRevoked(MisError):
    """The school or the vendor has withdrawn the access, paused it, or not given it yet."""

    state = "revoked"
    advice = "Ask the school to approve the access again in the vendor's dashboard."


class MisSchoolOffline(MisError):
    """The vendor does not reach the school's own MIS server: its answers are old."""

    state = "offline"
    advice = "Ask the school's IT to see that its MIS server and the vendor's connector run."


class MisNotConfigured(MisError):
    """The school can not be opened as it is configured."""

    state = "not_configured"
    advice = "Run 'mis-bridge check': it names the file, the line and what to write."


class MisNotThere(MisError):
    """The MIS does not have what was asked for (404)."""

    state = "not_there"
    advice = "Check the school's id, and whether the school has moved to another MIS."


class MisRequestRefused(MisError):
    """The MIS refused the request itself (400 and the other 4xx)."""

    state = "request_refused"
    advice = "The adapter asks for something that this MIS does not offer; report it."


class MisThrottled(MisError):
    """The MIS asks for fewer requests (429)."""

    state = "throttled"
    advice = "Nothing to do: reading goes on when the MIS allows it."


class MisUnavailable(MisError):
    """The MIS has a fault of its own (5xx)."""

    state = "unavailable"


class MisAnswerInvalid(MisError):
    """The MIS answered 200, but not with the documented answer."""

    state = "answer_invalid"
    advice = "A proxy or a change at the vendor is likely: open the address in a browser."


class MisPagingBroken(MisError):
    """Pages that repeat, stop early, or lead to another host."""

    state = "paging_broken"
    advice = "The rows read so far are kept, the rest is read again; report it if it lasts."


class MisDataStale(MisError):
    """What the MIS gives has not been brought up to date for too long."""

    state = "stale"
    advice = "See whether the school's export still runs, and where it writes to."


class MisChanged(MisError):
    """None of the pupils that the MIS gives is known here: the school has moved to another MIS."""

    state = "mis_changed"
    advice = (
        "If the school has a new MIS, set up its feed under a new school id; the old one keeps its "
        "history. If not, ask the vendor what happened to the ids."
    )


class ChannelError(MisBridgeError):
    """A channel can not be built from its settings."""
