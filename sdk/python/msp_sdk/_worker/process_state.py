"""What one execution may change about the process and the next must not find."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from .descriptors import StandardDescriptors

try:
    # Without turning each answer into a member of an enumeration, which costs this more than everything else it does.
    from _signal import getsignal as _handler_of  # type: ignore[import-not-found]
except ImportError:
    _handler_of = signal.getsignal

#: Signals an author may have redirected. Python itself ignores SIGPIPE, and so do we.
_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGPIPE")


class ProcessState:
    """Working directory, descriptors, streams, signals, environment, logging and the loop's handlers."""

    def __init__(self, standard: StandardDescriptors, loop: asyncio.AbstractEventLoop) -> None:
        self._standard = standard
        self._loop = loop
        self._task_factory = loop.get_task_factory()
        self._directory = os.getcwd()
        self._streams = (sys.stdout, sys.stderr, sys.stdin)
        self._environment = dict(os.environ)
        root = logging.getLogger()
        self._handlers, self._level = list(root.handlers), root.level
        self._signals = {
            number: _handler_of(number)
            for number in (getattr(signal, name, None) for name in _SIGNALS)
            if number is not None
        }

    def restore(self, last: bool) -> None:
        """Put everything back. `last`: no other execution is in flight, so nothing shared is taken from one."""
        self._standard.restore()
        sys.stdout, sys.stderr, sys.stdin = self._streams
        for number, handler in self._signals.items():
            if _handler_of(number) is not handler:
                self._loop.remove_signal_handler(number)
                signal.signal(number, handler)
        self._loop.set_exception_handler(None)
        self._loop.set_task_factory(self._task_factory)
        if self._loop.get_debug():  # setting it wakes the loop
            self._loop.set_debug(False)
        self._restore_directory()
        if last:
            self._restore_shared()

    def _restore_directory(self) -> None:
        try:
            if os.getcwd() == self._directory:
                return
        except OSError:
            pass  # the author removed the folder the process stood in
        os.chdir(self._directory)

    def _restore_shared(self) -> None:
        if dict(os.environ) != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        root = logging.getLogger()
        if root.handlers != self._handlers or root.level != self._level:
            root.handlers[:] = self._handlers
            root.setLevel(self._level)
        if root.manager.disable != logging.NOTSET:  # setting it forgets what every logger knows of its level
            logging.disable(logging.NOTSET)
