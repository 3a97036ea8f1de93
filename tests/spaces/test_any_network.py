import json
import pickle

import numpy as np
import pytest

from archcost.errors import ArchitectureError, IntegrityError, MissingDataError, UnknownNameError
from archcost.networks import Graph, GraphBuilder
from archcost.reading import model_libraries
from archcost.spaces import SPACES, AnyNetwork, get_space, infer_space
from archcost.spaces.any_network import family_of, is_network
from archcost.spaces.known_networks import KnownNetworks
from archcost.zoo import probes, zoo_network

ANY = get_space("any")


def small_graph(channels=8):
    builder = GraphBuilder()
    return builder.graph(builder.conv(builder.input((3, 16, 16)), channels, 3, name="conv"))


def test_any_is_a_space_of_its_own():
    assert isinstance(ANY, AnyNetwork)
    assert "any" not in SPACES
    assert get_space(AnyNetwork()) is ANY
    assert get_space(pickle.loads(pickle.dumps(ANY))) is ANY


def test_one_network_has_one_number_in_every_form():
    graph = zoo_network("resnet18@160")
    ops = ANY.parse("resnet18@160")
    assert ops.shape == (1,)
    assert ANY.format(ops) == graph.digest
    for form in (graph, graph.digest, ops, ops.tolist(), " resnet18@160 "):
        assert (ANY.parse(form) == ops).all()
    assert ANY.graph(ops) == graph
    assert ANY.names([graph]) == ["resnet18@160"]


def test_batch_size_is_part_of_the_reference():
    eight = ANY.parse("resnet18@160#8")
    assert ANY.graph(eight).input_shapes == ((8, 3, 160, 160),)
    assert ANY.batch_sizes([eight, ANY.parse("resnet18@160")]) == [8, 1]
    assert (ANY.with_batch_size([ANY.parse("resnet18@160"), eight], 8) == eight).all()
    assert ANY.graph(eight, batch_size=8).input_shapes[0][0] == 8
    with pytest.raises(ArchitectureError, match="of 8, is asked for at 4; give it as NAME#4"):
        ANY.graph(eight, batch_size=4)


def test_several_networks_and_single_ones_are_told_apart():
    assert ANY.is_single("resnet18")
    assert ANY.is_single(small_graph())
    assert ANY.is_single(ANY.parse("resnet18"))
    assert not ANY.is_single(["resnet18"])
    assert ANY.parse_many(["resnet18", small_graph()]).shape == (2, 1)
    with pytest.raises(ArchitectureError, match="sequence of networks"):
        ANY.parse_many("resnet18")


@pytest.mark.parametrize("given", ["timmy", 10**6, -1, 1.5, [1, 2], {"a": 1}, None, "resnet18@0"])
def test_what_is_no_network_is_refused(given):
    with pytest.raises((ArchitectureError, UnknownNameError)):
        ANY.parse(given)


def test_a_digest_alone_says_nothing():
    with pytest.raises(ArchitectureError, match="must come with its graph"):
        ANY.parse("0" * 64)


def test_networks_are_told_from_architectures():
    assert infer_space("resnet18") is ANY
    assert infer_space([small_graph()]) is ANY
    assert infer_space("-".join(["skip"] * 22)).name == "fbnet"
    assert is_network("mine.onnx#8")
    assert not is_network("|nor_conv_3x3~0|")
    with pytest.raises(ArchitectureError, match="no search space accepts"):
        infer_space("nonsense")


def test_there_is_nothing_to_choose():
    rng = np.random.default_rng(0)
    for ask in (
        lambda: ANY.neighbours("resnet18"), lambda: ANY.draw(2, rng),
        lambda: ANY.index("resnet18"), lambda: ANY.from_index(0),
    ):  # fmt: skip
        with pytest.raises(ArchitectureError, match="must have positions"):
            ask()
    assert not ANY.is_enumerable


def test_sample_is_of_probes():
    drawn = ANY.sample(3, seed=2)
    assert [ANY.graph(row) for row in drawn] == list(probes(3, 2).values())
    with pytest.raises(ArchitectureError, match="0 or more"):
        ANY.sample(-1)


def test_families_are_first_words():
    names = {
        "regnety_002@224": "regnety", "timm:regnety_004": "regnety", "resnet18#8": "resnet",
        "/models/My-Net_2.onnx": "my", "probe_0_017": "probe_0_017", "torchvision:vgg11": "vgg",
        "space::fbnet::cifar100::k3_e1": "space::fbnet",
    }  # fmt: skip
    assert {name: family_of(name) for name in names} == names


def test_definitions_carry_networks_to_another_process():
    graph = small_graph(12)
    digest = ANY.format(graph)
    found = ANY.definitions([graph])
    assert list(found) == [digest]
    name, _, text = found[digest].partition("\n")
    assert json.loads(name) == ""
    known = KnownNetworks()
    number = known.add_text(digest, "mine", text)
    assert known.graph(number) == graph
    assert known.number(digest) == number == known.add(graph, "other")
    assert known[number].name == "other"


def test_a_graph_must_be_that_of_its_digest():
    known = KnownNetworks()
    number = known.add_text("0" * 64, "mine", small_graph().to_json())
    with pytest.raises(IntegrityError, match="of mine must have the digest 0000"):
        known.graph(number)
    with pytest.raises(IntegrityError, match="64 hexadecimal digits"):
        known.add_text("../x", "mine", "")


def test_other_spaces_need_no_definitions():
    cells = get_space("nasbench201")
    assert cells.definitions(cells.sample(2)) == {}
    cells.define({})
    with pytest.raises(ArchitectureError, match="say everything"):
        cells.define({"a": "b"})
    assert cells.names(cells.sample(1)) == cells.format_many(cells.sample(1))


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["nodes"][1].__setitem__(0, "explode"),
        lambda c: c["nodes"][1].__setitem__(1, [1]),
        lambda c: c["nodes"][1].__setitem__(2, [1, -3]),
        lambda c: c["nodes"][1].__setitem__(3, {"kernel": [[[[[3]]]]]}),
        lambda c: c["nodes"][1].__setitem__(3, {"kernel": {"a": 3}}),
        lambda c: c["nodes"][1].__setitem__(4, 7),
        lambda c: c["nodes"][1].__setitem__(5, "fp99"),
        lambda c: c["nodes"][1].pop(),
        lambda c: c.__setitem__("outputs", [7]),
        lambda c: c.__setitem__("outputs", []),
        lambda c: c.__delitem__("fields"),
    ],
)
def test_damaged_json_of_a_graph_is_refused(change):
    content = json.loads(small_graph().to_json())
    change(content)
    with pytest.raises(IntegrityError, match=r"must be text that Graph\.to_json wrote"):
        Graph.from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["", "[]", "7", "{", "[" * 100_000, '{"fields": 1}'])
def test_garbage_is_no_graph(text):
    with pytest.raises(IntegrityError, match=r"must be text that Graph\.to_json wrote"):
        Graph.from_json(text)


def test_batch_sizes_of_graphs_that_are_not_read_yet():
    graph = zoo_network("resnet18@64", batch_size=3)
    known = KnownNetworks()
    number = known.add_text(graph.digest, "", graph.to_json())
    assert known.batch_size(number) == 3
    assert isinstance(known[number].graph, str)  # nothing was read
    odd = known.add_text("0" * 64, "", " " + graph.to_json())
    with pytest.raises(IntegrityError, match="must have the digest"):
        known.batch_size(odd)


@pytest.mark.parametrize("given", [{}, {"resnet18@64": 1}, {"resnet18@64"}, np.array(0)])
def test_what_is_no_list_of_networks_is_refused(given):
    with pytest.raises(ArchitectureError, match="must be a list of networks, or a single one"):
        AnyNetwork().networks(given)


@pytest.mark.parametrize("side", ["0", "-1", "", "99999", "8x8"])
def test_sides_of_images_are_within_reason(side):
    with pytest.raises(ArchitectureError, match="must stand the image's side in pixels, 1 to 9999"):
        AnyNetwork().parse(f"resnet18@{side}")


def test_a_library_that_cannot_be_imported_is_named(monkeypatch):
    def broken(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(model_libraries, "installed_version", lambda *_: "1")
    monkeypatch.setattr(model_libraries, "import_module", broken)
    with pytest.raises(MissingDataError, match=r"timm must be .* imported, .*nms.* fit together"):
        model_libraries.read_library_model("timm:resnet18")
