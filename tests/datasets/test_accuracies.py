"""Accuracies: files with and without a header, frames, mappings, errors."""

import pandas as pd
import pytest

from archcost.datasets import read_accuracy
from archcost.errors import ArchitectureError, CostTableError, MissingDataError
from archcost.spaces import get_space

SPACE = get_space("nasbench201")
FIRST, SECOND = SPACE.format(0), SPACE.format(1)


def written(tmp_path, text):
    path = tmp_path / "accuracy.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        f"arch,accuracy\n{FIRST},70.5\n{SECOND},71\n",
        f"seed, accuracy, arch\n1, 70.5, {FIRST}\n1, 71, {SECOND}\n",
        f"116.9\n{FIRST}, 70.5, 0.001\n{SECOND}, 71.0, 0.002\n",
        f"{FIRST},70.5\n1,71\n",
        f"arch,accuracy\n{FIRST},70\n{FIRST},71\n{SECOND},71\n",
    ],
)
def test_files(tmp_path, text):
    accuracy = read_accuracy(written(tmp_path, text), "nasbench201")
    assert accuracy.to_dict() == {FIRST: 70.5, SECOND: 71.0}
    assert accuracy.name == "accuracy"


def test_frames_and_mappings():
    frame = pd.DataFrame({"arch": [0, 1], "accuracy": [1.0, 2.0]})
    assert read_accuracy(frame, SPACE).to_dict() == {FIRST: 1.0, SECOND: 2.0}
    assert read_accuracy({FIRST: 1, 1: 2}, SPACE).to_dict() == {FIRST: 1.0, SECOND: 2.0}


def test_the_published_file(real_tables):
    file = real_tables / "help" / "nasbench201" / "arch_generated_by_metad2a.txt"
    accuracy = read_accuracy(file, SPACE)
    assert len(accuracy) == 500
    assert accuracy.max() == pytest.approx(73.5133, abs=1e-4)


def test_errors_say_what_is_wrong(tmp_path):
    with pytest.raises(MissingDataError, match="columns arch and accuracy"):
        read_accuracy(tmp_path / "none.csv", SPACE)
    for text in ("arch,top1\nx,1\n", f"{FIRST},70\n{SECOND}\n"):
        with pytest.raises(CostTableError, match="must have the columns arch and accuracy"):
            read_accuracy(written(tmp_path, text), SPACE)
    with pytest.raises(CostTableError, match="row 2 has 'nan'"):
        read_accuracy(written(tmp_path, f"{FIRST},70\n{SECOND},nan\n"), SPACE)
    with pytest.raises(CostTableError, match="there are none"):
        read_accuracy(written(tmp_path, "arch,accuracy\n"), SPACE)
    with pytest.raises(ArchitectureError):
        read_accuracy({"|conv|": 1.0}, SPACE)
    with pytest.raises(CostTableError, match="must have the columns"):
        read_accuracy(pd.DataFrame({"arch": [0]}), SPACE)
