"""What trainings compute once a process, done before `warm_processes` forks any."""

from mlflow.utils import requirements_utils

from archcost.datasets import CostTable
from archcost.spaces import get_space
from archcost.training import TrainSettings, train

requirements_utils._init_modules_to_packages_map()
CELLS = get_space("nasbench201").sample(60, seed=0)
COST = 1.5 + (CELLS == 3).sum(axis=1)
TABLE = CostTable.from_costs("nasbench201", CELLS, COST, device="any_board")
for predictor in ("lookup", "ridge"):
    train(TABLE, settings=TrainSettings(predictor=predictor))
