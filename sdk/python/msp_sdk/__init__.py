"""Write workflows for the MSP Automation Platform.

```python
from msp_sdk import Context, param, workflow

@workflow(name="greet", description="Greets a colleague")
@param("name", type="string", label="Name")
async def greet(context: Context, name: str) -> dict[str, str]:
    context.log.info("greeting %s", name)
    return {"greeting": f"Hello {name}, from {context.org.name}"}
```
"""

from .context import Caller, Config, Context, Log, Org, Secrets
from .decorators import option_generator, param, workflow
from .errors import (
    AlreadyExists,
    ConfigMissing,
    ConsentRequired,
    CredentialRejected,
    DeclarationError,
    Disabled,
    ExecutionEnded,
    FileError,
    HostError,
    IntegrationError,
    InvalidArguments,
    NoLicenseLeft,
    NoOrganization,
    NotConfigured,
    NotFound,
    PermissionDenied,
    Rejected,
    SecretNotFound,
    Throttled,
    Unavailable,
    UnknownIntegration,
    UnknownOperation,
    WorkflowError,
)
from .files import File, Files
from .integrations import BaseIntegration, HaloPSA, MicrosoftGraph
from .record import Record

__version__ = "0.1.0"

__all__ = [
    "AlreadyExists",
    "BaseIntegration",
    "Caller",
    "Config",
    "ConfigMissing",
    "ConsentRequired",
    "Context",
    "CredentialRejected",
    "DeclarationError",
    "Disabled",
    "ExecutionEnded",
    "File",
    "FileError",
    "Files",
    "HaloPSA",
    "HostError",
    "IntegrationError",
    "InvalidArguments",
    "Log",
    "MicrosoftGraph",
    "NoLicenseLeft",
    "NoOrganization",
    "NotConfigured",
    "NotFound",
    "Org",
    "PermissionDenied",
    "Record",
    "Rejected",
    "SecretNotFound",
    "Secrets",
    "Throttled",
    "Unavailable",
    "UnknownIntegration",
    "UnknownOperation",
    "WorkflowError",
    "option_generator",
    "param",
    "workflow",
]
