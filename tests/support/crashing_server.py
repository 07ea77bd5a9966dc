"""A process that appends until it is killed, and says what was acknowledged; run by the tests of faults.

python -m tests.support.crashing_server URL FAULT COMMIT        dies at that commit
python -m tests.support.crashing_server URL none 0              appends until somebody kills it
"""

from __future__ import annotations

import sys

from registry_server.sequencing.ledger import Ledger
from registry_server.storage.unit_of_work import Database
from tests.support.faulty_database import Fault, FaultyDatabase
from tests.support.registers import register_of
from tests.support.registry_world import World, submit


def main(url: str, fault: str, at: str) -> None:
    """Report records named 0, 1, 2 and so on, each with its cure, in batches that grow and shrink."""
    world = World()
    database = Database(url) if fault == "none" else FaultyDatabase(url, Fault(fault), int(at))
    with database, Ledger.open(database, register_of(url), world.log_signer, world.clock) as ledger:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        number = 0
        while True:
            names = [str(number + offset) for offset in range(1 + number % 7)]
            number += len(names)
            batch = [world.report("lender-1", name) for name in names]
            done = submit(ledger, *batch)
            for name, record in zip(names, done.records, strict=True):
                if record.place is None:
                    raise SystemExit(str(record.refusal))
                sys.stdout.write(f"{name} {record.place.leaf_index}\n")
            sys.stdout.flush()
            ledger.record_inquiries([world.inquiry("lender-1", str(number))]).result()


if __name__ == "__main__":
    main(*sys.argv[1:])
