"""The operator's tasks other than serving; a command loads the module of its task alone."""
