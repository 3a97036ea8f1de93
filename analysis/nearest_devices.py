"""Which known devices are most like one, by what costs much there or by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from archcost.datasets import CostKey
from archcost.models import CostModel, Manifest, find_model
from archcost.training.metrics import spearman

COMPARED = 500
"""Random architectures whose predicted costs are compared."""


def nearest_in_cost(device: str, known: Sequence[Manifest]) -> list[tuple[Manifest, float]]:
    """Sort models by how alike they rank architectures to those of one device.

    Parameters
    ----------
    device : str
        A device that has a model among `known`.
    known : sequence of Manifest
        Models; each is compared with the device's model of its space and dataset, of its own
        metric if the device has one. Those without such a model are left out.

    Returns
    -------
    list of pairs of Manifest and float
        Spearman correlation of predicted costs over 500 random architectures, the highest first.
    """
    own = [manifest.key for manifest in known if manifest.key.device == device]
    found = []
    for manifest in known:
        with_same = [key for key in own if _place(key) == _place(manifest.key)]
        if not with_same:
            continue
        other = max(with_same, key=lambda key: key.metric == manifest.key.metric)
        found.append((manifest, likeness(other, manifest.key)))
    return sorted(found, key=lambda pair: -pair[1])


def likeness(one: CostKey, other: CostKey) -> float:
    """Return the rank correlation of the costs that two models of one space predict."""
    models = [CostModel.load(find_model(key)) for key in (one, other)]
    space = models[0].space
    archs = space.sample(min(COMPARED, space.n_archs), seed=0)
    return spearman(*(model.predict(archs) for model in models))


def nearest_in_name(device: str, known: Sequence[Manifest]) -> list[Manifest]:
    """Sort models by how alike the names of their devices are to a name.

    Examples
    --------
    >>> from archcost.models import manifests
    >>> nearest_in_name("raspi5", manifests())[0].key.device
    'raspi4'
    """
    ratio = difflib.SequenceMatcher(b=device.lower())

    def alike(manifest: Manifest) -> float:
        ratio.set_seq1(manifest.key.device.lower())
        return ratio.ratio()

    return sorted(known, key=alike, reverse=True)


def _place(key: CostKey) -> tuple[str, str]:
    return key.space, key.dataset
