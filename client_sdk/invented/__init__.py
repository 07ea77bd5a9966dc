"""Invented members, people and histories of loans: synthetic, and the same on every machine.

They fill the sandbox and the demo, and give an integrator's tests persons and reports (``client_sdk.testing``).
"""
