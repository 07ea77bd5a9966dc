"""Figures of the registry for Prometheus."""
