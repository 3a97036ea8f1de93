"""Accuracies: files with and without a header, frames, mappings, errors."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from archcost.datasets import read_accuracy
from archcost.errors import ArchitectureError, CostTableError, IntegrityError, MissingDataError
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


def test_series_and_parquet(tmp_path):
    series = pd.Series([1.0, 2.0], index=[FIRST, SECOND])
    expected = {FIRST: 1.0, SECOND: 2.0}
    assert read_accuracy(series, SPACE).to_dict() == expected
    frame = pd.DataFrame({"arch": [FIRST, SECOND], "accuracy": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.warns(UserWarning, match="has no checksum"):
        assert read_accuracy(tmp_path / "a.parquet", SPACE).to_dict() == expected


@pytest.mark.parametrize(
    "source", [[70.0, 71.0], np.array([70.0, 71.0]), 5, None, {FIRST}, [(FIRST, 70.0)]]
)
def test_accuracies_that_belong_to_no_architecture_are_refused(source):
    with pytest.raises(CostTableError, match="accuracies must be a file, a data frame"):
        read_accuracy(source, SPACE)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (f"arch;accuracy\n{FIRST};70\n", CostTableError, "look separated by semicolons"),
        (f"arch,accuracy\n{FIRST},high\n", CostTableError, "row 2 has 'high'"),
        (f"arch,accuracy,arch\n{FIRST},70,{FIRST}\n", CostTableError, "'arch' comes twice"),
        (f"arch,accuracy\n{FIRST},70\n\n|conv|,71\n", ArchitectureError, "row 4: a string of"),
        (f'arch,accuracy\n"{FIRST},70\n', IntegrityError, "must be a whole CSV file"),
    ],
)
def test_each_wrong_file_has_its_own_error(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        read_accuracy(written(tmp_path, text), SPACE)


def test_json_says_how_to_give_it(tmp_path):
    with pytest.raises(CostTableError, match=r"json\.load"):
        read_accuracy(tmp_path / "a.json", SPACE)
    with pytest.raises(CostTableError, match="row 0 has True"):
        read_accuracy({FIRST: True}, SPACE)


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


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (f"arch,accuracy,Accuracy\n{FIRST},70,71\n", CostTableError, "both look like it"),
        (f"arch,accuracy\n{FIRST},70,71\n", IntegrityError, "row 2 has not as many cells"),
        ("5,93\n6,94\n", CostTableError, r"must begin with a row of names, arch and accuracy"),
    ],
)
def test_files_that_say_two_things_are_refused(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        read_accuracy(written(tmp_path, text), SPACE)


def test_a_series_that_is_only_numbered_is_refused_unless_it_is_of_all_architectures():
    with pytest.raises(CostTableError, match="only numbered, from 0; give"):
        read_accuracy(pd.Series([70.0, 71.0]), SPACE)
    accuracy = read_accuracy(pd.Series(np.arange(15_625.0)), SPACE)
    assert accuracy[SPACE.format(1462)] == 1462


@pytest.mark.parametrize("value", [np.timedelta64(3, "s"), b"93", True, 1j, [93], "93%"])
def test_what_is_no_accuracy_is_refused(value):
    with pytest.raises(CostTableError, match="an accuracy must be a finite number"):
        read_accuracy({FIRST: value}, SPACE)


def test_frames_of_other_libraries_and_with_a_name_twice():
    rows = pa.table({"arch": [FIRST, SECOND], "accuracy": [1.0, 2.0]})
    assert read_accuracy(rows, SPACE).to_dict() == {FIRST: 1.0, SECOND: 2.0}
    twice = pd.DataFrame([[FIRST, 1, 2]], columns=["arch", "accuracy", "accuracy"])
    with pytest.raises(CostTableError, match="one column must hold 'accuracy'"):
        read_accuracy(twice, SPACE)
