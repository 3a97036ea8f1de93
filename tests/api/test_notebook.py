from html.parser import HTMLParser

import numpy as np
import pytest

import archcost
from archcost.datasets import CostTable
from archcost.notebook import LONGEST_CELL, card_html
from archcost.spaces import SPACES, get_space


class Cells(HTMLParser):
    """Collect the texts of the cells, and check that what is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.tags = [], [], set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data)


def test_every_text_is_escaped_and_bounded():
    evil = "<script>alert('&')</script>"
    cells = Cells(card_html(evil, {evil: evil}, [evil], [[evil], ["x" * 1000]]))
    assert cells.texts[:5] == [evil] * 5
    assert cells.tags <= {"div", "strong", "table", "thead", "tbody", "tr", "th", "td"}
    assert len(cells.texts[5]) == LONGEST_CELL + 4


def test_what_is_not_known_is_left_out():
    assert Cells(card_html("a", {"b": None, "c": "", "d": 0})).texts == ["a", "d", "0"]
    assert card_html("a", {}) == "<div><strong>a</strong></div>"


def test_cost_model():
    model = archcost.load("raspi4", space="nasbench201")
    texts = Cells(model._repr_html_()).texts
    assert texts[0] == "CostModel: latency in ms of nasbench201 on Raspberry Pi 4"
    facts = dict(zip(texts[1::2], texts[2::2], strict=True))
    assert facts["key"] == "nasbench201-raspi4-latency-cifar10"
    assert facts["trained on (architectures)"] == "15,625"
    assert facts["Spearman, held out"] == f"{model.manifest.scores['spearman']:.4g}"


def test_cost_table():
    archs = [[3, 0, 1, 0, 0, 2], [3, 3, 1, 0, 0, 2], [3, 3, 3, 0, 0, 2]]
    costs = [7.3, 9.1, np.nan]
    status = ["ok", "ok", "timed_out"]
    table = CostTable.from_costs(
        "nasbench201", archs, costs, device="my_board", status=status,
        provenance={"runtime": "<torch>"},
    )  # fmt: skip
    texts = Cells(table._repr_html_()).texts
    assert "<torch>" in texts
    assert "2 ok, 1 timed_out" in texts
    assert texts[-7:] == [
        "nasbench201-my_board-latency-cifar10", "3", "2", "7.3", "8.2", "9.1", "ms",
    ]  # fmt: skip


def test_a_table_without_any_cost_shows_itself():
    table = CostTable.from_costs(
        "nasbench201", [[3, 0, 1, 0, 0, 2]], [np.nan], device="my_board", status="timed_out"
    )
    assert "1 timed_out" in Cells(table._repr_html_()).texts


@pytest.mark.parametrize("name", SPACES)
def test_spaces(name):
    space = get_space(name)
    texts = Cells(space._repr_html_()).texts
    assert texts[0] == f"{type(space).__name__}: {name}"
    assert texts[texts.index("an architecture") + 1].removesuffix(" ...")[:20] in space.format(
        space.sample(1)[0]
    )
    assert texts[-2 * space.n_positions :: 2] == list(space.positions)
