"""The console, the tiles and the metrics over HTTP."""
