"""Plots of held-out predictions."""

import numpy as np
import pytest

from archcost.datasets import CostKey
from archcost.tracking.plots import residual_plot, scatter_plot

KEY = CostKey("nasbench201", "my_board", "energy", "cifar10")
TRUTH = np.linspace(0.001, 10, 200)
PREDICTED = TRUTH + 0.1


@pytest.mark.parametrize(
    ("plot", "y_label"),
    [(scatter_plot, "predicted energy (mJ)"), (residual_plot, "error of predicted energy (%)")],
)
def test_axes_say_what_they_show_with_units(plot, y_label, tmp_path):
    figure = plot(TRUTH, PREDICTED, KEY)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "true energy (mJ)"
    assert axes.get_ylabel() == y_label
    assert axes.get_title() == str(KEY)
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


def test_one_huge_relative_error_does_not_hide_the_others():
    (axes,) = residual_plot(TRUTH, PREDICTED, KEY).axes
    assert axes.get_ylim()[1] < 500  # the cost of 0.001 mJ is off by 10,000 %
