"""The worker's side of docs/worker-protocol.md. Started by the engine, never imported by authors."""

from __future__ import annotations

import sys


def main() -> None:
    """Serve the host on descriptor 0 until it closes the channel."""
    # The workspace's name is the hash of its content, and the environment variable is ignored under `-I`.
    sys.dont_write_bytecode = True
    from .worker import Worker

    worker = Worker()
    worker.load()
    worker.run()
