"""Conversion between values of use cases and protobuf messages; one module for each group of messages."""
