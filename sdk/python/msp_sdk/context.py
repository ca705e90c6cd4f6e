"""What a workflow or option generator receives as `context`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Protocol, overload

from ._frozen import Frozen
from ._proxy import IntegrationProxy, OpenedClients
from ._steps import run_step
from ._words import did_you_mean
from .errors import ConfigMissing, HostError, NoOrganization, SecretNotFound, integration_error
from .files import Files
from .integrations.halopsa import HaloPSA
from .integrations.msgraph import MicrosoftGraph

#: Attributes of the design that arrive with a later version.
_LATER = ("cache",)


class Host(Protocol):
    """Whoever runs the workflow: the engine's worker, or a test."""

    async def call(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Ask for something; refusals are `HostError`."""

    def log(self, level: str, message: str) -> None:
        """Note a line of the execution's log."""

    def progress(self, percent: int | None, message: str | None) -> None:
        """Note how far the execution is."""

    def touch_caller(self) -> None:
        """Note that what the code does may depend on who started it."""

    def begin_step(self, name: str) -> int | None:
        """Note that a step begins, and answer its number; `None` when no further one can be shown."""

    def end_step(self, number: int, outcome: str, message: str | None) -> None:
        """Note how a step ended: `completed`, `failed` with a message, or `cancelled`."""

    def check_cancelled(self) -> None:
        """Give a cancelled plain `def` its chance to end, by raising `asyncio.CancelledError`."""


class Org(Frozen):
    """An organization: the one of a run, or one of `context.organizations()`.

    Attributes:
        id: its id in the platform, a GUID.
        name: what people call it.
        tenant_id: its Microsoft Entra tenant, when it is linked to one.
    """

    id: str
    name: str
    tenant_id: str | None = None


class NoOrg(Org):
    """What `context.org` is when the run has no organization: false, and every attribute explains itself."""

    def __init__(self) -> None:
        # There are no values to store; every access has to fail.
        pass

    def __bool__(self) -> bool:
        return False

    def __getattribute__(self, name: str) -> Any:
        if name in ("id", "name", "tenant_id"):
            raise NoOrganization(
                f"this run has no organization, so there is no `context.org.{name}`;"
                " leave `requires_org` out of `@workflow`, or check `if context.org:` first"
            )
        return super().__getattribute__(name)

    def __repr__(self) -> str:
        return "NoOrg()"


class Caller(Frozen):
    """Who started the run.

    Attributes:
        user_id: the stable id of the account.
        email: its address, for display only: it proves nothing.
        name: what people call them.
    """

    user_id: str
    email: str
    name: str = ""


class Config(Mapping[str, Any]):
    """The organization's config: its own values, else the shared ones. Values are text, whole numbers or booleans."""

    def __init__(self, values: Mapping[str, Any], of: str = "the organization") -> None:
        self._values = dict(values)
        self._of = of

    def __getitem__(self, key: str) -> Any:
        try:
            return self._values[key]
        except KeyError:
            hint = did_you_mean(str(key), self._values)
            raise ConfigMissing(f"the config of {self._of} has no `{key}`{hint}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __repr__(self) -> str:
        return f"Config({sorted(self._values)})"


class Secrets:
    """The organization's secrets, fetched from the host one by one when they are needed; each access is audited."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def get(self, name: str) -> str:
        """The value of a secret of this organization, else of the shared one of this name.

        Raises:
            SecretNotFound: there is no such secret.
        """
        self._host.check_cancelled()
        try:
            value = await self._host.call("secret.get", {"name": name})
        except HostError as error:
            if error.code == "secret_not_found":
                raise SecretNotFound(error.code, error.message, error.status) from None
            raise
        return str(value)


class Log:
    """`context.log`: lines of the execution's log. Arguments are merged with `%`, as `logging` does it."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def debug(self, message: object, *args: object) -> None:
        """A detail for the author."""
        self._write("debug", message, args)

    def info(self, message: object, *args: object) -> None:
        """Something the technician may want to know."""
        self._write("info", message, args)

    def warning(self, message: object, *args: object) -> None:
        """Something that may need attention; the run goes on."""
        self._write("warning", message, args)

    def error(self, message: object, *args: object) -> None:
        """Something that went wrong; the run goes on unless it raises."""
        self._write("error", message, args)

    def _write(self, level: str, message: object, args: tuple[object, ...]) -> None:
        self._host.check_cancelled()
        text = str(message)
        if args:
            merge: Any = args[0] if len(args) == 1 and isinstance(args[0], Mapping) and args[0] else args
            try:
                text = text % merge
            except (TypeError, ValueError, KeyError):
                # A log line with a mistake in it must never end a run that is halfway through its work.
                text = f"{text} {args!r}"
        self._host.log(level, text)


class Context:
    """The organization, config, secrets, integrations and caller of one run.

    Attributes can be assigned, so a test can put a mock in: `context.get_integration = Mock(return_value=client)`.

    Attributes:
        org: the organization; false when the run has none.
        config: its config, a mapping.
        secrets: `await context.secrets.get(name)`.
        caller: who started the run. An option generator that reads it is cached for each caller apart.
        files: `await context.files.read(file)`, `.write(name, data)` and `.list()`: the files of this run.
        log: `debug`, `info`, `warning` and `error` write lines of the execution's log.
        execution_id: the id under which the run is on record.
    """

    org: Org
    config: Config
    secrets: Secrets
    files: Files
    log: Log
    execution_id: str

    def __init__(
        self, host: Host, *, execution_id: str, org: Org | None, config: Mapping[str, Any], caller: Caller
    ) -> None:
        self._host = host
        self.execution_id = execution_id
        self.org = org or NoOrg()
        self.config = Config(config, of=org.name if org else "the platform")
        self.secrets = Secrets(host)
        self.files = Files(host)
        self._caller = caller
        self.log = Log(host)
        self._opened = OpenedClients(self)

    @property
    def caller(self) -> Caller:
        """Who started the run."""
        self._host.touch_caller()
        return self._caller

    @caller.setter
    def caller(self, caller: Caller) -> None:
        self._caller = caller

    async def organizations(self) -> list[Org]:
        """The organizations the caller may run workflows in at this moment, by name.

        An option generator that asks is cached for each caller apart.
        """
        self._host.check_cancelled()
        self._host.touch_caller()
        found = await self._host.call("organizations.list", {})
        return [Org(id=org["id"], name=org["name"], tenant_id=org.get("tenant_id")) for org in found]

    def progress(self, percent: float | None = None, message: str | None = None) -> None:
        """Show how far the run is: 0 to 100 (values beyond are cut), a message, or both."""
        self._host.check_cancelled()
        shown: int | None = None
        if percent is not None and not math.isnan(percent):
            shown = int(min(100, max(0, percent)))
        self._host.progress(shown, None if message is None else str(message))

    async def step(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Run a part of the workflow under a name: `user = await context.step("Create user", create_user, email)`.

        The step is shown with its start, its end and how it ended, and lines logged meanwhile say that they belong to
        it. `fn` is plain or `async`; its value is answered, and what it raises is raised here. Steps may overlap and
        contain each other. They are numbered in the order in which they begin, so a workflow should begin the same
        steps in the same order when it runs again. A run shows its first 1000 steps and runs any more without showing.
        """
        return await run_step(self._host, name, fn, args, kwargs)

    @overload
    def get_integration(self, name: Literal["msgraph"]) -> MicrosoftGraph: ...
    @overload
    def get_integration(self, name: Literal["halopsa"]) -> HaloPSA: ...
    @overload
    def get_integration(self, name: str) -> Any: ...

    def get_integration(self, name: str) -> Any:
        """The client of an integration: the platform's own, else what the author's factory makes.

        Asking never fails and costs nothing; "not configured", "disabled" and "unknown" are raised by the first
        awaited call. A client of the author is made once per run and closed at its end.
        """
        self._host.check_cancelled()
        if name == "msgraph":
            return MicrosoftGraph(self._call_integration)
        if name == "halopsa":
            return HaloPSA(self._call_integration)
        return IntegrationProxy(self._opened, name)

    async def _call_integration(self, integration: str, operation: str, arguments: Mapping[str, Any]) -> Any:
        self._host.check_cancelled()
        question = {"integration": integration, "operation": operation, "arguments": dict(arguments)}
        try:
            return await self._host.call("integration.call", question)
        except HostError as error:
            raise integration_error(error.code, error.message, error.status) from None

    def __getattr__(self, name: str) -> Any:
        if name in _LATER:
            raise AttributeError(f"`context.{name}` comes with a later version of the platform")
        known = [
            "org",
            "config",
            "secrets",
            "files",
            "caller",
            "log",
            "execution_id",
            "progress",
            "step",
            "get_integration",
            "organizations",
        ]
        raise AttributeError(f"the context has no `{name}`{did_you_mean(name, known)}")
