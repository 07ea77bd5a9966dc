"""What happens around every call: who calls, whether it may, for how long, what is told and what is noted.

``guard`` is the one interceptor that gRPC knows; each other module holds one of the concerns that it brings together.
"""
