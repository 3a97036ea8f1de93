"""Analyses of cost tables: noise, agreement of devices, proxy costs, and the report."""

from archcost.analysis.agreement import device_agreement
from archcost.analysis.device_specific import placed_fronts
from archcost.analysis.drift import drift_estimates
from archcost.analysis.noise import noise_estimates, status_counts
from archcost.analysis.proxies import proxy_correlations, proxy_costs
from archcost.analysis.reporting import ReportSettings, write_report

__all__ = [
    "ReportSettings",
    "device_agreement",
    "drift_estimates",
    "noise_estimates",
    "placed_fronts",
    "proxy_correlations",
    "proxy_costs",
    "status_counts",
    "write_report",
]
