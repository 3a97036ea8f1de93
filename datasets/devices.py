"""Device cards: what a device is, how its costs came about, and who published them."""

from dataclasses import dataclass
from typing import Literal

from archcost.datasets.cost_key import check_device_id
from archcost.datasets.timm_tables import TABLES, TimmTable
from archcost.errors import CostTableError, check_name

CostKind = Literal["measured", "simulated", "derived"]
COST_KINDS: tuple[CostKind, ...] = ("measured", "simulated", "derived")
NOT_STATED = "not stated"

HELP = "HELP (Lee et al., NeurIPS 2021)"
HW_NAS_BENCH = "HW-NAS-Bench (Li et al., ICLR 2021)"
OURS = "archcost"
TIMM = "timm (Wightman, PyTorch Image Models, 2019)"


@dataclass(frozen=True, slots=True)
class DeviceCard:
    """Describe a device as the costs in a table know it.

    Parameters
    ----------
    id : str
        Name in tables and models, from ``[a-z0-9_]``; includes runtime, precision and batch size
        where one device has several.
    name : str
        The device in words.
    kind : {"measured", "simulated", "derived"}
        Whether its costs were taken on hardware or computed from a model of it.
    runtime, precision : str
        What ran the network, and its numbers; ``"not stated"`` where the publisher does not say.
    batch_size : int
        Images a run; a cost is that of the whole batch.
    threads : int or None
        CPU threads; None where unknown or meaningless.
    source : str
        Who published the costs.
    notes : str
        What to know before using them.
    """

    id: str
    name: str
    kind: CostKind = "measured"
    runtime: str = NOT_STATED
    precision: str = NOT_STATED
    batch_size: int = 1
    threads: int | None = None
    source: str = "own table"
    notes: str = ""

    def __post_init__(self) -> None:
        check_device_id(self.id)
        check_name("kind", self.kind, COST_KINDS)
        for name in ("name", "runtime", "precision", "source", "notes"):
            if not isinstance(getattr(self, name), str):
                raise CostTableError(f"{name} must be text, but got {getattr(self, name)!r}")
        counts = {"batch_size": self.batch_size}
        if self.threads is not None:
            counts["threads"] = self.threads
        for name, count in counts.items():
            if type(count) is not int or count < 1:
                raise CostTableError(f"{name} must be 1 or more, but got {count!r}")

    @property
    def conditions(self) -> str:
        """What ran the networks and how, in words; what was not stated is left out.

        Examples
        --------
        >>> DeviceCard("mine", "my board", runtime="ONNX Runtime", threads=1).conditions
        'ONNX Runtime, batch size 1, 1 thread'
        """
        said = [part for part in (self.runtime, self.precision) if part != NOT_STATED]
        said.append(f"batch size {self.batch_size}")
        if self.threads is not None:
            said.append(f"{self.threads} thread{'' if self.threads == 1 else 's'}")
        return ", ".join(said)


def get_device(device: str) -> DeviceCard:
    """Return the card of a published or bundled device.

    Raises
    ------
    UnknownNameError
        If there is none; the message lists the ids and the nearest one.

    Examples
    --------
    >>> get_device("titanx_64").batch_size
    64
    """
    return DEVICES[check_name("device", device, DEVICES)]


def _help_gpus() -> list[DeviceCard]:
    names = {
        "1080ti": "NVIDIA GeForce GTX 1080 Ti",
        "2080ti": "NVIDIA GeForce RTX 2080 Ti",
        "titan_rtx": "NVIDIA Titan RTX",
        "titanx": "NVIDIA Titan X",
        "titanxp": "NVIDIA Titan Xp",
    }
    # Batch 256 was taken in NAS-Bench-201 only, batch 64 in FBNet only.
    return [
        DeviceCard(
            id=f"{gpu}_{batch_size}",
            name=f"{name}, batch {batch_size}",
            runtime="PyTorch",
            batch_size=batch_size,
            source=HELP,
            notes="ms a batch, not an image" if batch_size > 1 else "",
        )
        for gpu, name in names.items()
        for batch_size in (1, 32, 64, 256)
    ]


def _help_cpus() -> list[DeviceCard]:
    names = {
        "gold_6226": "Intel Xeon Gold 6226",
        "gold_6240": "Intel Xeon Gold 6240",
        "silver_4114": "Intel Xeon Silver 4114",
        "silver_4210r": "Intel Xeon Silver 4210R",
    }
    return [DeviceCard(id, name, runtime="PyTorch", source=HELP) for id, name in names.items()]


def _help_phones() -> list[DeviceCard]:
    names = {
        "essential_ph_1": "Essential PH-1 phone",  # its name; not a batch size
        "pixel2": "Google Pixel 2 phone",
        "samsung_a50": "Samsung Galaxy A50 phone",
        "samsung_s7": "Samsung Galaxy S7 phone",
    }
    notes = "recorded as whole milliseconds; noisy, full of ties"
    return [DeviceCard(id, name, source=HELP, notes=notes) for id, name in names.items()]


_HW_NAS_BENCH_DEVICES = [
    DeviceCard(
        "edgegpu",
        "NVIDIA Jetson TX2 (edge GPU)",
        runtime="TensorRT",
        source=HW_NAS_BENCH,
        notes="50 runs after a warm-up; energy from the board's power sensor",
    ),
    DeviceCard(
        "edgetpu",
        "Google Edge TPU Dev Board",
        runtime="TensorFlow Lite, Edge TPU compiler",
        precision="int8",
        source=HW_NAS_BENCH,
        notes="networks that did not compile have no latency; NAS-Bench-201 only",
    ),
    DeviceCard(
        "eyeriss",
        "Eyeriss accelerator (ASIC)",
        kind="simulated",
        runtime="analytical model",
        source=HW_NAS_BENCH,
        notes="NAS-Bench-201 latency on CIFAR-10 is exactly linear in the op counts; many ties",
    ),
    DeviceCard(
        "fpga",
        "Xilinx ZC706 FPGA",
        kind="simulated",
        runtime="high-level synthesis, estimated",
        source=HW_NAS_BENCH,
        notes="exactly linear in op counts (NAS-Bench-201) or additive (FBNet); "
        "energy is 7.0 mJ a ms of latency in every published example",
    ),
    DeviceCard(
        "pixel3",
        "Google Pixel 3 phone",
        runtime="TensorFlow Lite",
        source=HW_NAS_BENCH,
        notes="ops that cannot reach the output are not executed; near-zero costs of dead cells",
    ),
    DeviceCard(
        "raspi4",
        "Raspberry Pi 4",
        runtime="TensorFlow Lite",
        source=HW_NAS_BENCH,
        notes="ops that cannot reach the output are not executed; near-zero costs of dead cells",
    ),
]


def _measured_here() -> list[DeviceCard]:
    runtimes = {
        "cpu_litert": ("LiteRT (TensorFlow Lite), XNNPACK", "fp32"),
        "cpu_litert_int8": ("LiteRT (TensorFlow Lite), XNNPACK", "int8"),
        "cpu_onnxruntime": ("ONNX Runtime", "fp32"),
        "cpu_openvino": ("OpenVINO", "fp32"),
    }
    notes = "measured for archcost in interleaved rounds; ships with the package"
    return [
        DeviceCard(id, "x86-64 server CPU", "measured", runtime, precision, 1, 1, OURS, notes)
        for id, (runtime, precision) in runtimes.items()
    ]


def _simulated_here() -> list[DeviceCard]:
    names = {
        "edge_tpu_like": ("accelerator like the Edge TPU", "ZigZag", "int8"),
        "ethos_u55": ("Arm Ethos-U55 NPU", "Vela", "int8"),
        "ethos_u65": ("Arm Ethos-U65 NPU", "Vela", "int8"),
        "eyeriss_like": ("accelerator like Eyeriss", "ZigZag", "int16"),
        "fpga_like": ("FPGA accelerator like that on a ZC706", "ZigZag", "int16"),
    }
    notes = "simulated from its description file, see `archcost simulate`; ships with the package"
    return [
        DeviceCard(id, name, "simulated", simulator, precision, source=OURS, notes=notes)
        for id, (name, simulator, precision) in names.items()
    ]


def _card_of_timm(table: TimmTable) -> DeviceCard:
    way = "compiled" if table.is_compiled else "eager"
    return DeviceCard(
        id=table.device,
        name=f"{table.machine}, {way}, {table.layout}, "
        + ("batch 1" if table.is_cpu else "throughput at a large batch"),
        runtime=f"PyTorch {table.torch}, {way}",
        precision="fp32" if table.is_cpu else "mixed, fp16 and fp32",
        source=TIMM,
        notes="1000 / images a second with one image at a time on all cores"
        if table.is_cpu
        else "ms an image in throughput: 1000 / images a second at the largest batch that fits, up "
        f"to {table.most_images}; one image alone takes longer",
    )


DEVICES: dict[str, DeviceCard] = {
    card.id: card
    for card in sorted(
        _help_gpus()
        + _help_cpus()
        + _help_phones()
        + _HW_NAS_BENCH_DEVICES
        + _measured_here()
        + _simulated_here()
        + [_card_of_timm(table) for table in TABLES],
        key=lambda card: card.id,
    )
}
"""Every published or bundled device; a new one is one entry here."""
