"""The plain alternative: FastAPI, SQLAlchemy, one table; verify, one INSERT and one durable commit each.

It stores facts in clear, proves nothing and trusts its operator. It is meant to be a fair one: prepared statements,
write-ahead log, one connection a worker thread, keys loaded once.
"""

from __future__ import annotations

import base64
import os
import sys
from typing import Any

import sqlalchemy as sa
import uvicorn
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

metadata = sa.MetaData()
records = sa.Table(
    "records",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("issuer", sa.String(64), nullable=False),
    sa.Column("record_id", sa.LargeBinary(16), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("subject", sa.LargeBinary(32), nullable=False, index=True),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.LargeBinary(64), nullable=False),
    sa.UniqueConstraint("issuer", "record_id", "version"),
)


class Report(BaseModel):
    """One record; binary values in base64."""

    issuer: str
    record_id: str
    version: int
    subject: str
    payload: str
    signature: str


def build(url: str, keys: dict[str, Ed25519PublicKey]) -> FastAPI:
    """Return the application over one database."""
    engine = sa.create_engine(url)

    @sa.event.listens_for(engine, "connect")
    def durable(connection: Any, _: object) -> None:
        if engine.dialect.name == "sqlite":
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA busy_timeout=10000")

    metadata.create_all(engine)
    app = FastAPI()
    insert = records.insert()
    select = sa.select(records.c.issuer, records.c.version, records.c.payload, records.c.signature)

    @app.post("/records")
    def report(item: Report) -> dict[str, bool]:
        payload, signature = base64.b64decode(item.payload), base64.b64decode(item.signature)
        try:
            keys[item.issuer].verify(signature, payload)
        except (InvalidSignature, KeyError) as error:
            raise HTTPException(403) from error
        row = {
            "issuer": item.issuer,
            "record_id": base64.b64decode(item.record_id),
            "version": item.version,
            "subject": base64.b64decode(item.subject),
            "payload": payload,
            "signature": signature,
        }
        with engine.begin() as connection:
            connection.execute(insert, row)
        return {"stored": True}

    @app.get("/subjects/{subject}")
    def ask(subject: str) -> dict[str, list[dict[str, str | int]]]:
        with engine.connect() as connection:
            rows = connection.execute(select.where(records.c.subject == bytes.fromhex(subject))).all()
        return {
            "records": [
                {
                    "issuer": row.issuer,
                    "version": row.version,
                    "payload": base64.b64encode(row.payload).decode(),
                    "signature": base64.b64encode(row.signature).decode(),
                }
                for row in rows
            ]
        }

    return app


def main() -> None:
    """Serve: database URL, port, then ``issuer=hex key`` for each lender."""
    url, port, *issuers = sys.argv[1:]
    keys = {}
    for issuer in issuers:
        name, _, key = issuer.partition("=")
        keys[name] = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    os.environ.pop("http_proxy", None)
    uvicorn.run(build(url, keys), host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
