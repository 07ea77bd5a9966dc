"""A registry on a cluster of databases, and everything that it has to bear: python -m tests.cluster [--rounds COUNT]

Starts on this machine what deploy/ describes: three etcd, three PostgreSQL under Patroni, HAProxy, PgBouncer, two
processes of the registry, two key services. Four lenders report and ask while machines, programs and the disk are lost,
each kind so many times; a report whose answer was lost is sent again as it was. At the end what the lenders were told
is compared with what is stored, which is verified whole. The last line is JSON:

    {"kills": {"node": 5, ...}, "acknowledged": 4711, "ambiguous": 12, "lost": 0, "doubled": 0, "forks": 0,
     "gaps": {"calm": [0.6], "node": [23.1, ...], ...}, "seconds": 1700}

Gaps are seconds in which one lender, the one that waited longest, got nothing acknowledged.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.cluster.databases import PROGRAMS
from tests.cluster.events import CALM, EVENTS
from tests.cluster.gaps import longest_gap
from tests.cluster.namespaces import run_apart
from tests.cluster.site import LENDERS, REGISTRIES, ClusterSite
from tests.cluster.waiting import wait_for
from tests.torture.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.cluster.events import Event
    from tests.torture.journal import Journal

__all__ = ["kinds"]

# Where Debian puts what these packages hold.
_PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
_POSTGRESQL = Path("/usr/lib/postgresql")
# Bytes that must be free in memory and on the disk, where the disk of the cluster and the rest lie.
_ROOM = 4 * 2**30
# After an event all is well again in this time, however slow the machine.
_SETTLED_SECONDS = 180.0
# A run of all kinds shows something about lost answers from so many of them on.
_LEAST_AMBIGUOUS = 5


def main() -> None:
    """Check what is needed, and run in namespaces that take everything with them when they end."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster")
    parser.add_argument("--rounds", type=int, default=1, help="how often each kind of event happens")
    parser.add_argument("--kinds", type=kinds, default=list(EVENTS), help=f"which, with commas: {', '.join(EVENTS)}")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn at random")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside is not None:
        sys.exit(_run(given.inside, given.rounds, given.kinds, given.seed))
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program, path=_PATHS) is None]
    if not list(_POSTGRESQL.glob("*/bin/postgres")):
        missing.append("postgresql")
    if missing:
        parser.error(f"not on this machine: {', '.join(missing)} (packages of Debian)")
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    if shutil.disk_usage(folder).free < _ROOM or _free_memory() < _ROOM:
        parser.error(f"less than {_ROOM // 2**30} GiB of memory or of {folder.parent} are free")
    # What the lenders write is read by nobody else.
    folder.chmod(0o711)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    words = (sys.executable, "-m", "tests.cluster", "--inside", str(folder), *sys.argv[1:])
    code = 1
    try:
        code = run_apart(words)
    except RuntimeError as error:
        code = 0
        parser.error(str(error))
    except KeyboardInterrupt:
        code = 0
        sys.exit(130)
    finally:
        if code == 0:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"see {folder}", file=sys.stderr)
    sys.exit(code)


def kinds(words: str) -> list[str]:
    """Return the kinds of events that an option names, with commas between.

    Raises:
        ArgumentTypeError: there is no such kind.
    """
    named = words.split(",")
    if unknown := [kind for kind in named if kind not in EVENTS]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: want some of {', '.join(EVENTS)}")
    return named


def _free_memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _run(folder: Path, rounds: int, named: Sequence[str], seed: int) -> int:
    """Run it all; return the exit code: 0 where nothing is wrong."""
    random = Random(seed)
    started = time.monotonic()
    gaps: dict[str, list[float]] = {}
    with ClusterSite(folder) as site:
        journals = [site.journal(lender) for lender in LENDERS]
        # Twice: whatever is slow the first time is over.
        _settle(site, journals)
        _settle(site, journals)
        print(f"started in {time.monotonic() - started:.0f} s", flush=True)
        # One kind after the other in each round: no kind sees a younger cluster than the others.
        for event in (CALM, *(EVENTS[kind] for _ in range(rounds) for kind in named)):
            gap = _bear(site, journals, event, random)
            gaps.setdefault(event.name, []).append(gap)
            print(f"{event.name}: {gap:.1f} s", flush=True)
        site.finish()
        found = verdict(site)
    for what in found.other:
        print(what)
    told = {name: getattr(found, name) for name in ("acknowledged", "ambiguous", "lost", "doubled", "forks")}
    kills = dict.fromkeys(named, rounds)
    enough = found.ambiguous >= _LEAST_AMBIGUOUS or set(named) != set(EVENTS)
    if not enough:
        print(f"this run does not count: {found.ambiguous} answers were lost, fewer than {_LEAST_AMBIGUOUS}")
    seconds = round(time.monotonic() - started)
    print(json.dumps({"kills": kills, **told, "gaps": gaps, "seconds": seconds}), flush=True)
    return int(not found.fine or not enough)


def _bear(site: ClusterSite, journals: Sequence[Journal], event: Event, random: Random) -> float:
    """Let an event happen, wait until all is well; return the longest gap of a lender, in seconds."""
    since = time.time()
    event.happen(site, random)
    _settle(site, journals)
    return round(max(longest_gap(journal.times, since) for journal in journals), 1)


def _settle(site: ClusterSite, journals: Sequence[Journal]) -> None:
    """Wait until everything runs and every lender gets on, with no hand laid on it.

    Raises:
        TimeoutError: it does not in time.
        ConfigError: a program of ours has ended by itself.
    """
    deadline = _SETTLED_SECONDS
    for name in REGISTRIES:
        wait_for(partial(site.is_ready, name), f"{name} is not ready", deadline)
    since = time.time()

    def all_get_on() -> bool:
        site.check()
        for journal in journals:
            journal.refresh()
        return all(journal.times and journal.times[-1] > since for journal in journals)

    wait_for(all_get_on, "a lender gets nothing acknowledged", deadline)
    # Last: after a full disk etcd still tells for seconds what was so before, and a primary has named no standby yet.
    wait_for(lambda: site.databases.health().whole, "the databases are not whole", deadline)


if __name__ == "__main__":
    main()
