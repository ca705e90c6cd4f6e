"""The frames of docs/worker-protocol.md, over a real socket to a real process."""

from __future__ import annotations

import pytest
from worker_process import StartWorker

HEAD = """
import asyncio, dataclasses, datetime, decimal, enum, math, os, signal, sys, time, uuid
from msp_sdk import Context, option_generator, workflow
"""


def test_an_execution_logs_asks_and_answers_in_order(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def story(context: Context, when: datetime.date, at: datetime.datetime, left_out: str | None):
    context.log.info("at %s", context.org.name)
    context.progress(120, "nearly")
    secret = await context.secrets.get("key")
    user = await context.get_integration("msgraph").create_user(userPrincipalName="ada@contoso.example")
    print(type(when).__name__, at.utcoffset(), left_out)
    return {"secret": secret, "id": user.id, "same": user["id"] == user.id, "by": context.caller.email}
"""
    )
    execution = process.start("story", when="2026-03-01", at="2026-03-31T09:30:00+02:00")
    asked = process.until("call")
    assert (asked["method"], asked["arguments"]) == ("secret.get", {"name": "key"})
    process.send(type="reply", execution_id=execution, call=asked["call"], ok=True, value="s3cret")
    asked = process.until("call")
    assert asked["arguments"] == {
        "integration": "msgraph",
        "operation": "create_user",
        "arguments": {"userPrincipalName": "ada@contoso.example"},
    }
    process.send(type="reply", execution_id=execution, call=asked["call"], ok=True, value={"id": "u-9"})
    result = process.result(execution)
    assert result["value"] == {"secret": "s3cret", "id": "u-9", "same": True, "by": "ada@example.com"}
    assert process.messages(execution) == ["at Contoso", "date 2:00:00 None"]
    kinds = [frame["type"] for frame in process.frames if frame.get("execution_id") == execution]
    assert kinds == ["log", "progress", "call", "call", "log", "result"]
    shown = next(frame for frame in process.frames if frame["type"] == "progress")
    assert (shown["percent"], shown["message"]) == (100, "nearly")


def test_steps_begin_and_end_in_frames_between_their_lines(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError

@workflow()
async def staged(context: Context):
    def shout():
        print("inside")
        raise Unspeakable
    answers = [await context.step("  " + "n" * 300, asyncio.sleep, 0, result="slept")]
    print("between")
    try:
        await context.step("shout", shout)
    except Unspeakable:
        answers.append("raised")
    try:
        await context.step("late", asyncio.sleep(0))
    except TypeError as error:
        answers.append(str(error))
    return answers
"""
    )
    execution = process.start("staged")
    result = process.result(execution)
    assert result["value"][:2] == ["slept", "raised"]
    assert "takes a function; call it with its arguments after it" in result["value"][2]
    told = [
        (frame["step"], frame["state"], frame.get("name") or frame.get("message"))
        if frame["type"] == "step"
        else [(line["message"], line.get("step")) for line in frame["lines"]]
        for frame in process.frames
        if frame["type"] in ("step", "log")
    ]
    assert told == [
        (1, "started", "n" * 200),
        (1, "completed", None),
        [("between", None)],
        (2, "started", "shout"),
        [("inside", 2)],
        (2, "failed", "Unspeakable"),
    ]


def test_results_become_json_or_name_the_path_at_fault(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
class Color(enum.Enum):
    RED = "red"

@dataclasses.dataclass
class Item:
    name: str
    day: datetime.date

async def nothing(): ...

VALUES = {
    "rich": lambda: {"item": Item("a", datetime.date(2026, 1, 2)), "id": uuid.UUID(int=1), "n": decimal.Decimal("1.50"),
                     "color": Color.RED, "set": {3, 1, 2}, "tuple": (1, 2), "at": datetime.datetime(2026, 1, 2, 3, 4)},
    "bytes": lambda: {"users": [1, 2, 3, {"created": b"x"}]},
    "nan": lambda: {"a": [math.nan]},
    "key": lambda: {"a": {(1, 2): 3}},
    "half": lambda: {"odd key": "\\ud800"},
    "coroutine": lambda: nothing(),
    "large": lambda: "x" * (9 * 1024 * 1024),
}
loop = []
loop.append(loop)
VALUES["loop"] = lambda: loop

@workflow()
async def give(which: str):
    return VALUES[which]()
"""
    )
    assert process.run("give", which="rich")["value"] == {
        "item": {"name": "a", "day": "2026-01-02"},
        "id": "00000000-0000-0000-0000-000000000001",
        "n": "1.50",
        "color": "red",
        "set": [1, 2, 3],
        "tuple": [1, 2],
        "at": "2026-01-02T03:04:00",
    }
    for which, path in {
        "bytes": "`$.users[3].created` is a bytes",
        "nan": "`$.a[0]` is nan",
        "key": "`$.a` has the key (1, 2)",
        "half": '`$["odd key"]` contains half of a surrogate pair',
        "coroutine": "is an `await` missing?",
        "loop": "`$[0]` contains itself",
    }.items():
        result = process.run("give", which=which)
        assert result["error_type"] == "result_not_json"
        assert path in result["message"]
    assert process.run("give", which="large")["error_type"] == "result_too_large"


def test_what_is_raised_is_told_with_the_authors_frames_and_ends_nothing_else(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
def helper():
    raise ValueError("no such thing")

@workflow()
async def fails():
    helper()

@workflow()
async def exits():
    sys.exit(3)

@workflow()
def exits_plainly():
    sys.exit("bye")

@workflow()
async def interrupts():
    raise KeyboardInterrupt

@workflow()
async def child_exits():
    async def leave():
        sys.exit(4)
    await asyncio.gather(asyncio.create_task(leave()), return_exceptions=False)

@workflow()
async def imports():
    import dns_of_nobody.resolver

@workflow()
def fine():
    return asyncio.run(asyncio.sleep(0, "fine"))
"""
    )
    failed = process.run("fails")
    assert (failed["error_type"], failed["message"]) == ("ValueError", "no such thing")
    assert (failed["file"], failed["line"]) == ("workflows/it.py", 6)
    assert 'File "workflows/it.py", line 10, in fails' in failed["traceback"]
    assert "msp_sdk" not in failed["traceback"]
    for name, kind in {
        "exits": "SystemExit",
        "exits_plainly": "SystemExit",
        "interrupts": "KeyboardInterrupt",
        "child_exits": "SystemExit",
    }.items():
        result = process.run(name)
        assert (result["outcome"], result["error_type"]) == ("raised", kind)
    assert "add `dns-of-nobody` to requirements.txt" in process.run("imports")["message"]
    assert process.run("fine")["value"] == "fine"


def test_cancel_makes_each_kind_of_code_give_way(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def waits(context):
    print("ready")
    try:
        await asyncio.sleep(600)
    finally:
        context.log.info("cleaned up")

@workflow()
async def swallows():
    print("ready")
    try:
        await asyncio.sleep(600)
    except BaseException:
        return "finished anyway"

@workflow()
def plain(context):
    print("ready")
    while True:
        time.sleep(0.01)
        try:
            context.log.debug("working")
        except Exception:
            pass

@workflow()
def plain_asks(context):
    asyncio.run(context.secrets.get("never answered"))
"""
    )

    def cancelled(name: str, ready: str = "log") -> dict[str, object]:
        execution = process.start(name)
        process.until(ready, lambda frame: frame["execution_id"] == execution)
        process.send(type="cancel", execution_id=execution, reason="cancelled")
        return process.result(execution)

    execution = "execution-1"
    at_once = [{"type": "cancel", "execution_id": execution, "reason": "cancelled"}]
    assert process.result(process.start("waits", followed_by=at_once))["outcome"] == "cancelled"
    assert process.messages(execution) == []
    assert cancelled("waits")["outcome"] == "cancelled"
    assert "cleaned up" in process.messages("execution-2")
    assert cancelled("swallows")["value"] == "finished anyway"
    assert cancelled("plain")["outcome"] == "cancelled"
    assert cancelled("plain_asks", ready="call")["outcome"] == "cancelled"


def test_a_blocked_loop_is_named_by_file_and_line(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def blocks():
    time.sleep(1.0)
"""
    )
    execution = process.start("blocks")
    beat = process.until("beat", lambda frame: frame["blocked_at"] is not None)
    assert beat["blocked_at"] == {"file": "workflows/it.py", "line": 7}
    assert beat["loop_lag_ms"] > 250
    assert process.result(execution)["outcome"] == "returned"


def test_option_generators_answer_label_and_value_or_say_what_is_wrong(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@option_generator()
async def teams(context, department: str, top: int = 3):
    if department == "none":
        return None
    if department == "bad":
        return [{"label": "x"}]
    return [{"label": 1, "value": uuid.UUID(int=top)}, "plain"]
"""
    )
    answer = process.result(process.start("teams", kind="options", department="Sales", top="7"))
    assert answer["value"] == [
        {"label": "1", "value": "00000000-0000-0000-0000-000000000007"},
        {"label": "plain", "value": "plain"},
    ]
    for department in ("none", "bad"):
        answer = process.result(process.start("teams", kind="options", department=department))
        assert answer["error_type"] == "options_invalid"


def test_a_result_says_whether_the_code_looked_at_its_caller(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
import copy

@option_generator()
async def plain(context):
    return [context.org.name, context.config.get("x", "y"), context.execution_id]

@option_generator()
async def looks(context):
    return [context.caller.email]

@option_generator()
async def looks_at_a_copy(context):
    return [copy.copy(context).caller.email]

@option_generator()
def looks_and_raises(context):
    raise RuntimeError(context.caller.email)

@option_generator()
async def asks(context):
    return [org.name for org in await context.organizations()]
"""
    )

    def touched(name: str) -> bool:
        answer: bool = process.result(process.start(name, kind="options"))["caller_touched"]
        return answer

    assert not touched("plain")
    assert touched("looks") and touched("looks_at_a_copy") and touched("looks_and_raises")
    assert not touched("plain"), "the next execution begins anew"
    execution = process.start("asks", kind="options")
    asked = process.until("call")
    assert (asked["method"], asked["arguments"]) == ("organizations.list", {})
    organizations = [{"id": "1", "name": "Contoso", "tenant_id": None}]
    process.send(type="reply", execution_id=execution, call=asked["call"], ok=True, value=organizations)
    answer = process.result(execution)
    assert (answer["caller_touched"], answer["value"][0]["label"]) == (True, "Contoso")


def test_signals_and_handlers_are_as_before_for_the_next_execution(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def takes_over():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)

@workflow()
async def looks():
    handler = asyncio.get_running_loop().get_exception_handler()
    return [signal.getsignal(s) == signal.SIG_DFL for s in (signal.SIGTERM, signal.SIGINT)] + [handler is None]
"""
    )
    process.run("takes_over")
    assert process.run("looks")["value"] == [True, True, True]


@pytest.mark.parametrize("busy", ["idle", "waits", "blocks"])
def test_the_end_of_the_channel_ends_the_worker_without_exit_handlers(worker: StartWorker, busy: str) -> None:
    process = worker(
        HEAD
        + """
import atexit
atexit.register(lambda: os.write(2, b"exit handler"))

@workflow()
async def waits():
    print("ready")
    await asyncio.sleep(600)

@workflow()
async def blocks():
    print("ready")
    time.sleep(600)
"""
    )
    if busy != "idle":
        process.start(busy)
        process.until("log")
    assert process.close() == 0
    assert b"exit handler" not in process.raw[2]
