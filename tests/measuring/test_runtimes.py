"""What every runtime must fulfil, so that the measuring loop and tables can rely on it."""

import subprocess
import sys

import pytest
from my_space import MySpace

from archcost.datasets.devices import DeviceCard
from archcost.errors import MissingDataError
from archcost.measuring import RUNTIMES
from archcost.spaces import get_space

CELLS, FBNET = get_space("nasbench201"), get_space("fbnet")
NETWORKS = {
    "cell": (CELLS, [3, 2, 4, 1, 0, 3]),
    "cell without a path": (CELLS, [3, 0, 4, 0, 0, 0]),
    "cell fed by zeros": (CELLS, [0, 0, 3, 0, 2, 3]),
    "fbnet": (FBNET, [1, 5, 7] * 7 + [8]),
    "resolution of its own": (MySpace(), "r24-k5_w16-k3_w8-absent-absent"),
}


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    return RUNTIMES[request.param]


@pytest.fixture
def available(runtime):
    try:
        runtime.version()
    except MissingDataError as missing:
        pytest.skip(str(missing))
    return runtime


def test_says_what_it_is(runtime):
    assert RUNTIMES[runtime.name] is runtime
    card = DeviceCard(runtime.device, "a name", batch_size=runtime.batch_size)  # checks the id
    assert [other.device for other in RUNTIMES.values()].count(card.id) == 1
    assert runtime.precision in ("fp32", "int8")


def test_version_is_told_or_what_is_missing(runtime):
    try:
        version = runtime.version()
    except MissingDataError as missing:
        assert runtime.name in str(missing)
        assert "pip install 'archcost[" in str(missing) or "CUDA GPU" in str(missing)
    else:
        assert version[0].isdigit()


def test_description_is_text(available):
    assert all(isinstance(text, str) for pair in available.describe().items() for text in pair)


@pytest.mark.slow
def test_networks_are_loaded_beside_each_other_and_timed_in_turn(available):
    inferences = {}
    for network, (space, arch) in NETWORKS.items():
        inferences[network] = available.load(space, space.parse(arch), space.default_dataset, 1)
    for network, infer_ms in [*inferences.items()] * 3:
        latency_ms = infer_ms()
        assert isinstance(latency_ms, float), network
        assert latency_ms > 0, network


def test_listing_them_imports_no_runtime():
    code = "import sys, archcost.measuring; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "onnx", "onnxruntime", "openvino", "ai_edge_litert", "tensorflow"}
    assert not heavy & set(done.stdout.split())
