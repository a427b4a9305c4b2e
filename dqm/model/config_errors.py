"""What is wrong with a configuration, in a sentence that names the key and the nearest valid one."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel

from dqm.model.errors import nearest


def keys(model: type[BaseModel]) -> list[str]:
    """The keys that a table of the file may have; ``folder`` is set by ``load``."""
    return [name for name in model.model_fields if name != "folder"]


def explained(error: Any, root: type[BaseModel]) -> str:
    """One validation error of ``root``: the dotted key, what is wrong and, for an unknown key, the nearest ones."""
    place = list(error["loc"])
    key = ".".join(str(part) for part in place)
    if error["type"] == "extra_forbidden":
        owner = _owner(root, place[:-1])
        return f"unknown key {key!r}; {nearest(str(place[-1]), keys(owner) if owner else [])}"
    if error["type"] == "tuple_type" and isinstance(error["input"], dict):
        return f"{key!r} is a list of tables; write [[{key}]], with two brackets, for each"
    if error["type"] == "union_tag_invalid":
        context = error["ctx"]
        valid = [each.strip(" '") for each in context["expected_tags"].split(",")]
        return f"{key}.kind: unknown kind {context['tag']!r}; {nearest(str(context['tag']), valid)}"
    if error["type"] == "model_type" and isinstance(error["input"], list) and isinstance(place[-1], str):
        return f"{key!r} is one table; write [{key}], with one bracket on either side"
    said = str(error["msg"]).removeprefix("Value error, ")  # what pydantic puts before a sentence of ours
    return f"{key}: {said}" if key else said


def _owner(model: type[BaseModel], place: list[Any]) -> type[BaseModel] | None:
    """The record in which the last key of a place was looked up; list positions and dictionary keys are passed over."""
    candidates = [model]
    for part in place:
        tagged = [each for each in candidates if part in _kinds(each)]
        if tagged:
            candidates = tagged
        elif len(candidates) == 1 and part in candidates[0].model_fields:
            candidates = _records(candidates[0].model_fields[part].annotation)
    return candidates[0] if len(candidates) == 1 else None


def _kinds(record: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(record.model_fields["kind"].annotation) if "kind" in record.model_fields else ()


def _records(annotation: Any) -> list[type[BaseModel]]:
    """Every record type inside an annotation such as ``tuple[A | B, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for each in get_args(annotation) for found in _records(each)]
