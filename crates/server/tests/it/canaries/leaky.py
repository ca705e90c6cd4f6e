"""Workflows that push what they were given through everything a workflow can write to."""

import asyncio
import base64
import json
import logging
import os
import subprocess
import sys
import threading
import time
import urllib.parse
import warnings

from shared.decorators import option_generator, param, workflow

LONG = 32 * 1024
# Executions that wait in this process.
waiting: set[str] = set()


def spellings(text):
    """The text in every encoding of design section 6, and as Python shows it."""
    raw = text.encode()
    quoted = urllib.parse.quote(text, safe="")
    shown = [
        text,
        json.dumps(text),
        json.dumps(text, ensure_ascii=False),
        json.dumps(text).replace("/", "\\/"),
        repr(text),
        ascii({"of": [text]}),
        repr(raw),
        quoted,
        quoted.lower() if text.islower() else urllib.parse.quote(text),
        urllib.parse.quote_plus(text),
        urllib.parse.quote(text, safe="!'()*"),
        raw.hex(),
        raw.hex().upper(),
    ]
    for before in range(3):
        shifted = b"." * before + raw + b".." * before
        shown += [base64.b64encode(shifted).decode(), base64.urlsafe_b64encode(shifted).decode().rstrip("=")]
    return shown + text.split("\n")


async def values(context, control, password):
    names = ("symbols", "pem", "digits")
    return [control, password, *[await context.secrets.get(name) for name in names]]


def write(text):
    """Text past Python, to both descriptors."""
    for descriptor in (1, 2):
        os.write(descriptor, text.encode() + b"\n")


def speak(context, values):
    """Everything that writes a line, for every spelling."""
    for value in values:
        for text in spellings(value):
            print(text)
            print("key", text, sep="=", file=sys.stderr)
            sys.stdout.buffer.write(text.encode() + b"\n")
            context.log.info("%s", text)
            logging.getLogger("plain").warning(f"in a message {text}")
            logging.getLogger("arguments").warning("in arguments %s %r", text, {"a": text})
            logging.getLogger(text).warning("named")
            write(text)
        warnings.warn(value, stacklevel=1)
        in_pieces(value)
        across_cuts(value)
        try:
            fail(value)
        except RuntimeError:
            logging.getLogger("traces").exception("failed with %s", value)
    thread = threading.Thread(target=lambda: [print("thread", text) for value in values for text in spellings(value)])
    thread.start()
    thread.join()
    # What a thread raises is reported by Python itself.
    doomed = threading.Thread(target=fail, args=(values[1],))
    doomed.start()
    doomed.join()
    talk(values)


def in_pieces(value):
    """One line by several writes."""
    half = len(value) // 2
    for stream in (sys.stdout, sys.stderr):
        stream.write("pieces " + value[:half])
        stream.flush()
        stream.write(value[half:] + "\n")
    raw = value.encode()
    for at in range(1, len(raw), 7):
        os.write(1, b"raw pieces " + raw[:at])
        time.sleep(0.001)
        os.write(1, raw[at:] + b"\n")


def across_cuts(value):
    """Long lines, cut by SDK or host at every place of the value, of one-byte and of two-byte characters."""
    for line in value.split("\n")[-2:]:
        for before in (1, len(line) // 3, len(line) // 2, len(line) - 1):
            print("x" * (LONG - before) + line + " end")
            logging.getLogger("long").info("y" * (LONG - before) + line)
        print("ä" * (LONG // 2 - 4) + line + "ä" * (LONG - 4) + line + " end")
        print("ü" * (LONG - 10) + line + " end")
        os.write(2, b"z" * (LONG - len(line.encode()) // 2) + line.encode() + b" end\n")


def fail(value):
    local = {"held": value}
    try:
        local[value]
    except KeyError as missing:
        try:
            raise ValueError(f"not {value!r}") from missing
        except ValueError:
            raise RuntimeError(f"cannot use {value}")  # noqa: B904


def talk(values):
    """Children: their output, their arguments, what they inherit."""
    texts = [text for value in values for text in spellings(value)]
    script = "import json, os, sys\nfor text in json.load(sys.stdin):\n  print('child', text)\n  os.write(2, text.encode() + b'\\n')"
    subprocess.run([sys.executable, "-c", script], input=json.dumps(texts), text=True, check=True)
    for value in values:
        subprocess.run(["/bin/echo", "argument", value], check=True)
        kept = subprocess.run(["/bin/echo", value], capture_output=True, text=True, check=True)
        print("captured", kept.stdout)
    if os.fork() == 0:
        print("fork", *values)
        os._exit(0)


def returned(values):
    return {
        "blob": "too large for a row" * 2000,
        "spellings": [spellings(value) for value in values],
        "keys": {text: index for value in values for index, text in enumerate(spellings(value))},
        "number": int(values[4]),
        "negative": -int(values[4]),
        "nested": json.dumps({"inner": values}),
    }


@workflow(description="Leaks and ends as it is told")
@param("password", type="password")
async def leak(context, control: str, password: str, how: str):
    shown = await values(context, control, password)
    if how in ("return", "wait"):
        speak(context, shown)
    for value in shown:
        context.progress(10, "p" * (2000 - len(value) // 2) + value)
    context.progress(50, "at " + " ".join(shown))
    if how == "raise":
        fail(" ".join(shown))
    if how == "raise_long":
        raise RuntimeError("m" * (8 * 1024 - 10) + shown[1] + "m" * 70_000 + shown[1])
    if how == "raise_class":
        raise type(shown[4], (Exception,), {"__str__": lambda self: repr(shown)})
    if how == "report":
        return {"success": False, "error": " ".join(shown)}
    if how == "unserializable":
        return {shown[1]: object()}
    if how == "die":
        os.write(2, b"last words " + b" ".join(value.encode() for value in shown) + b"\n")
        os.write(2, b"w " * 240 + shown[1].encode() + b"\n")
        await asyncio.sleep(0.3)
        os._exit(3)
    if how == "wait":
        await wait(shown)
    return returned(shown)


async def wait(shown):
    print("waiting")
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        print("giving way", *shown)
        raise RuntimeError("z" * (8 * 1024 - 8) + shown[1]) from None


@workflow(description="Leaks beside another run, and never holds the loop: else it would be given a process of its own")
@param("password", type="password")
async def leak_together(context, control: str, password: str, how: str):
    shown = await values(context, control, password)
    if how == "quick":
        write(" ".join(shown))
        return bool(waiting)
    waiting.add(context.execution_id)
    try:
        await wait(shown)
    finally:
        waiting.remove(context.execution_id)


@workflow(description="Leaks and never ends", timeout_seconds=1)
@param("password", type="password")
async def leak_and_hang(context, control: str, password: str):
    shown = await values(context, control, password)
    print("hanging", *shown)
    await asyncio.sleep(600)


@workflow(description="Leaks from a plain function")
@param("password", type="password")
def leak_plainly(context, control: str, password: str, digits: str):
    shown = [control, password, password, control, digits]
    speak(context, shown)
    return returned(shown)


@option_generator(description="Leaks into a dropdown")
async def leaky_options(context, control: str, how: str):
    shown = await values(context, control, control)
    for value in shown:
        print("options", value)
        logging.getLogger(value).warning("x" * (LONG - 5) + value)
    if how == "raise":
        fail(" ".join(shown))
    return [{"label": text, "value": text} for value in shown for text in spellings(value)]
