import numpy as np
import pytest

from archcost.errors import ArchcostError, UnknownNameError
from archcost.networks import graph_layers, graph_work
from archcost.zoo import NETWORKS, is_zoo_name, zoo_network

# Parameters and GMACs as torchvision 0.29 publishes them with its weights (`num_params`, `_ops`,
# at the resolution of its crops); for names that torchvision lacks as timm 1.0.31 builds them, and
# timm's results/benchmark-infer-*.csv have GMACs.
TORCHVISION = {
    "resnet18": (11_689_512, 1.814),
    "resnet34": (21_797_672, 3.664),
    "resnet50": (25_557_032, 4.089),
    "resnet101": (44_549_160, 7.801),
    "resnext50_32x4d": (25_028_904, 4.23),
    "wide_resnet50_2": (68_883_240, 11.398),
    "mobilenetv2_100": (3_504_872, 0.301),
    "mobilenetv3_small_100": (2_542_856, 0.057),
    "mobilenetv3_large_100": (5_483_032, 0.217),
    "efficientnet_b0": (5_288_548, 0.386),
    "efficientnet_b1": (7_794_184, 0.687),
    "efficientnet_b2@288": (9_109_994, 1.088),
    "efficientnet_b3": (12_233_232, 1.827),
    "mnasnet_050": (2_218_512, 0.104),
    "mnasnet_100": (4_383_312, 0.314),
    "shufflenet_v2_x0_5": (1_366_792, 0.04),
    "shufflenet_v2_x1_0": (2_278_604, 0.145),
    "shufflenet_v2_x1_5": (3_503_624, 0.296),
    "shufflenet_v2_x2_0": (7_393_996, 0.583),
    "regnetx_008": (7_259_656, 0.8),
    "regnetx_016": (9_190_136, 1.603),
    "regnetx_032": (15_296_552, 3.177),
    "regnety_004": (4_344_144, 0.402),
    "regnety_016": (11_202_430, 1.612),
    "regnety_032": (19_436_338, 3.176),
    "convnext_tiny": (28_589_128, 4.456),
    "convnext_small": (50_223_688, 8.684),
    "vit_base_patch16": (86_567_656, 17.564),
    "swin_tiny": (28_288_354, 4.491),
    "swin_small": (49_606_258, 8.741),
    "squeezenet1_1": (1_235_496, 0.349),
    "densenet121": (7_978_856, 2.834),
    "vgg11": (132_863_336, 7.609),
    "vgg16": (138_357_544, 15.47),
}

TIMM = {
    "resnet26": 15_995_176,
    "mobilenetv1_100": 4_231_976,
    "mobilenetv2_035": 1_677_128,
    "mobilenetv2_050": 1_968_680,
    "mobilenetv2_140": 6_108_776,
    "mobilenetv3_small_050": 1_593_224,
    "mobilenetv3_small_075": 2_041_872,
    "mobilenetv3_large_075": 3_993_528,
    "efficientnet_lite0": 4_652_008,
    "semnasnet_100": 3_887_038,
    "fbnetc_100": 5_572_200,
    "ghostnet_100": 5_182_508,
    "regnetx_002": 2_684_792,
    "regnetx_004": 5_157_512,
    "regnety_002": 3_162_996,
    "regnety_008": 6_263_168,
    "convnext_atto": 3_695_520,
    "convnext_femto": 5_217_784,
    "vit_tiny_patch16": 5_717_416,
    "vit_small_patch16": 22_050_664,
    "vit_small_patch32": 22_878_952,
    "mixer_s32": 19_104_624,
    "mixer_s16": 18_528_264,
    "mixer_b16": 59_880_472,
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_parameters_and_macs_are_those_of_torchvision(name):
    work = graph_work(zoo_network(name))
    params, gmacs = TORCHVISION[name]
    assert work.params == params
    assert work.macs / 1e9 == pytest.approx(gmacs, abs=5.1e-4)


@pytest.mark.parametrize("name", TIMM)
def test_parameters_are_those_of_timm(name):
    assert graph_work(zoo_network(name)).params == TIMM[name]


def test_every_network_is_compared():
    assert {name.partition("@")[0] for name in (*TORCHVISION, *TIMM)} == set(NETWORKS)


def test_layers_hold_all_parameters_and_scores_are_of_1000_classes():
    for name in NETWORKS:
        graph = zoo_network(name)
        assert graph.output_shapes == ((1, 1000),)
        layers = graph_layers(graph)
        assert sum(layer.params for layer in layers) == graph_work(graph).params


def test_side_and_batch_follow_the_reference():
    graph = zoo_network("resnet18@96", batch_size=3)
    assert graph.input_shapes == ((3, 3, 96, 96),)
    assert zoo_network("resnet18@224") == zoo_network("resnet18")
    assert zoo_network("efficientnet_b3").input_shapes == ((1, 3, 300, 300),)
    whole, part = (graph_work(zoo_network(f"vit_tiny_patch16@{side}")) for side in (224, 112))
    # Four times fewer patches: tokens are 197 and 50, positions as many parameters fewer.
    assert whole.params - part.params == (197 - 50) * 192
    # Windows are as large as the image of the last stage: relative positions of 7 and of 8 pixels.
    heads = 2 * 3 + 2 * 6 + 6 * 12 + 2 * 24
    seven, eight = (graph_work(zoo_network(f"swin_tiny@{side}")).params for side in (224, 256))
    assert eight - seven == heads * (15**2 - 13**2)


def test_batches_do_the_work_of_their_images():
    for name in ("swin_tiny", "vit_tiny_patch16", "shufflenet_v2_x0_5"):
        one, four = (graph_work(zoo_network(name, batch_size=n)) for n in (1, 4))
        assert four.macs == 4 * one.macs
        assert four.params == one.params


def test_bad_references_are_refused():
    with pytest.raises(
        UnknownNameError, match=r"network must be one of .* did you mean 'resnet50'"
    ):
        zoo_network("resnet5O")
    with pytest.raises(ArchcostError, match=r"as in 'resnet50@224', but got 'resnet50@big'"):
        zoo_network("resnet50@big")
    with pytest.raises(
        ArchcostError, match=r"swin_tiny cannot take an image of side 100: .* of 32"
    ):
        zoo_network("swin_tiny@100")
    with pytest.raises(ArchcostError, match=r"vgg11 cannot take an image of side 160"):
        zoo_network("vgg11@160")
    with pytest.raises(ArchcostError, match=r"vit_tiny_patch16 cannot take .* multiples of 16"):
        zoo_network("vit_tiny_patch16@100")


def test_names_of_the_zoo_are_no_files_and_no_other_references():
    assert is_zoo_name("resnet50")
    assert is_zoo_name("resnet50@160")
    assert is_zoo_name("probe_0_017")
    for other in ("resnet50.onnx", "timm:resnet50", "torchvision:resnet50", "probe_0_017@224", ""):
        assert not is_zoo_name(other)


@pytest.mark.parametrize("name", ["shufflenet_v2_x0_5", "squeezenet1_1"])
def test_networks_run_in_torch(name):
    torch = pytest.importorskip("torch")
    from archcost.networks.torch_module import torch_module

    graph = zoo_network(f"{name}@96", batch_size=2)
    images = torch.randn(graph.input_shapes[0], generator=torch.Generator().manual_seed(0))
    module = torch_module(graph)
    with torch.no_grad():
        both = module(images)
        swapped = module(images.flip(0))
    assert both.shape == (2, 1000)
    np.testing.assert_allclose(both.flip(0).numpy(), swapped.numpy(), rtol=1e-3, atol=1e-4)
