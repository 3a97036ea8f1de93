"""Find architectures that score high and cost little: search, evolution, optimum, scan."""

from archcost.search.fronts import exact_front
from archcost.search.limits import Limit, find_limits
from archcost.search.measured_searching import MeasuredChoice, search_measuring
from archcost.search.optimising import Optimum, optimum
from archcost.search.searching import SearchResult, search

__all__ = [
    "Limit",
    "MeasuredChoice",
    "Optimum",
    "SearchResult",
    "exact_front",
    "find_limits",
    "optimum",
    "search",
    "search_measuring",
]
