"""The desk's HTTP API: what the SDK does for Python, as JSON for systems that speak none (docs/http-api.md).

A program comes with a bearer token (``tokens``), and never with a session: the gate (``gate``) looks at the token,
holds the request to the limits of its token, and answers the same idempotency key in the same way. Behind it is one
module a topic, whose functions FastAPI calls in threads, as the client of the SDK blocks. Each act is in the journal.
"""
