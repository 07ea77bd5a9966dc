"""Reference of the contract, from the .proto files with their comments."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

from docs_site.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto

__all__ = ["contract_page"]

_SECONDS = 120
_PACKAGE = "creditregistry.v1"
# Numbers of the fields of a FileDescriptorProto, of which paths of comments are made.
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
_FIELDS, _NESTED, _NESTED_ENUMS, _VALUES, _METHODS = 2, 3, 4, 2, 2
Place = tuple[int, ...]


def contract_page() -> str:
    """Return the page.

    Raises:
        subprocess.CalledProcessError: the contract does not compile.
    """
    parts = [
        "# Contract",
        f"The package `{_PACKAGE}`. Forms that are signed or hashed are in [Formats](../proto/README.md).",
    ]
    files = [file for file in _compiled().file if file.package == _PACKAGE]
    for file in sorted(files, key=lambda file: (not file.service, file.name)):
        parts += _file(file)
    return "\n\n".join(part for part in parts if part) + "\n"


def _compiled() -> FileDescriptorSet:
    buf = shutil.which("buf", path=str(Path(sys.executable).parent))
    if buf is None:
        raise FileNotFoundError("buf is missing: make setup")
    with TemporaryDirectory() as folder:
        target = Path(folder) / "contract.binpb"
        subprocess.run([buf, "build", "-o", str(target)], cwd=ROOT / "proto", check=True, timeout=_SECONDS)
        return FileDescriptorSet.FromString(target.read_bytes())


def _file(file: FileDescriptorProto) -> Iterator[str]:
    said: Mapping[Place, str] = {
        tuple(place.path): (place.leading_comments or place.trailing_comments).strip()
        for place in file.source_code_info.location
    }
    yield f"## {Path(file.name).name}"
    for number, service in enumerate(file.service):
        yield f"### {service.name}"
        yield _words(said.get((_SERVICES, number), ""))
        for place, method in enumerate(service.method):
            takes, gives = _short(method.input_type), _short(method.output_type)
            takes = f"stream of {takes}" if method.client_streaming else takes
            gives = f"stream of {gives}" if method.server_streaming else gives
            yield f"**{method.name}** ({takes} → {gives})"
            yield _words(said.get((_SERVICES, number, _METHODS, place), ""))
    for number, message in enumerate(file.message_type):
        yield from _message(message, (_MESSAGES, number), said, "")
    for number, enum in enumerate(file.enum_type):
        yield from _enum(enum, (_ENUMS, number), said, "")


def _message(message: DescriptorProto, place: Place, said: Mapping[Place, str], outer: str) -> Iterator[str]:
    if message.options.map_entry:
        return
    name = f"{outer}{message.name}"
    yield f"### {name}"
    yield _words(said.get(place, ""))
    rows = [
        f"| {field.number} | `{field.name}` | {_type(field)} | {_cell(said.get((*place, _FIELDS, number), ''))} |"
        for number, field in enumerate(message.field)
    ]
    if rows:
        yield "\n".join(["| number | field | type | is |", "|---|---|---|---|", *rows])
    for number, nested in enumerate(message.nested_type):
        yield from _message(nested, (*place, _NESTED, number), said, f"{name}.")
    for number, enum in enumerate(message.enum_type):
        yield from _enum(enum, (*place, _NESTED_ENUMS, number), said, f"{name}.")


def _enum(enum: EnumDescriptorProto, place: Place, said: Mapping[Place, str], outer: str) -> Iterator[str]:
    yield f"### {outer}{enum.name}"
    yield _words(said.get(place, ""))
    rows = [
        f"| {value.number} | `{value.name}` | {_cell(said.get((*place, _VALUES, number), ''))} |"
        for number, value in enumerate(enum.value)
    ]
    yield "\n".join(["| number | value | is |", "|---|---|---|", *rows])


def _type(field: FieldDescriptorProto) -> str:
    named = _short(field.type_name) if field.type_name else FieldDescriptorProto.Type.Name(field.type)[5:].lower()
    return f"repeated {named}" if field.label == FieldDescriptorProto.LABEL_REPEATED else named


def _short(name: str) -> str:
    return name.removeprefix(f".{_PACKAGE}.").removeprefix(".")


def _words(comment: str) -> str:
    return comment.replace("<", "&lt;")


def _cell(comment: str) -> str:
    return " ".join(comment.split()).replace("|", "\\|").replace("<", "&lt;")
