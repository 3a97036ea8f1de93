import re
from dataclasses import replace
from pathlib import Path

import pytest

from archcost.errors import ArchcostError, MissingDataError, UnknownNameError
from archcost.simulating import get_simulator
from archcost.simulating.accelerator import accelerators, load_accelerator
from archcost.simulating.zigzag_description import zigzag_description

SHIPPED = accelerators()
ZIGZAG = [name for name in SHIPPED if load_accelerator(name).simulator == "zigzag"]


def written(folder, changes, name="my_npu.toml", base="eyeriss_like"):
    """Write a shipped description with each pattern replaced where it first occurs."""
    text = SHIPPED[base].read_text()
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, replacement, text, count=1, flags=re.MULTILINE)
        assert count == 1, pattern
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_descriptions_are_valid(name):
    accelerator = load_accelerator(name)
    assert accelerator.id == name
    assert get_simulator(accelerator).name == accelerator.simulator


def test_the_page_explains_every_key():
    page = (Path(__file__).parents[2] / "docs" / "simulate.md").read_text()
    for name in ZIGZAG:
        # The names of the array's dimensions are the author's own.
        settings = load_accelerator(name).settings
        dimensions = set(settings["array"]["sizes"])
        unexplained = [key for key in keys_in(settings) - dimensions if f"`{key}`" not in page]
        assert not [key for key in unexplained if not re.search(rf"[\[.]{key}\]", page)]


def keys_in(value):
    """Return the keys of nested sections."""
    if isinstance(value, dict):
        return set(value) | keys_in(list(value.values()))
    return set().union(*map(keys_in, value)) if isinstance(value, list) else set()


def test_figures_of_the_eyeriss_paper():
    description = zigzag_description(load_accelerator("eyeriss_like"))
    assert dict(description.array.sizes) == {"rows": 12, "columns": 14}
    assert description.clock_mhz == 200
    words = {memory.name: memory.size_bytes // 2 for memory in description.memories}
    assert (words["filter_spad"], words["input_spad"], words["sum_spad"]) == (224, 12, 24)


def test_fpga_fits_the_board():
    description = zigzag_description(load_accelerator("fpga_like"))
    arrays = (description.array, description.depthwise_array)
    assert sum(array.sizes["rows"] * array.sizes["columns"] for array in arrays) <= 900
    block_ram = [memory for memory in description.memories if memory.name.endswith("_buffer")]
    assert sum(memory.size_bytes for memory in block_ram) <= 19.2e6 / 8


def test_a_copy_is_an_accelerator_of_its_own(tmp_path):
    accelerator = load_accelerator(written(tmp_path, {"columns = 14": "columns = 28"}))
    assert accelerator.id == "my_npu"
    assert zigzag_description(accelerator).array.sizes["columns"] == 28


def test_hash_is_of_the_figures_not_the_words(tmp_path):
    shipped = load_accelerator("eyeriss_like")
    words = load_accelerator(written(tmp_path, {"^name = .*": 'name = "Mine"', "^# An.*": "# Hi"}))
    assert words.sha256 == shipped.sha256
    faster = load_accelerator(written(tmp_path, {"clock_mhz = 200": "clock_mhz = 201"}))
    assert faster.sha256 != shipped.sha256


def test_describe_is_the_whole_file(tmp_path):
    described = load_accelerator("fpga_like").describe()
    assert described["id"] == "fpga_like"
    assert described["array"]["sizes"] == {"rows": 8, "columns": 16}
    assert set(described) >= {"simulator", "name", "description", "source", "memories"}


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("eyeris_like", UnknownNameError, "did you mean 'eyeriss_like'?"),
        ("nowhere.toml", MissingDataError, "--show eyeriss_like"),
    ],
)
def test_no_such_accelerator(name, error, message):
    with pytest.raises(error, match=message):
        load_accelerator(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("eyeriss.toml", "must not be named like a known device.*eyeriss_like.toml"),
        ("cpu_litert.toml", "must not be named like a known device.*cpu_litert_like.toml"),
        ("eyeriss_like.toml", "must not be named like another accelerator.*my_eyeriss_like.toml"),
        ("My-NPU.toml", "a device id must be made of a-z"),
    ],
)
def test_a_copy_must_have_a_name_of_its_own(tmp_path, name, message):
    path = written(tmp_path, {"columns = 14": "columns = 28"}, name=name)
    with pytest.raises(ArchcostError, match=message):
        load_accelerator(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clock = = 3", "must be a TOML file"),
        ("clock_mhz = 3", "simulator in .*my_npu.toml must be a text in quotes, but got None"),
        ('simulator = ""', "simulator in .* must be a text in quotes, but got ''"),
    ],
)
def test_no_description(tmp_path, text, message):
    path = tmp_path / "my_npu.toml"
    path.write_text(text)
    with pytest.raises(ArchcostError, match=message):
        load_accelerator(path)


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        ('^simulator = "zigzag"', 'simulator = "zagzag"', "did you mean 'zigzag'?"),
        ("^clock_mhz = 200", "clock = 200", "key in my_npu.toml .* did you mean 'clock_mhz'?"),
        ("^clock_mhz = 200", "", "my_npu.toml must have the key 'clock_mhz'"),
        ("^clock_mhz = 200", "clock_mhz = 0", "must be a number above 0, but got 0"),
        ("^clock_mhz = 200", 'clock_mhz = "200"', "must be a number above 0, but got '200'"),
        ("^clock_mhz = 200", "clock_mhz = inf", "must be a number above 0, but got inf"),
        ("^mac_pj = 2.0", "mac_pj = -2", r"mac_pj in \[array\] of my_npu.toml .* at least 0"),
        ("^sizes = .*", "sizes = { rows = 12.5 }", "rows in sizes in .* an integer of at least 1"),
        ("^sizes = .*", "sizes = {}", "must name 1 to 4 dimensions of the array"),
        ("^sizes = .*", 'sizes = { "a b" = 3 }', "must have names made of a-z and _"),
        ("^sizes = .*", "sizes = { rows = 3 }", "a key in mappings number 1 .* 'columns'"),
        ("filter_height", "filter_hight", "did you mean 'filter_height'?"),
        ("^bytes = 448", "byte = 448", "did you mean 'bytes'?"),
        ("^bytes = 448", "bytes = 0", "number 1 of my_npu.toml must be an integer of at least 1"),
        ("^ports = 2", "ports = 3", "ports in .* must be 1, 2 or 4, but got 3"),
        ("^bits_per_cycle = 16", "bits_per_cycle = 8", "must be an integer of at least 16"),
        ('^name = "input_spad"', 'name = "filter_spad"', "one that no other memory has"),
        (r"^shared_by = \[\]", 'shared_by = ["row"]', "did you mean 'rows'?"),
        (r"^shared_by = \[\]", 'shared_by = "rows"', "must be a list of texts, but got 'rows'"),
        (
            r'^holds = \["inputs", "weights", "outputs"\]',
            'holds = ["inputs"]',
            "that holds 'weights'",
        ),
        ('^average_pooling = "convolution"', 'average_pooling = "dense"', "average_pooling in"),
        ('^unroll = "divisors"', 'unroll = "all"', r"unroll in \[search\] of my_npu.toml must be"),
        ("^loop_splits = 5", "loop_splits = 0", "loop_splits in .* an integer of at least 1"),
        (r"^\[search\]", "power_w = 7\n[search]", r"a key in \[execution\] of my_npu"),
    ],
)
def test_errors_name_rule_value_and_remedy(tmp_path, pattern, replacement, message):
    accelerator = load_accelerator(written(tmp_path, {pattern: replacement}))
    with pytest.raises(ArchcostError, match=message):
        get_simulator(accelerator)


def test_a_memory_is_shared_by_all_that_the_one_inside_it_is():
    accelerator = load_accelerator("edge_tpu_like")
    memories = [dict(memory) for memory in accelerator.settings["memories"]]
    memories[2]["shared_by"] = ["width"]
    accelerator = replace(accelerator, settings=accelerator.settings | {"memories": memories})
    with pytest.raises(ArchcostError, match="must name all that 'weight_register' inside it"):
        get_simulator(accelerator)


def test_fixed_power_needs_no_energies_and_allows_no_other_aim(tmp_path):
    fpga = written(tmp_path, {"^power_w = .*": ""}, base="fpga_like")
    with pytest.raises(ArchcostError, match="must have the key 'mac_pj'"):
        get_simulator(load_accelerator(fpga))
    eyeriss = written(tmp_path, {"^clock_mhz = 200": "clock_mhz = 200\npower_w = 1.5"})
    with pytest.raises(ArchcostError, match=r"choose in \[search\] .* 'latency' where power_w is"):
        get_simulator(load_accelerator(eyeriss))


def test_arrays_have_the_same_dimensions(tmp_path):
    changes = {
        r"rows = 25, columns = 16": "taps = 25, columns = 16",
        r'^rows = \["filter_height", "fi': r'taps = ["filter_height", "fi',
    }
    with pytest.raises(ArchcostError, match=r"must name the dimensions of \[array\]"):
        get_simulator(load_accelerator(written(tmp_path, changes, base="fpga_like")))
