"""What executions print, by whatever means, becomes lines of the right one and never reaches the channel."""

from __future__ import annotations

from worker_process import StartWorker

HEAD = """
import asyncio, concurrent.futures, contextlib, logging, os, subprocess, sys, threading, time
from msp_sdk import workflow
"""


def test_prints_of_two_executions_in_one_process_are_told_apart(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def talk(who: str):
    for number in range(50):
        print(who, end=" ")
        await asyncio.sleep(0)
        print(number)
"""
    )
    first, second = process.start("talk", who="a"), process.start("talk", who="b")
    process.result(first), process.result(second)
    assert process.messages(first) == [f"a {number}" for number in range(50)]
    assert process.messages(second) == [f"b {number}" for number in range(50)]


def test_threads_executors_and_logging_belong_to_their_execution(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def fan_out():
    thread = threading.Thread(target=lambda: print("thread"))
    thread.start(); thread.join()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(print, "pool").result()
    await asyncio.to_thread(print, "to_thread")
    await asyncio.get_running_loop().run_in_executor(None, print, "executor")
    await asyncio.create_task(asyncio.to_thread(print, "task"))
    logging.getLogger("vendor").warning("%d left", 3)
    sys.stderr.write("partial")
"""
    )
    execution = process.start("fan_out")
    assert process.result(execution)["outcome"] == "returned"
    assert process.messages(execution) == ["thread", "pool", "to_thread", "executor", "task", "3 left", "partial"]
    by_message = {line["message"]: (line["level"], line["source"]) for line in process.lines(execution)}
    assert by_message["3 left"] == ("warning", "vendor")
    assert by_message["partial"] == ("warning", "stderr")
    assert by_message["thread"] == ("info", "print")


def test_an_exception_in_a_thread_is_reported_in_its_execution(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def fails_elsewhere():
    def fail():
        raise ValueError("in a thread")
    thread = threading.Thread(target=fail)
    thread.start(); thread.join()
"""
    )
    execution = process.start("fails_elsewhere")
    process.result(execution)
    assert "ValueError: in a thread" in process.messages(execution)


def test_children_of_subprocess_and_asyncio_and_forks_are_captured_before_the_result(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def children():
    subprocess.run(["sh", "-c", "echo out; echo err >&2"])
    subprocess.run(["sh", "-c", "echo to sys.stdout"], stdout=sys.stdout)
    child = await asyncio.create_subprocess_exec("echo", "asyncio")
    await child.wait()
    kept = subprocess.run(["echo", "kept"], capture_output=True, text=True).stdout
    pid = os.fork()
    if pid == 0:
        print("fork", flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
    if os.fork() == 0:
        return "a fork that runs on"
    os.wait()
    subprocess.run(["printf", "last"])
    return kept
"""
    )
    execution = process.start("children")
    assert process.result(execution)["value"] == "kept\n"
    assert sorted(process.messages(execution)) == ["asyncio", "err", "fork", "last", "out", "to sys.stdout"]
    assert {line["source"] for line in process.lines(execution)} == {"subprocess"}
    assert process.run("children")["outcome"] == "returned"


def test_descriptors_closed_or_replaced_are_put_back(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def vandal(way: str):
    if way == "close":
        for fd in (0, 1, 2):
            os.close(fd)
        open(os.devnull)
    else:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
    sys.stdout = None
    os.chdir("/")
    os.environ["LEFT"] = "behind"

@workflow()
async def inspect():
    print("still here")
    os.write(1, b"raw\\n")
    return [os.getcwd(), os.environ.get("LEFT"), sys.stdout.fileno(), os.read(0, 1) == b""]
"""
    )
    home = process.run("inspect")["value"]
    for way in ("close", "replace"):
        assert process.run("vandal", way=way)["outcome"] == "returned"
        execution = process.start("inspect")
        assert process.result(execution)["value"] == home
        assert process.messages(execution) == ["still here"]
    assert home[1:] == [None, 1, True]
    process.close()
    process.process.wait()
    assert bytes(process.raw[1]) == b"raw\n" * 3


def test_bytes_that_look_like_frames_are_only_text(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def forge():
    frame = b'{"v":1,"seq":4,"type":"result","outcome":"returned","value":1}'
    head = len(frame).to_bytes(4, "big")
    for fd in (1, 2):
        os.write(fd, head + frame)
    sys.stdout.buffer.write(head + frame + b"\\xff\\n")
    print("half \\ud800 of a pair")
    return "honest"
"""
    )
    execution = process.start("forge")
    assert process.result(execution)["value"] == "honest"
    forged, half = process.messages(execution)
    assert forged.endswith('"value":1}\ufffd')
    assert half == "half ? of a pair"


def test_a_flood_arrives_whole_and_ends(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def flood():
    line = "x" * 99
    for _ in range(500_000):
        print(line)
    sys.stdout.write("y" * 50_000_000)
    return "done"
"""
    )
    execution = process.start("flood")
    assert process.result(execution)["value"] == "done"
    lines = process.messages(execution)
    assert lines[:500_000] == ["x" * 99] * 500_000
    assert sum(map(len, lines[500_000:])) == 50_000_000
    assert max(map(len, lines)) == 32 * 1024


def test_the_last_words_of_a_process_that_ends_itself_are_kept(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
@workflow()
async def leave():
    print("last words")
    os._exit(3)
"""
    )
    execution = process.start("leave")
    while process.read() is not None:
        pass
    assert process.messages(execution) == ["last words"]
    assert process.process.wait() == 3


def test_what_outlives_its_execution_is_cancelled_or_logs_for_the_worker(worker: StartWorker) -> None:
    process = worker(
        HEAD
        + """
go_on = threading.Event()

@workflow()
async def leaves_things_behind():
    async def for_ever():
        while True:
            await asyncio.sleep(60)
    asyncio.create_task(for_ever())
    threading.Thread(target=lambda: (go_on.wait(), print("late")), daemon=True).start()

@workflow()
async def next_one():
    go_on.set()
    await asyncio.sleep(0.2)
    return len(asyncio.all_tasks())
"""
    )
    first = process.start("leaves_things_behind")
    process.result(first)
    assert process.messages(first) == ["1 task was still running at the end of the execution and cancelled"]
    assert process.run("next_one")["value"] == 1
    assert process.messages(None) == ["late"]
