"""Use cases of the registry, without gRPC."""
