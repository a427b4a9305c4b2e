"""The same work on one core, on several processes or on a cluster: one function, one partition, a small answer."""
