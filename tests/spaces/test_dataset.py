"""Datasets of users: wherever a dataset's name goes, in every space."""

import pickle

import pytest

from archcost.datasets import CostKey, CostTable
from archcost.datasets.cost_key import dataset_id
from archcost.errors import ArchcostError, ArchitectureError, UnknownNameError
from archcost.spaces import SPACES, Dataset
from archcost.spaces.dataset import dataset_of_id, parse_shape
from archcost.spaces.spaces import SHIPPED

DARCY = Dataset("darcy", input_shape=(1, 88, 88), n_classes=1)
CELLS, BLOCKS = SPACES["nasbench201"], SPACES["fbnet"]


def convolutions(graph):
    return [node for node in graph.nodes if node.op == "conv"]


@pytest.mark.parametrize("name", sorted(SHIPPED - {"any"}))
def test_every_space_takes_inputs_of_another_shape(name):
    space = SPACES[name]
    arch = space.sample(1, seed=3)[0]
    graph = space.graph(arch, DARCY)
    ((_, channels, height, width),) = graph.input_shapes
    assert channels == 1 and graph.output_shapes == ((1, 1),)
    if name == "ofa_mbv3":  # r224 stands for the whole input
        side = round(88 * int(space.op_names[arch[0]][1:]) / 224)
        assert (height, width) == (side, side)
    else:
        assert (height, width) == (88, 88)
    assert space.workload(arch, DARCY).flops != space.workload(arch).flops


def test_work_of_cells_is_in_proportion_to_the_pixels():
    twice = Dataset("large", (3, 64, 64), 10)
    assert [c.shape[2] for c in convolutions(CELLS.graph(0, twice))] == [
        2 * c.shape[2] for c in convolutions(CELLS.graph(0))
    ]


def test_fbnet_strides_five_times_from_128_pixels_on():
    skips = ["skip"] * 22
    small = BLOCKS.graph(skips, Dataset("s", (3, 124, 124), 7))
    large = BLOCKS.graph(skips, Dataset("l", (3, 128, 132), 7))
    assert convolutions(small)[-1].shape == (1, 1504, 16, 16)
    assert convolutions(large)[-1].shape == (1, 1984, 4, 5)
    assert large.output_shapes == ((1, 7),)
    same = Dataset("mine", (3, 224, 224), 1000)
    assert BLOCKS.workload(skips, same) == BLOCKS.workload(skips, "ImageNet")


def test_id_holds_the_shape():
    assert DARCY.id == "darcy_1x88x88_1" == dataset_id("nasbench201", DARCY)
    known = dataset_of_id("darcy_1x88x88_1")
    assert (known.input_shape, known.n_classes, known.id) == ((1, 88, 88), 1, DARCY.id)
    assert Dataset("My-Images", (3, 8, 8), 2).id == "my_images_3x8x8_2"
    for no in ("darcy", "darcy_1x88_1", "_1x0x8_2", "darcy_1x8x8_0"):
        assert dataset_of_id(no) is None
    key = CostKey.parse("nasbench201-my_pi-latency-darcy_1x88x88_1")
    assert key.dataset_name == DARCY.id
    assert CELLS.dataset(pickle.loads(pickle.dumps(DARCY))).input_shape == (1, 88, 88)


def test_the_name_alone_will_do_where_it_stands_for_one_shape():
    once = Dataset("seen_once", (1, 16, 16), 4)
    with pytest.raises(UnknownNameError, match="dataset of nasbench201 must be one of"):
        CELLS.check_dataset("seen_once")
    assert CELLS.check_dataset(once) == CELLS.check_dataset("seen_once") == once.id
    CELLS.check_dataset(Dataset("seen_once", (1, 32, 32), 4))
    with pytest.raises(UnknownNameError, match="'seen_once'"):
        CELLS.check_dataset("seen_once")


def test_a_declared_dataset_keeps_its_name():
    assert CELLS.check_dataset(Dataset("cifar10", (3, 32, 32), 10)) == "cifar10"
    assert CELLS.check_dataset(Dataset("cifar100", (1, 28, 28), 10)) == "cifar100_1x28x28_10"


@pytest.mark.parametrize(
    ("space", "shape", "rule"),
    [
        ("nasbench201", (1, 30, 32), "have a height and width that 4 divides"),
        ("natsbench_size", (1, 32, 30), "have a height and width that 4 divides"),
        ("autoformer_tiny", (1, 15, 32), "have at least the 16 pixels of a patch a side"),
    ],
)
def test_what_a_space_cannot_take(space, shape, rule):
    with pytest.raises(ArchcostError, match=f"an input of {space} must {rule}"):
        SPACES[space].graph(SPACES[space].sample(1)[0], Dataset("no", shape, 2))


def test_config_dicts_obey_the_dataset_or_are_refused():
    config = {"name": "infer.tiny", "C": 16, "N": 5, "arch_str": CELLS.format(5)}
    assert CELLS.graph({**config, "num_classes": 1}, DARCY).input_shapes == ((1, 1, 88, 88),)
    assert CELLS.graph({**config, "num_classes": 100}).output_shapes == ((1, 100),)
    named = {**config, "dataset": DARCY.id}
    assert CELLS.graph(named).input_shapes == ((1, 1, 88, 88),)
    for given, dataset in (
        ({**config, "num_classes": 10}, DARCY),
        ({**config, "num_classes": 1}, None),
        (named, "cifar10"),
        ({**named, "num_classes": 2}, None),
    ):
        with pytest.raises(ArchitectureError, match="a config of nasbench201 must be"):
            CELLS.graph(given, dataset)
    block = {"dataset": DARCY.id, "num_classes": 1, "op_idx_list": [0] * 22}
    assert BLOCKS.graph(block).output_shapes == ((1, 1),)


def test_tables_keep_the_dataset(tmp_path):
    table = CostTable.from_costs(CELLS, CELLS.sample(3), [1, 2, 3], device="pi", dataset=DARCY)
    read = CostTable.read(table.write(tmp_path / "t.parquet"))
    assert [str(key) for key in read.keys()] == ["nasbench201-pi-latency-darcy_1x88x88_1"]  # noqa: SIM118
    for name in (DARCY, DARCY.id, "darcy"):
        assert len(read.select(dataset=name)) == 3
    with pytest.raises(UnknownNameError, match="dataset of this table"):
        read.select(dataset=Dataset("darcy", (1, 44, 44), 1))


def test_shapes_as_the_command_line_takes_them():
    assert parse_shape("1x88x88") == parse_shape("1,88,88") == (1, 88, 88)
    with pytest.raises(ArchcostError, match="such as 1x88x88, but got '88x88'"):
        parse_shape("88x88")
    for no_text in ((1, 88, 88), b"1x88x88", None):
        with pytest.raises(ArchcostError, match="such as 1x88x88"):
            parse_shape(no_text)


def test_names_of_datasets():
    with pytest.raises(ArchcostError, match="made of letters, digits, - and _"):
        Dataset("my images", (1, 8, 8), 2)
