"""``registry-server restore`` and ``refill``: a backup into an empty database, and the leaves signed after it."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from registry_server.cli.backup import PassphraseFile  # noqa: TC001 - Typer reads the annotations
from registry_server.cli.options import AsJson, DatabaseUrl, Home, settings_of
from registry_server.cli.register import tell_witnesses

if TYPE_CHECKING:
    from registry_server.operating.repair import Repaired
    from registry_server.operating.standing import DatabaseStanding

__all__ = ["refill", "restore"]


def restore(
    home: Home,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.", exists=True, dir_okay=False)],
    key: Annotated[Path, typer.Option(metavar="FILE", help="Secret key of backups.", exists=True, dir_okay=False)],
    passphrase_file: PassphraseFile = None,
    database_url: DatabaseUrl = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Fill an empty database from a backup, verify it, and tell what is missing; exit code 1 if anything is."""
    from registry_server.operating.backup import restoring  # noqa: PLC0415 - loads SQLAlchemy

    standing = restoring.restore(settings_of(home, database_url), file, key, passphrase_file)
    if as_json:
        typer.echo(json.dumps(_standing(standing)))
    else:
        typer.echo(f"{standing.register.size} leaves restored, and everything verified")
        _tell_standing(standing)
    if not standing.may_be_served:
        raise typer.Exit(1)


def refill(
    home: Home,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A copy of the log: of `tiles export` with leaves, or of an audit.")
    ],
    database_url: DatabaseUrl = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add the leaves that a restored database lacks, and erase what they erase; exit code 1 if more is missing."""
    from registry_server.operating.backup import refilling  # noqa: PLC0415 - loads SQLAlchemy
    from registry_server.operating.standing import standing_of  # noqa: PLC0415 - loads SQLAlchemy

    settings = settings_of(home, database_url)
    done = refilling.refill(settings, folder)
    standing, repaired = standing_of(settings), done.repaired
    if as_json:
        counts = {"leaves": done.leaves, "inquiries": done.inquiries}
        typer.echo(json.dumps({**counts, **repaired._asdict(), **_standing(standing)}))
    else:
        typer.echo(f"{done.leaves} leaves and {done.inquiries} inquiries added")
        _tell_lost(repaired)
        _tell_standing(standing)
    if repaired.lost or not standing.may_be_served:
        raise typer.Exit(1)


def _standing(standing: DatabaseStanding) -> dict[str, object]:
    state = standing.register
    return {
        "size": state.size,
        "root": state.root.hex(),
        "registered": None if state.held is None else state.held.size,
        "mismatch": state.mismatch,
        "problem": state.problem,
        "missing": standing.missing,
        "witnesses": [witness._asdict() for witness in standing.witnesses],
        "may_be_served": standing.may_be_served,
    }


def _tell_standing(standing: DatabaseStanding) -> None:
    state = standing.register
    held = state.problem or ("none" if state.held is None else f"{state.held.size} leaves")
    typer.echo(f"register {state.place}: {held}")
    tell_witnesses(standing.witnesses)
    if standing.missing is not None:
        first, end = standing.missing
        typer.echo(f"leaves {first} to {end - 1} are missing: registry-server refill DIR, from a copy of the log")
        for witness in standing.beyond_register:
            typer.echo(
                f"the register has not seen them, witness {witness.name} says that it has cosigned them: if no copy of "
                f"the log has them, and the witness is wrong, registry-server register reset --confirm "
                f"{state.confirmation}"
            )
    elif standing.may_be_served:
        typer.echo("the database begins with what was signed last")
    else:
        typer.echo(f"{state.mismatch or 'REGISTER'}: not served; see registry-server register reset, which only tells")


def _tell_lost(repaired: Repaired) -> None:
    for issuer, indexes in repaired.lost.items():
        typer.echo(
            f"{issuer}: persons and facts of its records are lost, {len(indexes)} from leaf {indexes[0]} to "
            f"{indexes[-1]}: it gives them back by credit-registry records redisclose"
        )
    for index in repaired.lost_texts:
        typer.echo(f"leaf {index}: the text of this annotation is lost")
