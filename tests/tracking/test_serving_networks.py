"""A model of any networks behind MLflow's interface: what it takes, and what it refuses."""

import mlflow.exceptions
import pandas as pd
import pytest

import archcost
from archcost.networks.model_files import model_file
from archcost.tracking.serving import ServedModel
from archcost.zoo import zoo_network


@pytest.fixture(scope="module")
def served():
    return ServedModel(archcost.load("cpu_onnxruntime", space="any"))


def test_references_files_and_graphs_are_answered(served, tmp_path):
    graph = zoo_network("resnet18@64")
    path = tmp_path / "net.onnx"
    path.write_bytes(model_file(graph, "onnx", "fp32"))
    rows = pd.DataFrame({"arch": ["resnet18@64", graph.to_json(), str(path)]}, index=[3, 5, 8])
    answer = served.predict(rows, params={"return_std": True})
    mean, std = served.model.predict("resnet18@64", return_std=True)
    assert answer.index.tolist() == [3, 5, 8]
    assert answer.latency_ms.to_list() == pytest.approx([mean] * 3, rel=0.02)
    assert answer.latency_ms_std.to_list() == pytest.approx([std] * 3, rel=0.05)
    assert list(served.predict(rows[:1])) == ["latency_ms"]
    assert len(served.predict(rows[:0])) == 0


@pytest.mark.parametrize(
    ("arch", "message"),
    [
        ("resnet81", "network 0: a network must be"),
        ("missing.onnx", "there must be an ONNX file at 'missing.onnx'"),
        ("{}", "a graph must be text that Graph.to_json wrote"),
        (7, "a network must be a reference such as 'timm:resnet18'"),
        ("resnet18@64#8", "must have a batch size that was measured"),
    ],
)
def test_bad_input_is_the_fault_of_the_request(served, arch, message):
    with pytest.raises(mlflow.exceptions.MlflowException, match=message) as caught:
        served.predict(pd.DataFrame({"arch": [arch]}))
    assert caught.value.get_http_status_code() == 400
