"""Splits: disjoint, complete, fixed by their seed, and whole groups on one side."""

import numpy as np
import pytest

from archcost.errors import CostTableError, UnknownNameError
from archcost.spaces import FBNet, NASBench201
from archcost.spaces.cell_graph import canonical
from archcost.training.splits import isomorphism_groups, split_rows

SPACE = NASBench201()
OPS = SPACE.sample(500, seed=1)


@pytest.mark.parametrize("method", ["random", "isomorphic"])
def test_parts_are_disjoint_and_complete(method):
    split = split_rows(SPACE, OPS, test_share=0.3, validation_share=0.1, method=method)
    assert [len(split.train), len(split.validation), len(split.test)] == [300, 50, 150]
    rows = np.concatenate([split.train, split.validation, split.test])
    assert sorted(rows) == list(range(500))


@pytest.mark.parametrize("method", ["random", "isomorphic"])
def test_the_seed_fixes_the_split(method):
    first = split_rows(SPACE, OPS, method=method, seed=5)
    assert np.array_equal(first.train, split_rows(SPACE, OPS, method=method, seed=5).train)
    assert not np.array_equal(first.train, split_rows(SPACE, OPS, method=method, seed=6).train)


def test_n_train_leaves_the_rest_for_testing():
    split = split_rows(SPACE, OPS, n_train=50)
    assert (len(split.train), len(split.validation), len(split.test)) == (50, 0, 450)
    larger = split_rows(SPACE, OPS, n_train=100)
    assert set(split.train) < set(larger.train)


def test_isomorphic_split_keeps_classes_on_one_side():
    split = split_rows(SPACE, OPS, validation_share=0.1, method="isomorphic")
    strings = np.array(SPACE.format_many(canonical(OPS)))
    train, validation, test = (
        set(strings[rows]) for rows in (split.train, split.validation, split.test)
    )
    assert not (train & test or train & validation or validation & test)
    random = split_rows(SPACE, OPS, validation_share=0.1)
    assert set(strings[random.train]) & set(strings[random.test])  # the random one does not


def test_groups_are_those_of_the_canonical_form():
    groups = isomorphism_groups(SPACE, OPS)
    strings = SPACE.format_many(canonical(OPS))
    assert len(set(groups)) == len(set(strings)) == len(set(zip(groups, strings, strict=True)))


def test_a_space_without_a_canonical_form_is_refused():
    with pytest.raises(CostTableError, match="fbnet has no canonical form; use the random split"):
        split_rows(FBNet(), FBNet().sample(20, seed=0), method="isomorphic")


def test_too_few_rows_are_refused():
    with pytest.raises(CostTableError, match="at least 2 rows each, but 500 rows split into 499"):
        split_rows(SPACE, OPS, n_train=499)
    with pytest.raises(CostTableError, match="4 rows split into 3, 0 and 1"):
        split_rows(SPACE, OPS[:4])


def test_unknown_split_names_the_choices():
    with pytest.raises(UnknownNameError, match="did you mean 'isomorphic'"):
        split_rows(SPACE, OPS, method="isomorph")
