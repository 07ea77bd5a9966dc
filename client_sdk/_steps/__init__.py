"""Flows: what a client does, written once for blocking calls and for asyncio.

A flow is a generator. It computes by itself and yields a step wherever it has to wait: for an answer, for the next
message of a stream, for the disk, for other flows. A driver waits, then sends the result into the flow or throws in
what went wrong, gRPC's errors as those of the SDK:

    def receipt(self, request: GetReceiptRequest) -> Flow[Receipt]:
        response = yield from ask(self.services.records.GetReceipt, request)
        return read_receipt(response)

    run(flow)                # waits in this thread
    await run_async(flow)    # waits in the event loop

Both drivers may be told to stop, by an interrupt or by a task that is cancelled: that is thrown into the flow like an
error, but not before what runs beside it has ended.
"""

from client_sdk._steps.calls import Call, answer, ask, begin, from_start, message, messages, open_stream, shut
from client_sdk._steps.driver import Flow, Step, run, run_async
from client_sdk._steps.owned import owned
from client_sdk._steps.pages import Pages, each_of_pages, each_of_pages_async
from client_sdk._steps.relay import relay
from client_sdk._steps.work import Stoppable, alone, beside, each_async, pause, together

__all__ = [
    "Call",
    "Flow",
    "Pages",
    "Step",
    "Stoppable",
    "alone",
    "answer",
    "ask",
    "begin",
    "beside",
    "each_async",
    "each_of_pages",
    "each_of_pages_async",
    "from_start",
    "message",
    "messages",
    "open_stream",
    "owned",
    "pause",
    "relay",
    "run",
    "run_async",
    "shut",
    "together",
]
