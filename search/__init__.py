"""Find architectures that score high and cost little: search, evolution, scan."""

from archcost.search.measured_searching import MeasuredChoice, search_measuring
from archcost.search.searching import SearchResult, search

__all__ = ["MeasuredChoice", "SearchResult", "search", "search_measuring"]
