"""A process that shows, withdraws and acknowledges records until it is killed; run by the tests of faults.

python -m tests.support.crashing_inbox URL FAULT COMMIT         dies at that commit
"""

from __future__ import annotations

import sys

from client_sdk.kernel.formats.words import Standing
from registry_server.sequencing.ledger import Ledger
from tests.support.faulty_database import Fault, FaultyDatabase
from tests.support.notices import acknowledgement, show, told
from tests.support.registers import register_of
from tests.support.registry_world import World, accept


def main(url: str, fault: str, at: str) -> None:
    """Report a record, show it, withdraw it, acknowledge the notice; then the next one."""
    world = World()
    with (
        FaultyDatabase(url, Fault(fault), int(at)) as database,
        Ledger.open(database, register_of(url), world.log_signer, world.clock) as ledger,
    ):
        number = 0
        while True:
            name = str(number)
            accept(ledger, world.report("lender-1", name))
            show(ledger, "lender-2", name, world.key("lender-1", name))
            accept(ledger, world.report("lender-1", name, Standing.WITHDRAWN))
            (notice,) = told(ledger, "lender-2")
            ledger.append([acknowledgement(ledger, "lender-2", *notice)]).result()
            number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
