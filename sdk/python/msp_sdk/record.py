"""Answers of the platform's integrations: `user.id` and `user["id"]` alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._words import did_you_mean


class Record(dict[str, Any]):
    """A JSON object whose fields are attributes as well.

    It is a plain `dict` in every other respect, so it can be returned from a workflow. A field that has the name of a
    method of `dict` (`items`, `values` ...) is reached by its key only.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the record has no field `{name}`{did_you_mean(name, self)}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"the record has no field `{name}`") from None

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self})


def to_record(value: Any) -> Any:
    """The same JSON value with every object in it turned into a `Record`."""
    if isinstance(value, Mapping):
        return Record({key: to_record(item) for key, item in value.items()})
    if isinstance(value, list):
        return [to_record(item) for item in value]
    return value
