"""The registry's gRPC surface."""
