"""What an auditor does with the registry: follow it, verify it whole and report."""
