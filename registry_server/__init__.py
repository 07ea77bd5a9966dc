"""The registry: it orders what lenders sign, proves what it answers and forgets what the law forgets."""
