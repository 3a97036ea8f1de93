"""Run ZigZag on one layer, from objects instead of files."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from archcost.simulating.zigzag_description import Array, Memory, ZigZagDescription
from archcost.simulating.zigzag_layers import LoopNest
from archcost.simulating.zigzag_mapping import Unrolling, array_of

EQUATION = "O[g][k][oy][ox]+=W[g][k][c][fy][fx]*I[g][c][iy][ix]"
MEMORY_OPERANDS = {"inputs": "I1", "weights": "I2", "outputs": "O"}
# Directions as ZigZag has them: from and to the memory above (high) and below (low).
DIRECTIONS = {"inputs": ("fh", "tl"), "weights": ("fh", "tl"), "outputs": ("fh", "fl", "th", "tl")}
PORTS: dict[int, dict[str, tuple[str, ...]]] = {
    1: {"rw_port_1": ("fh", "fl", "th", "tl")},
    2: {"r_port_1": ("th", "tl"), "w_port_1": ("fh", "fl")},
    4: {"r_port_1": ("tl",), "r_port_2": ("th",), "w_port_1": ("fh",), "w_port_2": ("fl",)},
}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep ZigZag's log off the screen, and the warnings of the libraries it uses."""
    logger = logging.getLogger("zigzag")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@_quiet()
def run_zigzag(
    nest: LoopNest, description: ZigZagDescription, unrolling: Unrolling
) -> tuple[float, float] | None:
    """Return cycles and pJ of a loop nest spread over the array, or None if it does not fit.

    Of the orders of the loops that are left over, ZigZag takes the best.
    """
    from zigzag.mapping.temporal_mapping import TemporalMappingType
    from zigzag.opt.loma.engine import NoValidLoopOrderingFoundException
    from zigzag.stages.evaluation.cost_model_evaluation import CostModelStage
    from zigzag.stages.mapping.spatial_mapping_generation import SpatialMappingGeneratorStage
    from zigzag.stages.mapping.temporal_mapping_generator_stage import TemporalMappingGeneratorStage
    from zigzag.stages.results import reduce_stages

    best = {
        "latency": reduce_stages.MinimalLatencyStage,
        "energy": reduce_stages.MinimalEnergyStage,
        "product": reduce_stages.MinimalEDPStage,
    }[description.choose]
    inner: list[Any] = [best, TemporalMappingGeneratorStage, CostModelStage]
    stage: Any = SpatialMappingGeneratorStage(
        inner,
        accelerator=_hardware(description, array_of(nest, description)),
        layer=_layer(nest, description, unrolling),
        temporal_mapping_type=TemporalMappingType.UNEVEN,
        loma_lpf_limit=description.loop_splits,
        loma_show_progress_bar=False,
    )
    try:
        ((cost, _),) = stage.run()
    except NoValidLoopOrderingFoundException:
        return None
    return float(cost.latency_total2), float(cost.energy_total)


def _hardware(description: ZigZagDescription, array: Array) -> Any:
    from zigzag.parser.accelerator_factory import AcceleratorFactory
    from zigzag.parser.accelerator_validator import AcceleratorValidator

    letters = _dimension_letters(description)
    memories: dict[str, dict[str, Any]] = {
        memory.name: {
            "size": memory.size_bytes * 8,
            # ZigZag wants the energy of all that a port moves in a cycle.
            "r_cost": memory.read_pj * memory.bits_per_cycle / memory.access_bits,
            "w_cost": memory.write_pj * memory.bits_per_cycle / memory.access_bits,
            "area": 0.0,
            "latency": 1,
            "operands": [MEMORY_OPERANDS[held] for held in memory.holds],
            "served_dimensions": [letters[name] for name in memory.shared_by],
            "ports": _ports(memory),
        }
        for memory in description.memories
    }
    units = {
        "unit_energy": array.mac_pj,
        "unit_area": 0.0,
        "dimensions": list(letters.values()),
        "sizes": list(array.sizes.values()),
    }
    hardware = {"name": "accelerator", "memories": memories, "operational_array": units}
    validator: Any = AcceleratorValidator(hardware)
    return AcceleratorFactory(validator.normalized_data).create()


def _ports(memory: Memory) -> list[dict[str, Any]]:
    ports = []
    for name, directions in PORTS[memory.ports].items():
        allocation = [
            f"{MEMORY_OPERANDS[held]}, {direction}"
            for held in memory.holds
            for direction in DIRECTIONS[held]
            if direction in directions
        ]
        if allocation:
            kind = {"r": "read", "w": "write", "rw": "read_write"}[name.split("_")[0]]
            ports.append(
                {
                    "name": name,
                    "type": kind,
                    "bandwidth_min": memory.access_bits,
                    "bandwidth_max": memory.bits_per_cycle,
                    "allocation": allocation,
                }
            )
    return ports


def _layer(nest: LoopNest, description: ZigZagDescription, unrolling: Unrolling) -> Any:
    from zigzag.parser.workload_factory import LayerNodeFactory

    bits = description.bits
    layer = {
        "id": 0,
        "name": "layer",
        "operator_type": "Conv",
        "equation": EQUATION,
        "loop_dims": list(nest.sizes),
        "loop_sizes": list(nest.sizes.values()),
        "dimension_relations": [f"ix={nest.stride}*ox+1*fx", f"iy={nest.stride}*oy+1*fy"],
        "operand_precision": {
            "I": bits["inputs"],
            "W": bits["weights"],
            "O": bits["sums"],
            "O_final": bits["outputs"],
        },
        "operand_source": {"W": 0},
        "pr_loop_dims": ["IX", "IY"],
        "pr_loop_sizes": [nest.width, nest.height],
        "padding": [list(nest.border("X")), list(nest.border("Y"))],
    }
    letters = _dimension_letters(description).values()
    spread = {
        letter: [f"{loop}, {units}" for loop, units in along]
        for letter, along in zip(letters, unrolling, strict=True)
    }
    mapping = {
        "name": "Conv",
        "spatial_mapping": spread,
        "memory_operand_links": {"O": "O", "W": "I2", "I": "I1"},
    }
    return LayerNodeFactory(layer, [mapping]).create()


def _dimension_letters(description: ZigZagDescription) -> Mapping[str, str]:
    """Return ZigZag's names of the array's dimensions."""
    return {name: f"D{number}" for number, name in enumerate(description.array.sizes, 1)}
