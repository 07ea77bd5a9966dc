"""From accepted statements to the next signed checkpoint, in one transaction a batch."""
