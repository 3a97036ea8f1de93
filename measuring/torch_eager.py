"""Eager torch on the CPU or on a CUDA GPU, fp32."""

from __future__ import annotations

from importlib.metadata import version
from time import perf_counter_ns
from typing import TYPE_CHECKING, Literal

from archcost.errors import MissingDataError
from archcost.measuring.runtime import Inference, Runtime
from archcost.spaces.space import Ops, SearchSpace

if TYPE_CHECKING:
    from torch import Tensor, nn


class TorchEager(Runtime):
    """Run the torch module of an architecture op by op; nothing is fused, folded or left out.

    Parameters
    ----------
    target : {"cpu", "cuda"}, default="cpu"
        Where the network runs. On a GPU, events on its stream take the time.
    batch_size : int, default=1
        Images a run; the latency is that of the whole batch.

    Notes
    -----
    Loading sets what torch keeps for the whole process and leaves it so for the inferences: the
    number of threads and, for ``"cuda"``, TF32 off, which torch else uses in convolutions and
    which would not be fp32.

    References
    ----------
    Paszke et al., PyTorch: An imperative style, high-performance deep learning library,
    NeurIPS 2019.
    """

    precision = "fp32"

    def __init__(self, target: Literal["cpu", "cuda"] = "cpu", batch_size: int = 1) -> None:
        self.target = target
        self.batch_size = batch_size
        self.in_process = target == "cpu"
        batch = "" if batch_size == 1 else f"_{batch_size}"
        self.name = f"torch{'_cuda' if target == 'cuda' else ''}{batch}"
        self._device = f"{'gpu' if target == 'cuda' else 'cpu'}_torch{batch}"

    @property
    def device(self) -> str:
        """The device id of a table where the user names none."""
        return self._device

    def version(self) -> str:
        """Return the version of torch with its build."""
        self._check_gpu()
        return version("torch")

    def describe(self) -> dict[str, str]:
        """Return the GPU, the version of CUDA, and that TF32 is off."""
        if self.target == "cpu":
            return {}
        import torch

        self._check_gpu()
        return {
            "gpu": torch.cuda.get_device_name(),
            "cuda": str(torch.version.cuda),
            "tf32": "off",
        }

    def load(self, space: SearchSpace, ops: Ops, dataset: str, threads: int) -> Inference:
        """Build the module with seeded weights and put it where it will run."""
        import torch

        from archcost.networks.torch_module import torch_module

        self._check_gpu()
        torch.set_num_threads(threads)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            graph = space.graph(ops, dataset, batch_size=self.batch_size)
            network = torch_module(graph)
            image = torch.randn(graph.input_shapes[0])
        if self.target == "cpu":
            return _cpu_timer(network, image)
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        return _cuda_timer(network.cuda(), image.cuda())

    def _check_gpu(self) -> None:
        if self.target == "cpu":
            return
        import torch

        if not torch.cuda.is_available():
            raise MissingDataError(
                f"measuring with {self.name} needs a CUDA GPU, but torch {torch.__version__} finds "
                "none; install a build of torch for your GPU (https://pytorch.org/get-started) or "
                "measure with --runtime torch"
            )


def _cpu_timer(network: nn.Module, image: Tensor) -> Inference:
    import torch

    def infer_ms() -> float:
        with torch.inference_mode():
            start = perf_counter_ns()
            network(image)
            return (perf_counter_ns() - start) / 1e6

    return infer_ms


def _cuda_timer(network: nn.Module, image: Tensor) -> Inference:
    import torch

    start = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    end = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]

    def infer_ms() -> float:
        torch.cuda.synchronize()
        with torch.inference_mode():
            start.record()
            network(image)
            end.record()
        end.synchronize()
        return start.elapsed_time(end)

    return infer_ms
