"""Forms of other tools are told, and the error names the converter, which then reads them."""

import numpy as np
import pytest

import archcost
from archcost.errors import ArchitectureError
from archcost.spaces import (
    NASBench201,
    from_fbnet,
    from_hpobench,
    from_naslib,
    from_nni,
    from_xautodl,
    get_space,
    infer_space,
)
from archcost.spaces.foreign_forms import cell_hint, fbnet_hint

# One cell, each time written down by hand as the tool's own documentation has it:
# |nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
NNI = {"0_1": "conv_3x3", "0_2": "none", "0_3": "none", "1_2": "skip_connect", "1_3": "none",
       "2_3": "conv_1x1"}  # fmt: skip
HPOBENCH = {"1<-0": "nor_conv_3x3", "2<-0": "none", "2<-1": "skip_connect", "3<-0": "none",
            "3<-1": "none", "3<-2": "nor_conv_1x1"}  # fmt: skip
XAUTODL = [(("nor_conv_3x3", 0),), (("none", 0), ("skip_connect", 1)),
           (("none", 0), ("none", 1), ("nor_conv_1x1", 2))]  # fmt: skip
NASLIB = (2, 1, 1, 0, 1, 3)
FBNET = ["ir_k3_e6", "ir_k5_s2", *["skip"] * 20]


class Genotype:
    """As xautodl's ``CellStructure``: it holds its nodes."""

    nodes = XAUTODL


@pytest.mark.parametrize(
    ("convert", "given"),
    [
        (from_nni, NNI),
        (from_hpobench, HPOBENCH),
        (from_xautodl, XAUTODL),
        (from_xautodl, Genotype()),
        (from_naslib, NASLIB),
    ],
)
def test_one_cell_in_every_dialect(convert, given):
    assert NASBench201().format(convert(given)) == CELL


@pytest.mark.parametrize(
    ("given", "converter"),
    [
        (NNI, "from_nni"),
        (dict(list(NNI.items())[:2]), "from_nni"),
        (HPOBENCH, "from_hpobench"),
        (XAUTODL, "from_xautodl"),
        ([list(map(list, node)) for node in XAUTODL], "from_xautodl"),
        (Genotype(), "from_xautodl"),
        ("(2, 1, 1, 0, 1, 3)", "from_naslib"),
        (" [2,1,1,0,1,3]", "from_naslib"),
        (FBNET, "from_fbnet"),
        (tuple(FBNET), "from_fbnet"),
        ("-".join(FBNET), "from_fbnet"),
        (["k3_s2"] + ["skip"] * 21, "from_fbnet"),
    ],
)
def test_errors_name_the_converter(given, converter):
    space = get_space("fbnet" if converter == "from_fbnet" else "nasbench201")
    for refuse in (infer_space, space.parse, lambda x: archcost.predict(x, "raspi4")):
        with pytest.raises(ArchitectureError, match=rf"archcost\.spaces\.{converter}\("):
            refuse(given)


@pytest.mark.parametrize(
    "given", [CELL, "skip", {}, {"ks": []}, [], [[]], [1, 2, 3], ["skip"] * 22, 7, None, ("a", 0)]
)
def test_other_forms_get_no_hint(given):
    assert cell_hint(given) == ""
    assert fbnet_hint(given) == ""


def test_numbers_of_naslib_are_another_cell_and_cannot_be_told():
    assert cell_hint(NASLIB) == ""
    ops = NASBench201().parse(NASLIB)
    assert not np.array_equal(ops, from_naslib(NASLIB))


def test_blocks_of_fbnet_by_hand():
    ops = from_fbnet(FBNET)
    names = [get_space("fbnet").op_names[op] for op in ops[:3]]
    assert names == ["k3_e6", "k5_e1_g2", "skip"]
