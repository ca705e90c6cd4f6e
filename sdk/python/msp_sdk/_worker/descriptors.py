"""Takes descriptors 0 to 2 over and gives every execution the same ones."""

from __future__ import annotations

import fcntl
import os

#: Private descriptors start here: `os.closerange(3, 64)` in author code should not end the worker.
_PRIVATE_FROM = 100


def private(fd: int) -> int:
    """A duplicate that children do not inherit."""
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _PRIVATE_FROM)
    except OSError:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)


def close_quietly(fd: int) -> None:
    """Close a descriptor that may be closed already."""
    try:
        os.close(fd)
    except OSError:
        pass


class StandardDescriptors:
    """Descriptor 0 reads nothing, 1 and 2 are the host's capture pipes; author code may close or replace them."""

    def __init__(self) -> None:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        self._originals = {0: private(0), 1: private(1), 2: private(2)}
        self._identities = {fd: _identity(copy) for fd, copy in self._originals.items()}
        os.close(null)

    def restore(self) -> None:
        """Put back whatever was closed or replaced."""
        for fd, original in self._originals.items():
            if _identity(fd) != self._identities[fd]:
                os.dup2(original, fd)


def take_channel() -> int:
    """Move the control channel away from descriptor 0, before any author code is imported."""
    return private(0)


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        stat = os.fstat(fd)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
