"""Verbs that share their work with a Dask cluster: the same results, and words where it cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client_sdk.testing.ports import free_address
from tests.client_sdk.cli.command_samples import DIGEST, id_number, report_words
from tests.support.dask_cluster import dask_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.command import Command
    from tests.support.dask_cluster import DaskCluster

WHY = ("--purpose", "POST_LOAN_REVIEW", "--officer", "desk-1")
BASE = 60_000


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


@pytest.fixture
def portfolio(tmp_path: Path, number: int, lender: Command) -> Path:
    """Two customers of lender-2: listed by another, and by nobody."""
    lender(*report_words(BASE + number), "--yes", given=id_number(BASE + number))
    rows = [
        f"CN_RESIDENT_ID,{id_number(place)},{place},WRITTEN,2025-01-01,{DIGEST}"
        for place in (BASE + number, 2 * BASE + number)
    ]
    file = tmp_path / "portfolio.csv"
    file.write_text("\n".join(("id_type,id_number,reference,consent_form,consent_date,consent_digest", *rows, "")))
    return file


def test_an_audit_is_shared(
    member: Callable[[str], Command], cluster: DaskCluster, portfolio: Path, tmp_path: Path
) -> None:
    assert portfolio.exists()
    auditor = member("auditor")
    told = auditor("audit", "--state", str(tmp_path / "shared"), "--dask", cluster.address).content
    alone = auditor("audit", "--state", str(tmp_path / "alone"), "--jobs", "1").content
    assert told["clean"]
    assert told["signatures"] == alone["signatures"] > 0


def test_a_screening_is_shared_and_no_number_reaches_the_cluster(
    asker: Command, cluster: DaskCluster, portfolio: Path, number: int
) -> None:
    told = asker("screen", str(portfolio), *WHY, "--dask", cluster.address).content
    assert [row["finding"] for row in told["rows"]] == ["LISTED", "CLEAR"]
    seen = asker("watch", str(portfolio), *WHY, "--dask", cluster.address).content
    assert [change["change"] for change in seen["changes"]] == ["LISTED"]
    assert id_number(BASE + number) not in cluster.log.read_text()


def test_a_cluster_that_cannot_be_used_ends_the_verb_with_words(
    member: Callable[[str], Command], asker: Command, portfolio: Path
) -> None:
    auditor, nobody = member("auditor"), f"tcp://{free_address()}"
    assert auditor("audit", "--dask", nobody, code=5).reason == "EXECUTOR"
    assert asker("screen", str(portfolio), *WHY, "--dask", nobody, code=5).reason == "EXECUTOR"
    # Nothing was asked yet, so that there is nothing to resume.
    assert not portfolio.with_name("portfolio.csv.screening").exists()
    assert auditor("audit", "--dask", "tcp://10.0.0.7:8786", code=5).reason == "CONFIG"
    told = auditor.said("audit", "--dask", nobody, code=5).err
    assert f"EXECUTOR: the Dask scheduler at {nobody}: it does not answer (ConnectionRefusedError)" in told
    assert "run the same command again" in told
    assert "--dask and --jobs" in auditor.said("audit", "--dask", nobody, "--jobs", "2", code=2).err
