"""A witness: cosigns the checkpoints of logs, each of which extends all that it has cosigned of that log before.

    folder      WitnessFolder: settings, key and rows of a witness
    witness     Witness: decides about one request (C2SP tlog-witness)
    rows        LogRows: what was cosigned last, one durable row a log
    serving     the witness over HTTPS

Two readers of a log who demand the cosignature of one witness see the same log. A witness reads nothing but sizes and
hashes, so it may be run by anyone.
"""

from client_sdk.witness.folder import WitnessFolder, WitnessSettings
from client_sdk.witness.rows import LogRow
from client_sdk.witness.serving import serve_witness
from client_sdk.witness.witness import Witness

__all__ = ["LogRow", "Witness", "WitnessFolder", "WitnessSettings", "serve_witness"]
