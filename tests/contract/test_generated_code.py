"""The generated code is what the contract says, and the contract keeps its own rules."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import creditregistry.v1
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor, EnumDescriptor, FileDescriptor

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "creditregistry.v1"


def contract_files() -> list[FileDescriptor]:
    names = [module.name for module in pkgutil.iter_modules(creditregistry.v1.__path__, f"{PACKAGE}.")]
    messages = [importlib.import_module(name) for name in names if name.endswith("_pb2")]
    return [module.DESCRIPTOR for module in messages]


def all_messages(file: FileDescriptor) -> Iterator[Descriptor]:
    waiting = list(file.message_types_by_name.values())
    while waiting:
        message = waiting.pop()
        yield message
        waiting.extend(message.nested_types)


def all_enums(file: FileDescriptor) -> Iterator[EnumDescriptor]:
    yield from file.enum_types_by_name.values()
    for message in all_messages(file):
        yield from message.enum_types


def test_generated_code_is_what_the_generator_writes() -> None:
    result = subprocess.run(
        [sys.executable, ROOT / "proto" / "generate.py", "--check"], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("file", contract_files(), ids=lambda file: Path(file.name).stem)
def test_the_directory_is_the_package(file: FileDescriptor) -> None:
    assert file.package == PACKAGE
    assert Path(file.name).parent.as_posix() == PACKAGE.replace(".", "/")


@pytest.mark.parametrize("file", contract_files(), ids=lambda file: Path(file.name).stem)
def test_zero_of_every_enum_means_unspecified(file: FileDescriptor) -> None:
    for enum in all_enums(file):
        zero = enum.values_by_number[0].name
        assert zero.endswith("_UNSPECIFIED"), f"{enum.full_name} starts with {zero}"


@pytest.mark.parametrize("file", contract_files(), ids=lambda file: Path(file.name).stem)
def test_a_file_holds_messages_or_one_service(file: FileDescriptor) -> None:
    services = list(file.services_by_name)
    if file.name.endswith("_service.proto"):
        assert len(services) == 1
    else:
        assert services == []
