"""Messages to addresses that a member keeps on its own machine: queued, signed, delivered by webhook and mail."""
