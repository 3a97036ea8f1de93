import pytest

from archcost.datasets import CostKey
from archcost.datasets.cost_key import dataset_id
from archcost.errors import UnknownNameError


def test_a_key_is_spelled_in_one_way():
    key = CostKey("nasbench201", "titanx_64", "energy", "ImageNet16-120")
    assert str(key) == "nasbench201-titanx_64-energy-imagenet16_120"
    assert CostKey.parse(str(key)) == key
    assert key.dataset_name == "ImageNet16-120"
    assert key.unit == "mJ"
    assert dataset_id("fbnet") == "cifar100"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("nasbench301", "raspi4", "latency", "cifar10"), "did you mean 'nasbench201'"),
        (("nasbench201", "Raspi 4", "latency", "cifar10"), "made of a-z, 0-9 and _"),
        (("nasbench201", "", "latency", "cifar10"), "device id"),
        (("nasbench201", "raspi4", "latencies", "cifar10"), "did you mean 'latency'"),
        (("nasbench201", "raspi4", "latency", "cifar1"), "did you mean 'cifar10'"),
        (("fbnet", "raspi4", "latency", "cifar10"), "dataset of fbnet must be one of"),
    ],
)
def test_a_wrong_part_is_named(parts, message):
    with pytest.raises(UnknownNameError, match=message):
        CostKey(*parts)


def test_a_string_of_another_shape_is_no_key():
    with pytest.raises(UnknownNameError, match="space-device-metric-dataset"):
        CostKey.parse("raspi4-latency")
