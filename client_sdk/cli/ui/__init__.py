"""What the verbs share: options, prompts, output and exit codes."""
