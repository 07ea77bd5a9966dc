"""Answers of the API: the SDK's values as ``to_dict`` writes them, and the models of the contract made of them.

The models are read off the dataclasses, so that the contract says nothing else than what is sent; a test parses what a
real desk answers with by them.
"""

import base64
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model

from client_sdk import forms, models
from client_sdk.forms import Json, Plain, plain
from client_sdk.models import (
    AcknowledgementReceipt,
    AnnotationReceipt,
    Answer,
    Assessment,
    DisputeOutcome,
    HistoryMonth,
    InquiryReceipt,
    ListedRecord,
    Notice,
    Receipt,
)

__all__ = ["CheckedPerson", "content_of", "document_of", "page_of"]

# The bytes of a proof: in one text that a file keeps, where there is one, and not each by itself.
_PROOF = frozenset(("payload", "signature", "leaf", "path", "head", "head_path", "checkpoint"))
_PROVED = (Receipt, AnnotationReceipt, AcknowledgementReceipt)
# Where the names in the annotations of the SDK's dataclasses lead.
_NAMES: dict[str, object] = {
    "date": date,
    "datetime": datetime,
    "Mapping": Mapping,
    "Sequence": Sequence,
    "ClassVar": ClassVar,
    "UUID": UUID,
    "Callable": Callable,
    # Of a private field.
    "Pseudonym": bytes,
    **{name: getattr(forms, name) for name in forms.__all__},
    **{name: getattr(models, name) for name in models.__all__},
}
_Hex = Annotated[str, StringConstraints(pattern="^([0-9a-f]{2})*$")]


def content_of(value: Plain) -> dict[str, Json]:
    """Return a value of the SDK as the API answers with it."""
    content = value.to_dict()
    if isinstance(value, (*_PROVED, InquiryReceipt, Notice)):
        content = {name: item for name, item in content.items() if name not in _PROOF}
    if isinstance(value, _PROVED):
        content["proof"] = value.tlog_proof()
    if isinstance(value, InquiryReceipt):
        content["proof"] = base64.b64encode(value.encode()).decode()
    if isinstance(value, Notice):
        content["breach"] = None if value.breach is None else plain(value.breach)
        content["outcome"] = None if value.outcome is None else value.outcome.value
    return content


@cache
def document_of(kind: type) -> type[BaseModel]:
    """Return the model of what ``content_of`` makes of a dataclass of the SDK."""
    is_tuple = issubclass(kind, tuple)
    hints = get_type_hints(kind, localns=_NAMES)
    names = [*hints] if is_tuple else [field.name for field in dataclasses.fields(kind) if _is_shown(field)]
    types = {name: _type(hints[name], name) for name in names if name not in _hidden(kind)}
    return _made(kind.__name__, (kind.__doc__ or "").strip().partition("\n")[0], types | _added(kind))


def page_of(name: str, doc: str, **kinds: type) -> type[BaseModel]:
    """Return the model of one page of lists, with where the next one begins.

    Args:
        name: of the model.
        doc: what it is.
        kinds: dataclass of the SDK by the name of its list.
    """
    after = Annotated[int | None, Field(description="`after` of the next page; null where there is none.")]
    lists: dict[str, object] = {key: list[document_of(kind)] for key, kind in kinds.items()}  # type: ignore[misc]  # of models that are made here
    return _made(name, doc, lists | {"next": after})


def _made(name: str, doc: str, types: Mapping[str, object]) -> type[BaseModel]:
    fields: dict[str, Any] = {key: (type_, ...) for key, type_ in types.items()}
    return create_model(name, __config__=ConfigDict(extra="forbid"), __doc__=doc, **fields)


def _is_shown(field: "dataclasses.Field[object]") -> bool:
    return all(field.metadata.values()) and not field.name.startswith("_")


def _hidden(kind: type) -> AbstractSet[str]:
    return _PROOF if issubclass(kind, (*_PROVED, InquiryReceipt, Notice)) else frozenset()


def _added(kind: type) -> dict[str, object]:
    if issubclass(kind, _PROVED):
        return {"proof": Annotated[str, Field(description="A C2SP tlog-proof: a file that proves by itself.")]}
    if issubclass(kind, InquiryReceipt):
        return {"proof": Annotated[str, Field(description="A file that proves by itself, base64.")]}
    if issubclass(kind, ListedRecord):
        return {"months": list[document_of(HistoryMonth)]}  # type: ignore[misc]  # a model that is made here
    if issubclass(kind, Notice):
        return {"breach": dict[str, object] | None, "outcome": _type(DisputeOutcome | None, "outcome")}
    return {}


def _type(hint: object, name: str) -> object:
    """Return the type of a value as ``plain`` writes it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(_type(item, name) for item in arguments)]  # noqa: UP007 - of types that are made here
    if origin in (tuple, frozenset):
        return list[_type(arguments[0], name)]  # type: ignore[misc]  # as above
    if origin is not None and issubclass(cast("type", origin), Mapping):
        return dict[str, _type(arguments[1], name)]  # type: ignore[misc]  # as above
    if hint is bytes:
        return UUID if name == "record_id" else _Hex
    if hint in (NoneType, str, int, bool, float, date, datetime, UUID):
        return hint
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Literal[tuple(str(word.value) for word in hint)]
    if isinstance(hint, type) and (dataclasses.is_dataclass(hint) or issubclass(hint, tuple)):
        return document_of(hint)
    raise TypeError(f"{name}: {hint!r} has no form in the contract")


CheckedPerson = _made(
    "CheckedPerson",
    "The answer about one person, and what the lender's own criteria make of it.",
    {
        "answer": document_of(Answer),
        "assessment": document_of(Assessment),
        "evidence": Annotated[
            str | None,
            Field(description="What the answer rests on, base64, as `verify` reads it; null unless asked for."),
        ],
    },
)
