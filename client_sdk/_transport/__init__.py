"""gRPC: channels, deadlines, and what the errors of a call mean."""
