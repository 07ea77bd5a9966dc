"""The whole registry on one machine: what make demo and make portfolio run."""
