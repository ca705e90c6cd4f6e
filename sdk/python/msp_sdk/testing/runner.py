"""Runs a workflow or option generator under pytest, with fakes where the platform would be."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import inspect
import io
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import _results
from .._frozen import fields
from .._shared_package import install
from .._words import did_you_mean
from ..context import Caller, Context, Org
from ..decorators import option_generator_of, workflow_of
from ..errors import HostError
from ..metadata import Declaration, Function, Workflow
from .files import FakeFile, FakeFiles

CONTOSO = Org(
    id="6f1f7c52-55f1-4d6f-9d55-1f1f3a3f0c01", name="Contoso", tenant_id="2a9a6c4e-9f0e-4a86-8a36-8f4a9c0b7d02"
)
ADA = Caller(user_id="c1d7f9f4-0f6e-4a52-8f16-3e0b7a9d5e03", email="ada@msp.example", name="Ada Lovelace")


@dataclass(frozen=True)
class Line:
    """One line of the log."""

    level: str
    message: str
    source: str = "log"


@dataclass(frozen=True)
class Step:
    """One step: its name, how it ended (`completed`, `failed` or `cancelled`), and what it raised."""

    name: str
    outcome: str = "started"
    message: str | None = None


@dataclass(frozen=True)
class Run:
    """What a run did.

    Attributes:
        result: the returned value as the platform records it: days, UUIDs and dataclasses are JSON already.
        logs: lines of `context.log`, `logging` and `print`, in order.
        progress: every `(percent, message)`.
        secrets_read: names of the secrets that were fetched.
        steps: every `context.step`, in the order in which they began.
        files: every file it wrote, in order.
    """

    result: Any
    logs: list[Line] = field(default_factory=list)
    progress: list[tuple[int | None, str | None]] = field(default_factory=list)
    secrets_read: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    files: list[FakeFile] = field(default_factory=list)

    @property
    def messages(self) -> list[str]:
        """The text of every line."""
        return [line.message for line in self.logs]


class FakeHost:
    """Answers what a run asks of its host: secrets and integrations of a test."""

    def __init__(self, secrets: Mapping[str, str] | None = None, organizations: Sequence[Org] = (CONTOSO,)) -> None:
        self.logs: list[Line] = []
        self.progressed: list[tuple[int | None, str | None]] = []
        self.secrets_read: list[str] = []
        self.steps: list[Step] = []
        self.files = FakeFiles()
        self._secrets = dict(secrets or {})
        self._organizations = list(organizations)

    async def call(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Part of being a host."""
        if method == "secret.get":
            name = arguments["name"]
            self.secrets_read.append(name)
            if name in self._secrets:
                return self._secrets[name]
            raise HostError("secret_not_found", f"there is no secret `{name}`{did_you_mean(name, self._secrets)}")
        if method == "organizations.list":
            return [fields(org) for org in self._organizations]
        if method.startswith("files."):
            return self.files.answer(method, arguments)
        integration = arguments.get("integration")
        raise HostError("not_configured", f"the test gave no `{integration}`: pass `integrations={{...}}`")

    def log(self, level: str, message: str) -> None:
        """Part of being a host."""
        self.logs.append(Line(level, message))

    def progress(self, percent: int | None, message: str | None) -> None:
        """Part of being a host."""
        self.progressed.append((percent, message))

    def touch_caller(self) -> None:
        """Part of being a host: a test keeps no answers."""

    def begin_step(self, name: str) -> int:
        """Part of being a host."""
        self.steps.append(Step(name))
        return len(self.steps)

    def end_step(self, number: int, outcome: str, message: str | None) -> None:
        """Part of being a host."""
        self.steps[number - 1] = Step(self.steps[number - 1].name, outcome, message)

    def check_cancelled(self) -> None:
        """Part of being a host: a test's run is not cancelled."""


def make_context(
    *,
    org: Org | None = CONTOSO,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    integrations: Mapping[str, Any] | None = None,
    caller: Caller = ADA,
    organizations: Sequence[Org] = (CONTOSO,),
    host: FakeHost | None = None,
) -> Context:
    """A context for calling a workflow by hand. `integrations` maps names to clients; other names behave as usual.

    `organizations` are those the caller may run workflows in.
    """
    context = Context(
        host or FakeHost(secrets, organizations),
        execution_id="test-execution",
        org=org,
        config=config or {},
        caller=caller,
    )
    given = dict(integrations or {})
    original = context.get_integration

    def get_integration(name: str) -> Any:
        return given[name] if name in given else original(name)

    context.get_integration = get_integration  # type: ignore[method-assign]
    return context


def run_workflow(
    function: Function,
    params: Mapping[str, Any] | None = None,
    *,
    org: Org | None = CONTOSO,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    integrations: Mapping[str, Any] | None = None,
    caller: Caller = ADA,
    organizations: Sequence[Org] = (CONTOSO,),
) -> Run:
    """Run a workflow to its end and answer what it returned, logged and showed.

    Parameters that are left out take their defaults; a `FakeFile` among them plays one that was uploaded. What the
    workflow raises is raised here.

    Raises:
        TypeError: the function is no workflow, a parameter is unknown, or a required one is missing.
        ResultNotJson: the platform could not record the result; the message names the place.
    """
    declared = workflow_of(function)
    if declared is None:
        raise TypeError(f"`{getattr(function, '__name__', function)}` has no `@workflow`")
    host = FakeHost(secrets, organizations)
    given = {name: host.files.submit(value) for name, value in (params or {}).items()}
    arguments = _with_defaults(declared, given)
    context = make_context(org=org, config=config, integrations=integrations, caller=caller, host=host)
    value = _run(declared, context, arguments, host)
    result = json.loads(_results.encode(value))
    return Run(result, host.logs, host.progressed, host.secrets_read, host.steps, host.files.written)


def run_options(
    function: Function,
    inputs: Mapping[str, Any] | None = None,
    *,
    org: Org | None = CONTOSO,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    integrations: Mapping[str, Any] | None = None,
    caller: Caller = ADA,
    organizations: Sequence[Org] = (CONTOSO,),
) -> list[dict[str, Any]]:
    """The `{label, value}` items an option generator answers.

    Raises:
        TypeError: the function is no option generator, or an input is unknown.
        OptionsInvalid: the answer is not a list of options.
    """
    declared = option_generator_of(function)
    if declared is None:
        raise TypeError(f"`{getattr(function, '__name__', function)}` has no `@option_generator`")
    host = FakeHost(secrets, organizations)
    context = make_context(org=org, config=config, integrations=integrations, caller=caller, host=host)
    _refuse_unknown(declared, inputs or {})
    value = _run(declared, context, dict(inputs or {}), host)
    found: list[dict[str, Any]] = json.loads(_results.encode(_results.options(value)))
    return found


def use_workspace(folder: Path) -> None:
    """Make a workspace importable as the platform does: `workflows`, `options` and the merged `shared`."""
    install(folder.resolve())


def _with_defaults(declared: Workflow, given: dict[str, Any]) -> dict[str, Any]:
    _refuse_unknown(declared, given)
    for parameter in declared.parameters:
        if parameter.name not in given and parameter.required:
            raise TypeError(f"`{declared.name}` needs the parameter `{parameter.name}`")
        if parameter.name not in given and parameter.to_json().get("default") is not None:
            given[parameter.name] = parameter.default
    return given


def _refuse_unknown(declared: Declaration, given: Mapping[str, Any]) -> None:
    names = [argument.name for argument in declared.arguments]
    for name in given:
        if name not in names:
            raise TypeError(f"`{declared.name}` has no parameter `{name}`{did_you_mean(name, names)}")


def _run(declared: Declaration, context: Context, given: dict[str, Any], host: FakeHost) -> Any:
    arguments: dict[str, Any] = {}
    for argument in declared.arguments:
        value = given.get(argument.name)
        if argument.name not in given and argument.has_default:
            continue
        if isinstance(value, str) and argument.hint in (datetime.date, datetime.datetime):
            value = argument.hint.fromisoformat(value)
        arguments[argument.name] = value
    positional = (context,) if declared.takes_context else ()
    with _captured(host):
        if not declared.is_async:
            value = declared.function(*positional, **arguments)
            asyncio.run(context._opened.close())
            return value
        return asyncio.run(_run_async(declared.function, context, positional, arguments))


async def _run_async(
    function: Function, context: Context, positional: tuple[Any, ...], arguments: dict[str, Any]
) -> Any:
    try:
        value = function(*positional, **arguments)
        return await value if inspect.isawaitable(value) else value
    finally:
        await context._opened.close()


@contextlib.contextmanager
def _captured(host: FakeHost) -> Any:
    """Collect what is printed and logged in the meantime."""
    root = logging.getLogger()
    handler, level = _ToLines(host), root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        with contextlib.redirect_stdout(_Printed(host, "print")), contextlib.redirect_stderr(_Printed(host, "stderr")):
            yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


class _ToLines(logging.Handler):
    def __init__(self, host: FakeHost) -> None:
        super().__init__()
        self._host = host

    def emit(self, record: logging.LogRecord) -> None:
        level = "debug" if record.levelno < logging.INFO else record.levelname.lower()
        self._host.logs.append(Line("error" if level == "critical" else level, record.getMessage(), record.name))


class _Printed(io.TextIOBase):
    def __init__(self, host: FakeHost, source: str) -> None:
        self._host = host
        self._source = source
        self._pending = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        *lines, self._pending = (self._pending + text).split("\n")
        level = "warning" if self._source == "stderr" else "info"
        self._host.logs.extend(Line(level, line, self._source) for line in lines)
        return len(text)
