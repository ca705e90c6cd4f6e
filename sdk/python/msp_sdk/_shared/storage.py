"""`shared.storage` exists so that code which names it can be imported; the store itself is the platform's.

Workflows run for one organization and hold no credentials, so there is nothing here to reach other data with.
"""

from typing import Any, NoReturn

_ADVICE = (
    "workflows have no access to the platform's store; use `context.config` for config,"
    " `await context.secrets.get(name)` for secrets and the returned value for results"
)


class StorageNotAvailable(RuntimeError):
    """Something of `shared.storage` was used."""

    def __init__(self) -> None:
        super().__init__(_ADVICE)


class TableStorageService:
    """Cannot be made: see the message."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise StorageNotAvailable


def __getattr__(name: str) -> Any:
    # Imports of any helper succeed; using one explains what to do instead.
    if name.startswith("__"):
        raise AttributeError(name)

    def unavailable(*_: Any, **__: Any) -> NoReturn:
        raise StorageNotAvailable

    unavailable.__name__ = name
    return unavailable
