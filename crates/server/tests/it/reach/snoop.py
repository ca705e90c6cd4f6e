"""A workflow that looks for what it must not find."""

import gc
import hashlib
import os
import signal

from shared.decorators import workflow


@workflow(description="Uses Graph, so that the host holds a token")
async def use_graph(context):
    return len(await context.get_integration("msgraph").list_users())


@workflow(description="Searches everything in reach")
async def snoop(context, needles: list, data: str):
    await context.get_integration("msgraph").list_users()
    own = await context.secrets.get("demo_api_key")
    control = [{"name": "own secret", "start": own[:8], "length": len(own), "sha256": digest(own.encode())}]
    host = os.getppid()
    opened = [path for path in forbidden(data, host) if can_read(path)]
    try:
        os.kill(host, signal.SIGCONT)
        opened.append("signal to the host")
    except PermissionError:
        pass
    found = search(control + needles)
    return {"found": sorted(found), "opened": opened, "environment": sorted(os.environ)}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def forbidden(data: str, host: int) -> list[str]:
    inside = ["master.key", "msp.db", "msp.db-wal", "server.json", "simulator/simulator.json", "blobs", "."]
    return [f"{data}/{name}" for name in inside] + [
        f"/proc/{host}/environ",
        f"/proc/{host}/mem",
        f"/proc/{host}/cwd/data/msp.db",
        f"/proc/{host}/root/etc/shadow",
        f"/proc/self/root{data}/msp.db",
        "/etc/shadow",
    ]


def can_read(path: str) -> bool:
    try:
        if os.path.isdir(path):
            os.listdir(path)
        else:
            with open(path, "rb") as file:
                file.read(1)
    except OSError:
        return False
    return True


def search(needles: list[dict]) -> set[str]:
    """Names of needles that stand anywhere in this process. Only their beginnings are known here, and a digest."""
    found = set()
    for text in texts():
        for needle in needles:
            start, length = needle["start"].encode(), needle["length"]
            at = text.find(start)
            while at >= 0:
                if digest(text[at : at + length]) == needle["sha256"]:
                    found.add(needle["name"])
                at = text.find(start, at + 1)
    return found


def texts():
    """Every text the interpreter holds, and the process's memory where the system shows it."""
    seen, todo = set(), gc.get_objects()
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, str):
            yield value.encode("utf-8", "replace")
        elif isinstance(value, (bytes, bytearray)):
            yield bytes(value)
        else:
            todo.extend(gc.get_referents(value))
    yield from memory()


def memory():
    try:
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as mem:
            for line in maps.readlines():
                span, rights = line.split()[:2]
                begin, end = (int(part, 16) for part in span.split("-"))
                if rights.startswith("rw") and end - begin < 1 << 28:
                    mem.seek(begin)
                    yield mem.read(end - begin)
    except OSError:
        return
