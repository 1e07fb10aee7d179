"""A peer is imported by the tests that have its package, and not in search of doctests."""

collect_ignore_glob = ["peers_*.py"]
