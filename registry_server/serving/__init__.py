"""Shared by registry and key service: authentication, limits and logging around every call.

    transport      limits of connections, streams and messages that gRPC holds by itself
    guard          the one interceptor: identity, permission, deadline, place, size, errors, log and metrics
    places         how many calls and streams one holder of a certificate may have under way
    descriptors    open files of the process, and how many of them connections may take
    memory         freed memory goes back to the operating system

The other modules hold one concern each that ``guard`` brings together.
"""
