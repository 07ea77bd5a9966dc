"""A registry whose disk is lost: a backup of it, the register, and a copy of its log."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import Standing
from registry_server.operating.backup.keys import make_keys
from registry_server.operating.backup.making import make_backup
from registry_server.operating.tiles import export
from registry_server.storage.unit_of_work import Database
from tests.conftest import postgres_database
from tests.support.closing_home import ClosingHome
from tests.support.needles import Needles
from tests.support.registers import ORIGIN, register_of, register_path
from tests.support.registry_world import accept, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from registry_server.operating.backup.making import MadeBackup
    from registry_server.settings import Settings
    from tests.conftest import DatabaseKind


ERASED = "person of erased"


class Lost:
    """A registry whose disk is lost, a backup of it, the register, and a copy of its log."""

    def __init__(self, folder: Path, url: str) -> None:
        self.home = ClosingHome(folder, url)
        self.world = world = self.home.world
        self.secret, self.public = make_keys(folder / "backup-key", None)
        self.copy = folder / "copy"
        self.url = url
        with self.home.ledger() as ledger:
            accept(ledger, world.report("lender-1", "kept"), world.report("lender-1", "erased", person=ERASED))
            accept(ledger, world.report("lender-2", "cured"))
            ledger.record_inquiries([world.inquiry("lender-2", "waits", opening=b"")]).result()
        self.backup: MadeBackup = make_backup(self.home.settings, folder / "backups", self.public)
        self.needles = Needles()
        self.needles.add("pseudonym", subject_of(ERASED))
        self.needles.add("opening", world.newest[world.key("lender-1", "erased")].opening)
        with self.home.ledger() as ledger:
            world.erase(ledger, world.key("lender-1", "erased"))
            accept(ledger, world.report("lender-2", "cured", Standing.WITHDRAWN))
            self.copy_log()
            with ledger.view() as view:
                self.size, self.root = view.size, view.root_of(view.size)

    def copy_log(self) -> None:
        """Export the log up to its newest leaf."""
        with Database(self.url, serving=False) as database:
            export(database, register_of(self.url), self.world.log_signer, ORIGIN, self.copy)

    def settings_for(self, url: str) -> Settings:
        """The registry's folder, with another database and what is left of the register."""
        settings = self.home.settings
        file = self.home.home / "registry.toml"
        file.write_text(file.read_text().replace(json.dumps(self.url), json.dumps(url)))
        held, other = register_path(self.url), register_path(url)
        if other != held:
            other.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(held, other)
            file.write_text(file.read_text().replace(str(held), str(other)))
        assert self.home.settings.database != settings.database
        self.url = url
        return self.home.settings


@contextmanager
def new_database(kind: DatabaseKind, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'new.sqlite'}"
        return
    with postgres_database(request.getfixturevalue("postgres_url")) as url:
        yield url
