"""fsck: everything that the database holds, recomputed from the leaves alone."""
