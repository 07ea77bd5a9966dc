"""Kills programs at random under load: python -m tests.torture --kills COUNT [--database sqlite|postgresql]

Registry, database, key services, witnesses and lenders are ended by signal 9, one after the other, while four lenders
report and ask; each is started again. At the end what the lenders were told is compared with what is stored, which is
verified whole. The last line is JSON:

    {"kills": 1000, "acknowledged": 31415, "lost": 0, "doubled": 0, "forks": 0, "seconds": 1234}
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.torture.site import LENDERS, TorturedSite
from tests.torture.verdict import Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.torture.journal import Journal

__all__ = ["torture"]

# Seconds: between two kills, and until what was killed is started again.
_BETWEEN, _AWAY = (0.05, 0.8), (0.0, 0.4)
# In this time a lender gets something acknowledged after a kill, however slow the machine.
_PROGRESS_SECONDS = 120.0
_LOOK = 0.05
# The registry and its database are killed more often than the others.
_OFTEN = ("registry", "database")


def torture(folder: Path, kills: int, database: str, seed: int) -> Verdict:
    """Kill so many times; return what was found.

    Raises:
        RuntimeError: nothing is acknowledged any more, or a lender does not come to an end.
        ConfigError: a program has ended by itself.
    """
    random = Random(seed)
    with TorturedSite(folder, database) as site:
        victims = [name for name in site.victims for _ in range(3 if name in _OFTEN else 1)]
        counted: Counter[str] = Counter()
        journals = [site.journal(lender) for lender in LENDERS]
        for _ in range(kills):
            time.sleep(random.uniform(*_BETWEEN))
            # What a kill would hide.
            site.check()
            victim = random.choice(victims)
            before = _acknowledged(journals)
            site.kill(victim)
            time.sleep(random.uniform(*_AWAY))
            site.start(victim)
            counted[victim] += 1
            _await_progress(site, journals, before)
        print(", ".join(f"{name} {count}" for name, count in counted.most_common()))
        site.check()
        site.finish()
        return verdict(site)


def _acknowledged(journals: Sequence[Journal]) -> int:
    for journal in journals:
        journal.refresh()
    return sum(len(journal.acknowledged) for journal in journals)


def _await_progress(site: TorturedSite, journals: Sequence[Journal], before: int) -> None:
    deadline = time.monotonic() + _PROGRESS_SECONDS
    while _acknowledged(journals) == before:
        site.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing was acknowledged for {_PROGRESS_SECONDS:.0f} s; see {site.folder}")
        time.sleep(_LOOK)


def main() -> None:
    """Torture, print, and end with 1 where something is wrong; what is wrong is kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("--kills", type=int, default=20, help="how many programs are killed")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn at random")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    started = time.monotonic()
    found = torture(folder / "all", given.kills, given.database, given.seed)
    for what in found.other:
        print(what)
    if found.fine:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"see {folder}")
    told = {name: getattr(found, name) for name in ("acknowledged", "lost", "doubled", "forks")}
    print(json.dumps({"kills": given.kills, **told, "seconds": round(time.monotonic() - started)}))
    sys.exit(not found.fine)


if __name__ == "__main__":
    main()
