"""What cost tables say: noise, agreement of devices, theoretical costs, and the report."""

from archcost.analysis.agreement import device_agreement
from archcost.analysis.device_specific import placed_fronts
from archcost.analysis.noise import noise_estimates, status_counts
from archcost.analysis.reporting import ReportSettings, write_report
from archcost.analysis.theory import theoretical_costs, theory_correlations

__all__ = [
    "ReportSettings",
    "device_agreement",
    "noise_estimates",
    "placed_fronts",
    "status_counts",
    "theoretical_costs",
    "theory_correlations",
    "write_report",
]
