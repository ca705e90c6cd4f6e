"""Values declared by their annotations, like frozen dataclasses."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, dataclass_transform

_MISSING = object()


@dataclass_transform(frozen_default=True)
class Frozen:
    """Base of a value whose annotated attributes are its fields, set once.

    A dataclass writes and compiles source for every class: half a millisecond each, in the start of every worker. This
    does the same work when a value is made. A default is shared by all values, so it must not be changed: no lists, no
    dictionaries.
    """

    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        own = inspect.get_annotations(cls)
        cls._defaults = {**cls._defaults, **{name: cls.__dict__.get(name, _MISSING) for name in own}}

    def __init__(self, *positional: Any, **named: Any) -> None:
        values = dict(self._defaults)
        if len(positional) > len(values):
            raise TypeError(f"{type(self).__name__} takes {len(values)} values, not {len(positional)}")
        for name, value in zip(values, positional, strict=False):
            if name in named:
                raise TypeError(f"{type(self).__name__} got `{name}` twice")
            named[name] = value
        for name, value in named.items():
            if name not in values:
                raise TypeError(f"{type(self).__name__} has no `{name}`")
            values[name] = value
        missing = [name for name, value in values.items() if value is _MISSING]
        if missing:
            raise TypeError(f"{type(self).__name__} needs {', '.join(missing)}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be removed")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


def fields(value: Frozen) -> dict[str, Any]:
    """The fields of a value, in the order of their declaration."""
    return dict(value.__dict__)
