"""From networks to simulated cost tables: accelerators and what computes their costs."""

__all__: list[str] = []
