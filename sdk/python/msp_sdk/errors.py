"""Every exception of the SDK that an author may want to catch or raise."""

from __future__ import annotations

from types import FrameType


class WorkflowError(Exception):
    """Raise this to end a run as failed with a message written for the technician."""


class DeclarationError(Exception):
    """A mistake in a decorator: refused while the file is imported.

    Attributes:
        file: the file of the mistake, as Python names it.
        line: its line.
    """

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.line = line

    @classmethod
    def at(cls, message: str, frame: FrameType | None) -> DeclarationError:
        """A mistake on the line a frame is executing."""
        if frame is None:
            return cls(message)
        return cls(message, frame.f_code.co_filename, frame.f_lineno)


class ContextError(Exception):
    """The context cannot give what was asked for."""


class NoOrganization(ContextError):
    """The run has no organization, and the code asked for something of it."""


class ExecutionEnded(ContextError):
    """A thread or task outlived its execution and asked the host for something."""


class HostError(ContextError):
    """The host refused a question. `code` is its stable reason, `message` is for people."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class ConfigMissing(KeyError):
    """`config[key]` with a key that neither the organization nor the shared config has."""

    def __str__(self) -> str:
        # KeyError shows the representation of its argument; this one is a sentence.
        return str(self.args[0]) if self.args else ""


class SecretNotFound(HostError):
    """Neither the organization nor the shared secrets have a secret of this name."""


class FileError(HostError):
    """A file could not be read or written.

    Attributes:
        code: the stable reason, such as `file_not_found` (docs/worker-protocol.md, "Calls").
        message: the cause and the remedy, for people.
    """


class UnknownIntegration(ContextError):
    """Neither the platform nor the author's factory knows an integration of this name."""


class IntegrationError(HostError):
    """A call to an integration did not succeed.

    Attributes:
        code: the stable reason, such as `no_license_left` (docs/worker-protocol.md, "Calls").
        message: the cause and the remedy, for people.
        status: the HTTP status of the remote service, when there was one.
    """


class NotConfigured(IntegrationError):
    """The organization has no settings for this integration."""


class Disabled(IntegrationError):
    """The integration is switched off for this organization."""


class UnknownOperation(IntegrationError):
    """The platform's client has no operation of this name."""


class InvalidArguments(IntegrationError):
    """An argument is missing or has the wrong form."""


class NoLicenseLeft(IntegrationError):
    """Every unit of the license is in use."""


class NotFound(IntegrationError):
    """The remote service knows no such thing."""


class AlreadyExists(IntegrationError):
    """The remote service has one already."""


class PermissionDenied(IntegrationError):
    """The platform's application lacks a permission in the customer's tenant."""


class ConsentRequired(IntegrationError):
    """The customer's tenant has not consented to the platform's application."""


class CredentialRejected(IntegrationError):
    """The stored credential is wrong or expired."""


class Rejected(IntegrationError):
    """The remote service understood the call and refused it."""


class Throttled(IntegrationError):
    """The remote service asked to slow down for longer than the host may wait."""


class Unavailable(IntegrationError):
    """The remote service could not be reached or failed."""


_BY_CODE: dict[str, type[IntegrationError]] = {
    "not_configured": NotConfigured,
    "disabled": Disabled,
    "unknown_operation": UnknownOperation,
    "invalid_arguments": InvalidArguments,
    "no_license_left": NoLicenseLeft,
    "not_found": NotFound,
    "already_exists": AlreadyExists,
    "permission_denied": PermissionDenied,
    "consent_required": ConsentRequired,
    "credential_rejected": CredentialRejected,
    "rejected": Rejected,
    "throttled": Throttled,
    "unavailable": Unavailable,
}


def integration_error(code: str, message: str, status: int | None = None) -> IntegrationError:
    """The exception for an error code of the host; a code of a newer host is a plain `IntegrationError`."""
    return _BY_CODE.get(code, IntegrationError)(code, message, status)
