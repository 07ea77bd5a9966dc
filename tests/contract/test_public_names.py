"""The public API is frozen: a name that goes, or an argument that changes, breaks somebody's program.

A change here is meant, or it is a mistake. ``tests/contract/public_api.txt`` holds names and signatures; after a change
that is meant, write it anew with ``python -m tests.contract.public_api``.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
import subprocess
import sys

import client_sdk
from tests.contract.public_api import FROZEN, MODULES, describe


def test_names_and_signatures_are_what_they_were() -> None:
    assert describe() == FROZEN.read_text(encoding="utf-8")


def test_every_name_of_the_package_is_there() -> None:
    assert sorted(client_sdk.__all__) == client_sdk.__all__
    for name in client_sdk.__all__:
        assert getattr(client_sdk, name) is not None
    assert set(importlib.import_module("client_sdk.models").__all__) <= set(client_sdk.__all__)
    assert set(importlib.import_module("client_sdk.errors").__all__) <= set(client_sdk.__all__)
    assert set(dir(client_sdk)) == set(client_sdk.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(client_sdk, "NoSuchName")


def test_everything_public_is_documented() -> None:
    for module in MODULES:
        loaded = importlib.import_module(module)
        assert loaded.__doc__
        for name in loaded.__all__:
            value = getattr(loaded, name)
            if isinstance(value, type) or callable(value):
                assert value.__doc__, f"{module}.{name}"


def test_every_field_of_a_public_value_is_explained() -> None:
    values = [value for name in client_sdk.__all__ if isinstance(value := getattr(client_sdk, name), type)]
    missing = [
        f"{value.__name__}.{field.name}"
        for value in values
        if dataclasses.is_dataclass(value)
        for field in dataclasses.fields(value)
        if not field.name.startswith("_")
        and not any(re.search(rf"^ +{field.name}: ", base.__doc__ or "", re.MULTILINE) for base in value.__mro__)
    ]
    assert missing == []


def test_the_sdk_loads_nothing_of_the_server() -> None:
    program = (
        "import sys, client_sdk\n"
        "for name in client_sdk.__all__: getattr(client_sdk, name)\n"
        "import client_sdk.testing, client_sdk.lending.files\n"
        "needed = ('registry_server', 'sqlalchemy', 'alembic', 'psycopg', 'pydantic', 'structlog')\n"
        "print([name for name in sys.modules if name.split('.')[0] in needed])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_the_kernel_loads_no_client() -> None:
    program = (
        "import sys, client_sdk.kernel.ledger.answer\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'grpc' or name == 'client_sdk.client'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
