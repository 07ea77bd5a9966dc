"""The operator's checklist: licences, reviews, region, custody of keys, database, register, backup, clock and so on.

Each check looks for itself, so that one that fails hides no other. Nothing is changed; a server may be running. What
only counts where real persons are in the registry (setting ``production``) is a warning elsewhere.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from typing import TYPE_CHECKING

from cryptography import x509
from sqlalchemy import make_url, text

from client_sdk.kernel.formats.jurisdiction import CHINA
from client_sdk.kernel.formats.merkle import Frontier
from client_sdk.kernel.formats.witness_quorum import NO_QUORUM
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.kernel.ledger.onboarding import ReviewState
from client_sdk.kernel.ledger.replay_keys import idle_auditors
from client_sdk.kernel.rules.dates import day_of, months_later
from client_sdk.kernel.rules.licence import licence_fits
from client_sdk.models.examined import Examined, Grade
from registry_server.operating.backup import MAX_AGE_DAYS, MAX_AGE_MS
from registry_server.operating.backup.making import backups_in
from registry_server.operating.failures import text_of
from registry_server.operating.production import stored_abroad
from registry_server.operating.register import show_register
from registry_server.operating.tables import current_tables, wanted_tables
from registry_server.operating.witnesses import ask_witnesses, witnesses_of
from registry_server.sequencing.clock import MAX_STEP_MS, SystemClocks
from registry_server.sequencing.committed import open_trees
from registry_server.sequencing.errors import NoGenesisError
from registry_server.sequencing.recover import directory_of
from registry_server.serving.files import check_private
from registry_server.serving.postgresql import cluster_id
from registry_server.storage import head, lost
from registry_server.storage.errors import StorageError
from registry_server.storage.sqlite_file import SqliteFile
from registry_server.storage.unit_of_work import STANDBY_ANSWER_SECONDS, Database
from registry_server.usecases.replays import replayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.clock import Clocks
    from registry_server.settings import Settings
    from registry_server.storage.head import HeadRow

__all__ = ["Grade", "examine"]

_LEAST_LEVEL = 3
_ASSESSMENT_YEARS = 3
_DAY_SECONDS = 86_400
_BACKUP_DUE_SECONDS = 26 * 3_600
_BACKUP_LATE_SECONDS = 7 * _DAY_SECONDS
_CERTIFICATE_DAYS = 30
_AUTHORITY_DAYS = 365
# Longer ago than members take for lately unless they say otherwise.
_REPLAYED_HOURS = 24
_ROOM_LITTLE_BYTES = 10 * 1024**3
_ROOM_NONE_BYTES = 1024**3
# So many days before the end of a review another one is asked for.
_REVIEW_DAYS = 30
# Between two looks at a standby that is behind.
_LOOK_SECONDS = 0.02
_TERMINATED = InstitutionStatus.TERMINATED
# Settings of PostgreSQL without which an acknowledged commit may be lost, and the value that loses it.
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


def examine(settings: Settings, clocks: Clocks | None = None) -> list[Examined]:
    """Walk the checklist.

    Args:
        settings: of the registry.
        clocks: this machine's where none are given.
    """
    looking = _Looking(settings, clocks or SystemClocks())
    checks: dict[str, Callable[[], Iterator[Examined]]] = {
        "licence": looking.licence,
        "rulebook": looking.rulebook,
        "members": looking.members,
        "reviews": looking.reviews,
        "region": looking.region,
        "protection": looking.protection,
        "assessment": looking.assessment,
        "keys": looking.keys,
        "database": looking.database,
        "records": looking.records,
        "standby": looking.standby,
        "administrators": looking.administrators,
        "register": looking.register,
        "backup": looking.backup,
        "room": looking.room,
        "clock": looking.clock,
        "certificates": looking.certificates,
        "witnesses": looking.witnesses,
        "auditors": looking.auditors,
    }
    return [found for name, check in checks.items() for found in _examined(name, check)]


def _examined(name: str, check: Callable[[], Iterator[Examined]]) -> Iterator[Examined]:
    try:
        yield from check()
    except Exception as error:
        told = text_of(error)
        if told is None:
            raise
        yield Examined(
            name, Grade.FAIL, told, "this check could not be made: put right what it names, then run doctor again"
        )


class _Looking:
    """The checks, each yielding what it found."""

    def __init__(self, settings: Settings, clocks: Clocks) -> None:
        self._settings = settings
        self._clocks = clocks
        self._now_ms = clocks.wall()
        # What a registry with real persons must have, and another one should.
        self._missing = Grade.FAIL if settings.production else Grade.WARN

    def licence(self) -> Iterator[Examined]:
        number = self._settings.licence
        if number:
            yield Examined("licence", Grade.PASS, number)
        else:
            advice = "set licence; without one no personal credit reporting (征信业管理条例 Art. 6, 7)"
            yield Examined("licence", self._missing, "none", advice)

    def rulebook(self) -> Iterator[Examined]:
        days = self._directory().rulebook.review_days
        if self._settings.production and not days:
            advice = "act propose rulebook --set review_days=365: enrolments then need licence and review"
            yield Examined(
                "rulebook", Grade.FAIL, "review_days is 0: members are enrolled without licence and review", advice
            )
        elif days and not self._settings.production:
            advice = "set production: the registry does not start without it"
            yield Examined("rulebook", Grade.FAIL, f"review_days is {days}, and production is not set", advice)
        else:
            yield Examined("rulebook", Grade.PASS, f"review_days is {days}")

    def members(self) -> Iterator[Examined]:
        directory = self._directory()
        of = directory.rulebook.jurisdiction
        members = [state for state in directory.institutions.values() if state.status is not _TERMINATED]
        odd = sorted(state.id for state in members if not licence_fits(state.licence_number, of))
        if odd:
            advice = "no act changes a number: enrol each under a new institution id, with the number of its licence"
            yield Examined("members", self._missing, f"licence number of no known form: {', '.join(odd)}", advice)
        else:
            yield Examined("members", Grade.PASS, f"{len(members)} with a licence number of a known form")

    def reviews(self) -> Iterator[Examined]:
        directory = self._directory()
        standings = {id_: directory.review_standing(id_, self._now_ms) for id_ in sorted(directory.institutions)}
        advice = "review source, quality and security (征信业务管理办法 Art. 9), then act propose review"
        for state, words in ((ReviewState.MISSING, "missing"), (ReviewState.OVER, "too old")):
            if found := [id_ for id_, standing in standings.items() if standing.state is state]:
                yield Examined("reviews", self._missing, f"{words}: {', '.join(found)}", advice)
        current = [standing.until for standing in standings.values() if standing.state is ReviewState.CURRENT]
        today = day_of(self._now_ms, directory.rulebook.time_zone)
        if soon := [until for until in current if until is not None and (until - today).days < _REVIEW_DAYS]:
            yield Examined("reviews", Grade.WARN, f"{len(soon)} soon too old, the first on {min(soon)}", advice)
        else:
            yield Examined("reviews", Grade.PASS, f"{len(current)} current")

    def region(self) -> Iterator[Examined]:
        region, rulebook = self._settings.storage_region, self._directory().rulebook
        if not region:
            yield Examined("region", self._missing, "not said", "set storage_region to where all data is stored")
        elif stored_abroad(self._settings, rulebook):
            advice = "store and process data on persons in China there (征信业管理条例 Art. 24)"
            yield Examined("region", self._missing, f"{region}, under the rulebook of {rulebook.jurisdiction}", advice)
        else:
            yield Examined("region", Grade.PASS, region)

    def protection(self) -> Iterator[Examined]:
        level = self._settings.protection_level
        if level >= _LEAST_LEVEL:
            yield Examined("protection", Grade.PASS, f"level {level}")
        elif (of := self._directory().rulebook.jurisdiction) != CHINA:
            yield Examined("protection", Grade.PASS, f"not asked for under the rulebook of {of}")
        else:
            advice = f"have it assessed at level {_LEAST_LEVEL} or above (等级保护), and set protection_level"
            yield Examined("protection", self._missing, f"level {level}" if level else "not assessed", advice)

    def assessment(self) -> Iterator[Examined]:
        day = self._settings.impact_assessment_on
        advice = "assess the impact on the persons, keep the report for three years (个人信息保护法 Art. 55, 56)"
        if day is None:
            yield Examined("assessment", self._missing, "none", f"{advice}, and set impact_assessment_on")
            return
        today = day_of(self._now_ms, self._directory().rulebook.time_zone)
        if day > today:
            yield Examined("assessment", self._missing, f"{day.isoformat()}, in the future", advice)
        elif months_later(day, 12 * _ASSESSMENT_YEARS) <= today:
            yield Examined("assessment", self._missing, f"{day.isoformat()}, {_ASSESSMENT_YEARS} years ago", advice)
        else:
            yield Examined("assessment", Grade.PASS, day.isoformat())

    def keys(self) -> Iterator[Examined]:
        settings = self._settings
        paths = (settings.home, settings.log_key_file, settings.authority_folder / "key.pem")
        for path in paths:
            check_private(path)
        if settings.tls_folder.is_dir():
            check_private(settings.tls_folder / "key.pem")
        # One stolen disk would hold the key and everything that it signs.
        if self._beside_database(settings.log_key_file):
            advice = "keep log_key on an encrypted disk of its own, or have systemd bring it (LoadCredentialEncrypted=)"
            yield Examined("keys", Grade.WARN, "private, and on the disk of the database", advice)
        else:
            yield Examined("keys", Grade.PASS, "private")

    def database(self) -> Iterator[Examined]:
        found, want = current_tables(self._settings), wanted_tables()
        if found != want:
            yield Examined(
                "database", Grade.FAIL, f"tables {found or 'none'}, want {want}", "registry-server db upgrade"
            )
            return
        with Database(self._settings.database, serving=False) as database, database.snapshot() as work:
            on_postgresql = work.connection.dialect.name == "postgresql"
            off = (
                [name for name in _DURABLE if work.connection.execute(text(f"SHOW {name}")).scalar() == "off"]
                if on_postgresql
                else []
            )
        kind = "PostgreSQL" if on_postgresql else "SQLite"
        if off:
            advice = "turn it on: what was acknowledged must survive a loss of power"
            yield Examined("database", Grade.FAIL, f"{kind} with {', '.join(off)} off", advice)
        else:
            yield Examined("database", Grade.PASS, f"{kind}, tables {found}")

    def records(self) -> Iterator[Examined]:
        """Check that no record waits, after a restore, for its lender to give back whom it is about and its facts."""
        with Database(self._settings.database, serving=False) as database, database.snapshot() as work:
            waiting = Counter(issuer for _, issuer in lost.rows(work))
        if waiting:
            told = ", ".join(f"{issuer} {count}" for issuer, count in sorted(waiting.items()))
            advice = "each of them runs credit-registry records redisclose; until then no inquiry is answered"
            yield Examined("records", Grade.FAIL, f"a restore has lost persons and facts of records of {told}", advice)
        else:
            yield Examined("records", Grade.PASS, "a restore has left none without person and facts")

    def standby(self) -> Iterator[Examined]:
        url = self._settings.database_read_url.get_secret_value()
        if not url:
            yield Examined("standby", Grade.PASS, "none is read")
            return
        with (
            Database(self._settings.database, serving=False) as database,
            Database(url, serving=False, answer_seconds=STANDBY_ANSWER_SECONDS) as following,
        ):
            newest = _head_row(database)
            log, _ = open_trees(database, newest)
            try:
                shown = _caught_up(following, newest.size, self._settings.database_read_max_lag_seconds)
            except StorageError as error:
                advice = "see why it does not answer; until then the primary is read"
                yield Examined("standby", Grade.WARN, str(error), advice)
                return
        if shown.size > newest.size or Frontier.from_bytes(shown.frontier).root() != log.root_of(shown.size):
            advice = "it was promoted, or is of another log: make it anew from the primary; it is not read"
            yield Examined("standby", Grade.FAIL, "it holds another history than the primary", advice)
        elif shown.size < newest.size:
            age = (self._now_ms - shown.logged_at) / 1_000
            told = f"{newest.size - shown.size} leaves behind; its newest commit is {age:.0f} s old"
            yield Examined("standby", Grade.WARN, told, "see what holds it up; until then the primary is read")
        else:
            yield Examined("standby", Grade.PASS, "holds all that the primary does")

    def administrators(self) -> Iterator[Examined]:
        state = self._directory().state
        told = f"{state.threshold} of {len(state.administrators)} sign an act"
        if state.trial:
            yield Examined("administrators", self._missing, told, "found a registry with three administrators or more")
        else:
            yield Examined("administrators", Grade.PASS, told)

    def register(self) -> Iterator[Examined]:
        state = show_register(self._settings)
        if state.problem or state.mismatch is not None:
            told = state.problem or f"{state.mismatch}"
            yield Examined("register", Grade.FAIL, told, "registry-server register show, and docs/operating.md")
        elif (beside := self._beside_register()) is not None:
            advice = (
                "move it elsewhere (docs/operating.md): what loses one would take both, and an old copy would be served"
            )
            yield Examined("register", Grade.WARN, f"{state.place}, on the {beside} of the database", advice)
        else:
            yield Examined("register", Grade.PASS, state.place)

    def backup(self) -> Iterator[Examined]:
        settings = self._settings
        if settings.backup_folder:
            yield from self._backups(settings.home / settings.backup_folder)
            return
        if not settings.backup_marker:
            advice = "run registry-server backup make every day, and set backup_folder and backup_key"
            yield Examined("backup", self._missing, "neither backup_folder nor backup_marker is set", advice)
            return
        path = settings.home / settings.backup_marker
        if not path.exists():
            yield Examined("backup", Grade.FAIL, f"{path} is missing", "no backup has ended well yet: see why")
            return
        yield self._backed_up(path.stat().st_mtime)

    def _backups(self, folder: Path) -> Iterator[Examined]:
        found = backups_in(folder, self._settings.log_origin)
        if not found:
            yield Examined("backup", Grade.FAIL, f"{folder} holds none", "run registry-server backup make every day")
            return
        yield self._backed_up(found[-1][1].made_at_ms / 1_000)
        old = [path.name for path, header in found if self._now_ms - header.made_at_ms > MAX_AGE_MS]
        if old:
            advice = f"remove what is older than {MAX_AGE_DAYS} days: what was erased since is still in it"
            yield Examined("backup", Grade.FAIL, f"{len(old)} too old, such as {old[0]}", advice)

    def _backed_up(self, ended: float) -> Examined:
        """Grade the newest backup by when it ended, seconds since 1970 UTC."""
        age = self._now_ms / 1_000 - ended
        told = f"ended {age / 3_600:.0f} hours ago"
        if age < -MAX_STEP_MS / 1_000:
            advice = "set the clock right, and back up again"
            return Examined("backup", Grade.FAIL, f"ends in {-age / 3_600:.1f} hours", advice)
        if age < _BACKUP_DUE_SECONDS:
            return Examined("backup", Grade.PASS, told)
        grade = Grade.WARN if age < _BACKUP_LATE_SECONDS else Grade.FAIL
        return Examined("backup", grade, told, "back up every day: see why it did not")

    def room(self) -> Iterator[Examined]:
        free = shutil.disk_usage(self._settings.home).free
        told = f"{free / 1024**3:,.1f} GiB free"
        if free >= _ROOM_LITTLE_BYTES:
            yield Examined("room", Grade.PASS, told)
        else:
            grade = Grade.WARN if free >= _ROOM_NONE_BYTES else Grade.FAIL
            yield Examined("room", grade, told, "make room: on a full disk nothing is acknowledged")

    def clock(self) -> Iterator[Examined]:
        with Database(self._settings.database, serving=False) as database, database.snapshot() as work:
            row = head.read(work)
        if row is None:
            raise NoGenesisError
        ahead = row.logged_at - self._now_ms
        if ahead > MAX_STEP_MS:
            told = f"the newest leaf is {ahead // 1000:,} s ahead of this machine's clock"
            yield Examined("clock", Grade.FAIL, told, "set the clock right; docs/operating.md tells the rest")
        elif self._clocks.synchronised() is None:
            advice = "run time synchronisation (chrony, systemd-timesyncd)"
            yield Examined("clock", Grade.WARN, "the kernel does not say that it is synchronised", advice)
        else:
            yield Examined("clock", Grade.PASS, "synchronised")

    def certificates(self) -> Iterator[Examined]:
        files = {"authority": (self._settings.public_folder / "ca.pem", _AUTHORITY_DAYS)}
        if self._settings.tls_folder.is_dir():
            # The server makes it, and renews it a month before its end.
            files["server"] = (self._settings.tls_folder / "certificate.pem", _CERTIFICATE_DAYS)
        for name, (path, least) in files.items():
            days = self._days_left(path)
            told = f"that of the {name} ends in {days:,.0f} days"
            if days >= least:
                yield Examined("certificates", Grade.PASS, told)
            else:
                grade = Grade.WARN if days > 0 else Grade.FAIL
                yield Examined("certificates", grade, told, "docs/operating.md, Certificates")

    def witnesses(self) -> Iterator[Examined]:
        named, demanded = witnesses_of(self._settings), self._directory().rulebook.quorum
        fed = set() if named is None else {each.key for each in named.policy.witnesses if each.url}
        if demanded is not None and not demanded.is_met(fed):
            advice = "name the rulebook's witnesses with their URLs in witness_policy (docs/operating.md, Witnesses)"
            yield Examined("witnesses", Grade.FAIL, "the quorum that the rulebook demands is never gathered", advice)
        elif named is None or named.policy.quorum == NO_QUORUM:
            advice = "set witness_policy (docs/operating.md, Witnesses); until then credit-registry compare"
            yield Examined("witnesses", Grade.WARN, "no cosignature is asked for", advice)
        else:
            yield from self._asked()

    def _asked(self) -> Iterator[Examined]:
        """Ask each witness of the policy what it has cosigned."""
        with Database(self._settings.database, serving=False) as database:
            before = _head_row(database)
            signed = bool(before.checkpoint)
            asked = ask_witnesses(self._settings, before.checkpoint_size, before.checkpoint) if signed else ()
            # Meanwhile a server may have gone on.
            newest = _head_row(database)
        if not asked:
            yield Examined("witnesses", Grade.PASS, "nothing is signed yet that they could cosign")
        for each in asked:
            told = f"{each.name}: {each.problem or f'{each.size} of {newest.size} leaves'}"
            if each.size > newest.size:
                advice = (
                    "database and register are older than what was signed: docs/operating.md, When the disk is lost"
                )
                yield Examined("witnesses", Grade.FAIL, told, advice)
            elif each.problem:
                yield Examined("witnesses", Grade.WARN, told, "ask its operator; the others must make up the quorum")
            else:
                yield Examined("witnesses", Grade.PASS, told)

    def auditors(self) -> Iterator[Examined]:
        """Check that auditors rebuild the log, and lately: else each CLEAR says NOT REPLAYED."""
        with Database(self._settings.database, serving=False) as database, database.snapshot() as work:
            row = head.read(work)
            if row is None:
                raise NoGenesisError
            directory = directory_of(work, row)
            found, size = replayed(work, directory), row.size
        quorum, idle = directory.rulebook.replaying, idle_auditors(directory)
        advice = "docs/operating.md, Auditors that rebuild the log"
        if quorum is None:
            yield Examined("auditors", Grade.WARN, "the rulebook names none that rebuild the log", advice)
        elif not quorum.is_met([each.key for each in quorum.witnesses if each.key not in idle]):
            told = "too few of those that the rulebook names are active auditors"
            yield Examined("auditors", Grade.FAIL, told, "name others by an act, or activate them again")
        elif found is None:
            yield Examined("auditors", Grade.FAIL, "too few have rebuilt the log and cosigned it", advice)
        else:
            hours = (self._clocks.wall() / 1000 - found.at) / 3600
            told = f"the first {found.size} of {size} leaves were rebuilt, begun {max(hours, 0):.1f} hours ago"
            if hours <= _REPLAYED_HOURS:
                yield Examined("auditors", Grade.PASS, told)
            else:
                yield Examined("auditors", Grade.FAIL, told, f"ask the auditors what they have found; {advice}")

    def _directory(self) -> Directory:
        with Database(self._settings.database, serving=False) as database:
            row = _head_row(database)
            with database.snapshot() as work:
                return directory_of(work, row)

    def _beside_database(self, path: Path) -> bool:
        """Return whether a file lies on the disk of the database; False where it is PostgreSQL, which names none."""
        file = SqliteFile.of(make_url(self._settings.database))
        return file is not None and path.parent.stat().st_dev == file.path.stat().st_dev

    def _beside_register(self) -> str | None:
        """Return what the checkpoint register shares with the database, its disk or its server; None for nothing."""
        url = self._settings.register_url.get_secret_value()
        if not url:
            return "disk" if self._beside_database(self._settings.register_path) else None
        if (file := SqliteFile.of(make_url(url))) is not None:
            return "disk" if self._beside_database(file.path) else None
        if SqliteFile.of(make_url(self._settings.database)) is not None:
            return None
        known = cluster_id(make_url(url))
        return "server" if known is not None and known == cluster_id(make_url(self._settings.database)) else None

    def _days_left(self, path: Path) -> float:
        try:
            (certificate, *_) = x509.load_pem_x509_certificates(path.read_bytes())
        except ValueError:
            raise RuntimeError(f"{path} holds no certificate") from None
        return (certificate.not_valid_after_utc.timestamp() - self._now_ms / 1000) / _DAY_SECONDS


def _head_row(database: Database) -> HeadRow:
    with database.snapshot() as work:
        row = head.read(work)
    if row is None:
        raise NoGenesisError
    return row


def _caught_up(following: Database, size: int, patience: float) -> HeadRow:
    """Return what a standby shows once it has so many leaves, or at the end of as long as a call waits for it."""
    end = time.monotonic() + patience
    while (row := _head_row(following)).size < size and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)
    return row
