"""What the registry does for its callers, one file each."""
