import numpy as np
import pytest

from archcost.errors import MissingDataError
from archcost.measuring.torch_eager import TorchEager
from archcost.spaces import get_space

torch = pytest.importorskip("torch")
torch_module = pytest.importorskip("archcost.networks.torch_module")

SPACE = get_space("nasbench201")
CELL = SPACE.parse([3, 2, 4, 1, 0, 3])


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def built(monkeypatch):
    """Keep the networks that are built, each with the inputs that it is called with."""
    kept = []
    build = torch_module.torch_module

    def build_and_keep(graph):
        module = build(graph)
        inputs = []
        module.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
        kept.append((module, inputs))
        return module

    monkeypatch.setattr(torch_module, "torch_module", build_and_keep)
    return kept


def test_names_tell_device_and_batch():
    runtimes = [TorchEager(), TorchEager("cpu", 8), TorchEager("cuda"), TorchEager("cuda", 64)]
    assert [runtime.name for runtime in runtimes] == [
        "torch", "torch_8", "torch_cuda", "torch_cuda_64",
    ]  # fmt: skip
    assert [runtime.device for runtime in runtimes] == [
        "cpu_torch", "cpu_torch_8", "gpu_torch", "gpu_torch_64",
    ]  # fmt: skip


def test_same_network_each_time_without_touching_the_global_generator(built):
    for seed in (5, 6):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        TorchEager().load(SPACE, CELL, "cifar10", 1)
        assert torch.equal(torch.get_rng_state(), before)
    one, other = (module.state_dict() for module, _ in built)
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_runs_in_fp32_for_inference_with_the_threads_asked_for(built):
    infer_ms = TorchEager("cpu", 3).load(SPACE, CELL, "cifar100", 1)
    assert torch.get_num_threads() == 1
    outputs = []
    module, inputs = built[0]
    module.register_forward_hook(lambda _, args, output: outputs.append(output))
    assert infer_ms() > 0
    assert not module.training
    assert inputs[0].shape == (3, 3, 32, 32)
    assert outputs[0].shape == (3, 100)
    assert outputs[0].is_inference()
    assert outputs[0].dtype == torch.float32
    assert outputs[0].isfinite().all()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_missing_gpu_is_told():
    runtime = TorchEager("cuda", 64)
    for ask in (
        runtime.version,
        runtime.describe,
        lambda: runtime.load(SPACE, CELL, "cifar10", 1),
    ):
        with pytest.raises(MissingDataError, match=r"torch_cuda_64 needs a CUDA GPU.*finds none"):
            ask()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_runs_the_batch_in_fp32(built):
    runtime = TorchEager("cuda", 64)
    assert runtime.describe()["gpu"]
    infer_ms = runtime.load(SPACE, CELL, "cifar10", 1)
    assert np.median([infer_ms() for _ in range(5)]) > 0
    module, inputs = built[0]
    assert inputs[0].shape == (64, 3, 32, 32)
    assert inputs[0].is_cuda
    with torch.inference_mode():
        got = module(inputs[0]).cpu()
        expected = module.cpu()(inputs[0].cpu())
    assert (got - expected).abs().max() < 1e-4 * expected.abs().max()
