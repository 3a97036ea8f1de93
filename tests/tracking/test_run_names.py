"""Names of runs and of costs, as short as they can be."""

from archcost.datasets import CostKey
from archcost.tracking.run_names import LONGEST, run_name, short_labels, shortened


def test_labels_are_as_short_as_they_can_be():
    keys = [
        CostKey("fbnet", device, metric, "cifar100")
        for device, metric in (("fpga", "latency"), ("fpga", "energy"), ("raspi4", "latency"))
    ]
    assert list(short_labels(keys).values()) == ["fpga latency", "fpga energy", "raspi4"]


def test_a_device_of_two_spaces_says_which():
    keys = [
        CostKey.parse("fbnet-a-latency-cifar100"),
        CostKey.parse("nasbench201-a-latency-cifar10"),
    ]
    assert list(short_labels(keys).values()) == ["a fbnet cifar100", "a nasbench201 cifar10"]


def test_names_fit_into_mlflow():
    assert len(run_name("ridge", "x" * 300)) == LONGEST
    assert shortened(["a", "b"], most=1) == "a, b"
    assert shortened(["a", "b", "c"], most=1) == "a and 2 more"
    assert shortened(["a", "a"]) == "a"
