"""Shared parts of the verbs: options, prompts, output and exit codes."""
