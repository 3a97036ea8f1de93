"""From networks to measured cost tables: runtimes, rounds, journal, energy counters, shards."""

__all__: list[str] = []
