"""Workflows that misbehave, each in its own way."""

import asyncio
import os
import signal
import subprocess
import sys
import time

from shared.decorators import param, workflow


@workflow(description="Prints 100 MB")
async def flood(context):
    line = "x" * 1023
    print("the first line")
    for _ in range(100 * 1024):
        print(line)
    print("the last line")
    return {"printed": True}


@workflow(description="Writes what looks like frames to its output")
async def forge(context):
    frame = b'{"v":1,"seq":99,"type":"result","execution_id":"%s","outcome":"returned","value":"forged"}'
    body = frame % context.execution_id.encode()
    for descriptor in (1, 2):
        os.write(descriptor, len(body).to_bytes(4, "big") + body + b"\n")
    return "honest"


@workflow(description="Closes its output")
async def close_output(context):
    os.close(1)
    os.close(2)
    return "closed"


@workflow(description="Prints, to see whether output is back")
async def speak(context):
    os.write(1, b"raw\n")
    print("spoken")
    return "spoke"


@workflow(description="Blocks the event loop")
async def block(context):
    time.sleep(1.6)
    return "awake"


@workflow(description="Refuses to end", timeout_seconds=1)
async def cling(context):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("no")


@workflow(description="Leaves a child that hides")
async def breed(context):
    child = subprocess.Popen(
        [sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)"], start_new_session=True
    )
    print(f"child {child.pid}")
    return child.pid


@workflow(description="Ends its process")
async def leave(context):
    print("leaving")
    os._exit(3)


@workflow(description="Answers")
async def answer(context):
    return {"pid": os.getpid()}


@workflow(description="Prints a password across the place where long lines are cut")
@param("password", type="password")
async def straddle(context, password: str):
    for before in range(32768 - len(password) - 2, 32768 + 2):
        print("x" * before + password + " end")
    os.write(2, b"z" * (32768 - 5) + password.encode() + b"\n")
    context.progress(50, "y" * 1990 + password)
    return "printed"


@workflow(description="Writes numbered lines and ends as it is told")
async def count(context, lines: int, how: str):
    for number in range(1, lines + 1):
        if how == "raw and kill":
            os.write(1, b"numbered %-50d\n" % number)
        else:
            print(f"numbered {number:<50}")
        if number % 500 == 0:
            await asyncio.sleep(0)
    if how == "raise":
        raise RuntimeError("counted")
    if how == "exit":
        os._exit(0)
    if "kill" in how:
        os.kill(os.getpid(), signal.SIGKILL)
    return lines


@workflow(description="Starts processes that hide, and ends as it is told")
async def scatter(context, mark: str, how: str):
    stay = f"trap '' TERM HUP INT; while :; do sleep 0.2; done # {mark}"
    subprocess.Popen(["/bin/sh", "-c", stay])
    subprocess.Popen(["/bin/sh", "-c", stay], start_new_session=True)
    for forget in (False, True):
        child = os.fork()
        if child == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.execve("/bin/sh", ["sh", "-c", stay], {} if forget else dict(os.environ))
            os._exit(0)
        os.waitpid(child, 0)
    if how == "return":
        return "left them"
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if how != "cling":
                raise


@workflow(description="Writes what is no text, without a newline, from everywhere")
async def babble(context):
    import ctypes

    libc = ctypes.CDLL(None)
    print("before")
    os.write(1, b"\xff\xfe\x00 not text\n")
    sys.stdout.buffer.write(b"\xc3\x28 half a character\n")
    print("\udcff a lone surrogate")
    libc.write(1, b"from C\n", 7)
    libc.write(2, b"from C to stderr\n", 17)
    block = b"y" * (1024 * 1024)
    for _ in range(100):
        sys.stdout.buffer.write(block)
        await asyncio.sleep(0)
    print()
    print("after")
    return "babbled"
