"""Models by context: exact, and refused where they do not fit."""

import numpy as np
import pytest

from archcost.errors import IntegrityError
from archcost.models.contextual_form import ContextualForm
from archcost.predictors import RidgePredictor
from archcost.spaces import get_space

SPACE = get_space("autoformer_tiny")


def crooked_ms(ops):
    """Return costs that depend on pairs of choices."""
    blocks = ops[:, 1:].astype(float) @ np.linspace(0.5, 1.0, ops.shape[1] - 1)
    return 5.0 + (1 + 0.2 * ops[:, 0]) * blocks


@pytest.fixture(scope="module")
def fitted():
    ops = SPACE.sample(120, seed=1)
    return RidgePredictor().fit(ops, crooked_ms(ops), space=SPACE)


@pytest.fixture(scope="module")
def arrays(fitted):
    compiled = fitted.compiled()
    assert str(compiled.pop("kind")) == "contextual"
    return compiled


def test_it_answers_like_the_predictor_and_alone_like_in_a_batch(fitted, arrays):
    form = ContextualForm.from_arrays(SPACE, arrays)
    ops = SPACE.sample(200, seed=2)
    mean, std = fitted.predict(ops, return_std=True)
    np.testing.assert_allclose(form.predict(ops), mean, rtol=1e-12)
    np.testing.assert_allclose(form.std(ops), std, rtol=1e-12)
    texts = SPACE.format_many(ops[:5])
    assert [form(text) for text in texts] == form.predict(ops)[:5].tolist()
    again = ContextualForm.from_arrays(SPACE, form.arrays())
    assert again.predict(ops).tolist() == form.predict(ops).tolist()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"entries": np.zeros(3)}, "must have 180 entries"),
        ({"contexts": np.zeros((2, 2), dtype=bool)}, r"truth values of shape \(16, 15\)"),
        ({"contexts": np.zeros((16, 15))}, "but are float64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays, changed, message):
    with pytest.raises(IntegrityError, match=message):
        ContextualForm.from_arrays(SPACE, {**arrays, **changed})
