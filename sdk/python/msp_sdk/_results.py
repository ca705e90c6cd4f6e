"""Turns what a workflow returns into JSON, or says where that is impossible."""

from __future__ import annotations

import datetime
import enum
import inspect
import json
import math
import sys
from collections.abc import Mapping
from typing import Any

from ._frozen import Frozen, fields

#: Largest result in bytes of JSON (docs/worker-protocol.md, `result_too_large`).
MAX_RESULT_BYTES = 8 * 1024 * 1024


class ResultNotJson(Exception):
    """A value has no form in JSON; the message names its path, such as `$.users[3].created`."""


class ResultTooLarge(Exception):
    """The result is over 8 MiB of JSON."""


class OptionsInvalid(Exception):
    """An option generator answered something other than a list of options."""


def encode(value: Any) -> bytes:
    """The value as UTF-8 JSON.

    Dataclasses become objects; days, instants, UUIDs and decimals text; enumerations their values; sets lists.

    Raises:
        ResultNotJson: something in it has no form in JSON, NaN and infinity included.
        ResultTooLarge: it is over `MAX_RESULT_BYTES`.
    """
    try:
        body = _encoder.encode(value).encode()
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise ResultNotJson(_explain(value) or f"the result has no form in JSON: {error}") from None
    if len(body) > MAX_RESULT_BYTES:
        size = len(body) / (1024 * 1024)
        raise ResultTooLarge(f"the result is {size:.1f} MiB of JSON; at most 8 MiB can be returned")
    return body


def options(value: Any) -> list[dict[str, Any]]:
    """The answer of an option generator as `{label, value}` items; a plain text or number is its own label.

    Raises:
        OptionsInvalid: it is not a list, or an item has no value.
    """
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        raise OptionsInvalid(
            f"an option generator returns a list of {{label, value}} items, not {_article(value)}{_await_hint(value)}"
        )
    return [_option(position, item) for position, item in enumerate(value)]


def _option(position: int, item: Any) -> dict[str, Any]:
    declared = _declared_fields(item)
    if declared is not None:
        item = declared
    if isinstance(item, Mapping):
        if item.get("value") is None:
            raise OptionsInvalid(f"option {position} has no `value`; each is {{label, value}}")
        chosen, label = _scalar(position, item["value"]), item.get("label")
        return {**item, "label": str(chosen if label is None else label), "value": chosen}
    chosen = _scalar(position, item)
    return {"label": str(chosen), "value": chosen}


def _scalar(position: int, value: Any) -> Any:
    if isinstance(value, (datetime.date, enum.Enum)) or _is_text_like(value):
        value = _convert(value)
    if isinstance(value, (str, bool, int, float)):
        return value
    raise OptionsInvalid(
        f"the value of option {position} is {_article(value)}; use a text, a number, `True` or `False`"
    )


def _convert(value: Any) -> Any:
    declared = _declared_fields(value)
    if declared is not None:
        return declared
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if _is_text_like(value):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        try:
            return sorted(value)
        except TypeError:
            return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{_article(value)} has no form in JSON")


#: Made once: `json.dumps` makes a new one for every call that is not all defaults.
_encoder = json.JSONEncoder(default=_convert, allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def _is_text_like(value: Any) -> bool:
    """Whether it is a UUID or a decimal; without their modules, which cost every worker, there is no such value."""
    for module, name in (("uuid", "UUID"), ("decimal", "Decimal")):
        found = sys.modules.get(module)
        if found is not None and isinstance(value, getattr(found, name)):
            return True
    return False


def _declared_fields(value: Any) -> dict[str, Any] | None:
    """The fields of a dataclass or of a value of ours. Who never imported that module has no dataclass."""
    if isinstance(value, Frozen):
        return fields(value)
    dataclasses = sys.modules.get("dataclasses")
    if dataclasses is None or not dataclasses.is_dataclass(value) or isinstance(value, type):
        return None
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _explain(value: Any) -> str | None:
    """Walk a value that could not be encoded, and name the first place at fault."""
    try:
        return _fault(value, "$", [])
    except RecursionError:
        return "the result is nested too deeply"


def _fault(value: Any, path: str, above: list[int]) -> str | None:
    if value is None or isinstance(value, (bool, int)):
        return None
    if isinstance(value, str):
        return None if _is_unicode(value) else f"`{path}` contains half of a surrogate pair, which is not text"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"`{path}` is {value}, which JSON does not have"
    if id(value) in above:
        return f"`{path}` contains itself"
    above = [*above, id(value)]
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, (str, bool, int, float)) and key is not None:
                return f"`{path}` has the key {key!r}, {_article(key)}; keys are text, so use `str(...)`"
            found = _fault(item, _member(path, key), above)
            if found:
                return found
        return None
    if isinstance(value, (list, tuple)):
        for position, item in enumerate(value):
            found = _fault(item, f"{path}[{position}]", above)
            if found:
                return found
        return None
    try:
        converted = _convert(value)
    except TypeError:
        return f"`{path}` is {_article(value)}, which has no form in JSON{_await_hint(value)}"
    return _fault(converted, path, above)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _member(path: str, key: Any) -> str:
    return f"{path}.{key}" if isinstance(key, str) and key.isidentifier() else f"{path}[{json.dumps(str(key))}]"


def _article(value: Any) -> str:
    name = type(value).__name__
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def _await_hint(value: Any) -> str:
    return "; is an `await` missing?" if inspect.isawaitable(value) else ""
