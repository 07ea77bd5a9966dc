"""What the log means: directory, chains, live records, heads and answers."""
