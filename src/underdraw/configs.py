"""Frozen dataclass configs to and from plain JSON values, checked on the way in."""

import types
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

ConfigT = TypeVar("ConfigT")


def to_json(config: Any) -> dict[str, Any]:  # noqa: ANN401
    """A config as plain values; tuples become lists when written."""
    return asdict(config)


def from_json(kind: type[ConfigT], values: Any) -> ConfigT:  # noqa: ANN401
    """The config of type `kind` that `to_json` made `values` from.

    Fields that are missing take their defaults.

    Raises:
        ValueError: not an object, an unknown field or a value of the wrong type, named.
    """
    if not is_dataclass(kind) or not isinstance(values, dict):
        raise ValueError(f"a {kind.__name__} is an object, got {values!r}")
    hints = get_type_hints(kind)
    make: Callable[..., ConfigT] = kind
    unknown = sorted(set(values) - {field.name for field in fields(kind)})
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {unknown[0]!r}")
    return make(**{name: _cast(hints[name], value, name) for name, value in values.items()})


def _cast(hint: Any, value: Any, name: str) -> Any:  # noqa: ANN401
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _first(inner, value, name)
    if is_dataclass(hint) and isinstance(hint, type):
        return from_json(hint, value)
    if origin is Literal and value in inner:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) == len(value):
            return tuple(_cast(k, v, name) for k, v in zip(kinds, value, strict=True))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise ValueError(f"{name} cannot be {value!r}")


def _first(kinds: tuple[Any, ...], value: Any, name: str) -> Any:  # noqa: ANN401
    for kind in kinds:
        try:
            return _cast(kind, value, name)
        except ValueError:
            continue
    raise ValueError(f"{name} cannot be {value!r}")
