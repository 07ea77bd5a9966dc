"""What facts must satisfy, shared by pre-flight, registry and audit."""
