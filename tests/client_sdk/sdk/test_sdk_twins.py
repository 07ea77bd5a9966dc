"""``Client`` and ``AsyncClient`` offer the same, and hold no logic in which they could differ."""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import shutil
import sys
import threading
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import AsyncClient, Client
from client_sdk._transport.watched import WatchedChannel
from client_sdk._transport.watched_aio import WatchedAioChannel
from client_sdk.config import ClientConfig
from client_sdk.errors import ConfigError
from client_sdk.models import Purpose, Verdict, written_consent
from tests.client_sdk.sdk_samples import history, person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from client_sdk.models import DefaultReport
    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
# What differs because one blocks and the other does not.
RESULTS = {"Iterator": "AsyncIterator"}
DECIDING = (
    ast.If,
    ast.IfExp,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Try,
    ast.With,
    ast.AsyncWith,
    ast.Match,
    ast.BoolOp,
)


def methods(kind: type) -> dict[str, Callable[..., object]]:
    return {
        name: member
        for name, member in inspect.getmembers(
            kind, lambda member: inspect.isfunction(member) or inspect.ismethod(member)
        )
        if not name.startswith("_")
    }


def signature(method: Callable[..., object]) -> tuple[list[str], str]:
    found = inspect.signature(method)
    result = str(found.return_annotation).partition("[")
    return [str(parameter) for parameter in found.parameters.values()], RESULTS.get(result[0], result[0]) + result[2]


def first_line(method: Callable[..., object]) -> str:
    return (inspect.getdoc(method) or "").partition("\n")[0]


def classes_of(kind: type) -> Iterator[ast.ClassDef]:
    """A client and the classes that it is composed of, as they are written."""
    for one in kind.__mro__[:-1]:
        tree = ast.parse(inspect.getsource(sys.modules[one.__module__]))
        yield next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == one.__name__)


def bodies(kind: type) -> Iterator[tuple[str, list[ast.stmt]]]:
    """The methods of a client with what they do, which is what stands after the docstring."""
    for found in classes_of(kind):
        for node in found.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                documented = ast.get_docstring(node) is not None
                yield node.name, node.body[1:] if documented else node.body


def flow_of(statement: ast.stmt) -> str:
    """The flow that a method runs, as it is written; the statement itself where it runs none."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("self._run", "self._each", "run", "run_async"):
            return ", ".join(map(ast.unparse, node.args))
    return ast.unparse(statement)


def test_both_clients_offer_the_same_methods() -> None:
    assert methods(Client).keys() == methods(AsyncClient).keys()
    assert len(methods(Client)) > 25


@pytest.mark.parametrize("name", methods(Client))
def test_a_method_takes_and_returns_the_same_in_both(name: str) -> None:
    assert signature(methods(AsyncClient)[name]) == signature(methods(Client)[name])


@pytest.mark.parametrize("name", sorted(set(methods(Client)) - {"close"}))
def test_a_method_is_described_alike_in_both(name: str) -> None:
    assert first_line(methods(AsyncClient)[name]) == first_line(methods(Client)[name])


def test_a_method_runs_the_same_flow_in_both() -> None:
    """And so does and raises the same."""
    blocking, asyncio = (
        {name: [flow_of(statement) for statement in body] for name, body in bodies(kind)}
        for kind in (Client, AsyncClient)
    )
    public = {name for name in blocking if not name.startswith("_")}
    assert {name: asyncio[name] for name in public} == {name: blocking[name] for name in public}
    assert all("self._member." in flow for name in public - {"from_home", "from_env"} for flow in blocking[name])


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_client_holds_no_logic(kind: type) -> None:
    for name, body in bodies(kind):
        assert len(body) == 1 or name in ("__init__", "__enter__", "__aenter__"), name
    written = [node for found in classes_of(kind) for node in ast.walk(found)]
    assert [ast.unparse(node) for node in written if isinstance(node, DECIDING)] == []


def open_channels() -> set[int]:
    return {
        id(found)
        for found in gc.get_objects()
        if isinstance(found, WatchedChannel | WatchedAioChannel) and not found._owner._closed
    }


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_client_that_cannot_be_made_leaves_nothing_open(
    registry: TestRegistry, tmp_path: Path, kind: type[Client | AsyncClient]
) -> None:
    """Here because the directory that its home has kept is damaged."""
    home = tmp_path / "lender-1"
    shutil.copytree(registry.home("lender-1"), home)
    config = ClientConfig.from_home(home)
    config.state_folder.mkdir(exist_ok=True)
    (config.state_folder / "directory").write_bytes(b"damaged")
    opened = open_channels()
    with pytest.raises(ConfigError, match="damaged"):
        kind(config)
    assert open_channels() <= opened


async def test_a_portfolio_is_read_beside_the_loop_and_its_progress_told_in_it(registry: TestRegistry) -> None:
    threads: set[int] = set()
    told: list[int] = []

    def rows() -> Iterator[DefaultReport]:
        threads.add(threading.get_ident())
        yield from history(61_001)

    async with AsyncClient(registry.config("lender-1")) as opened:
        done = await opened.report_many(rows(), lambda _: told.append(threading.get_ident()))
        assert (done.accepted, done.rejected) == (len(history(61_001)), ())
        again = await opened.report_many(rows())
    assert again.repeated == len(history(61_001))
    assert threading.get_ident() not in threads
    assert set(told) == {threading.get_ident()}


async def test_portfolios_and_questions_of_one_client_go_on_at_once(registry: TestRegistry) -> None:
    """A portfolio whose rows have not all come holds up nothing else of the same client."""
    first, later = history(61_101)[:1], history(61_101)[1:]
    checked = threading.Event()

    def rows() -> Iterator[DefaultReport]:
        yield from first
        assert checked.wait(60)
        yield from later

    async with AsyncClient(registry.config("lender-1")) as opened:
        reporting = asyncio.create_task(opened.report_many(rows()))
        answer = await opened.check(person(61_102), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        assert answer.verdict is Verdict.CLEAR
        assert not reporting.done()
        checked.set()
        assert (await reporting).accepted == len(first) + len(later)
