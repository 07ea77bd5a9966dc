"""Rules on facts, standings and dates, shared by client and registry."""
