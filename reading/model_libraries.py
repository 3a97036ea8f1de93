"""Networks of timm and torchvision by name, built without weights."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from archcost.errors import ArchcostError, MissingDataError, UnknownNameError
from archcost.extras import installed_version
from archcost.networks import Graph

REFERENCE = re.compile(r"(timm|torchvision):([^@]+)(?:@([1-9]\d{0,3}))?")

DEFAULT_SIDE = 224
"""Side of the image where the library does not tell, in pixels."""


def read_library_model(reference: str, *, batch_size: int = 1) -> Graph:
    """Return the graph of a model of timm or torchvision.

    Parameters
    ----------
    reference : str
        ``timm:<model>`` or ``torchvision:<model>``, and ``@<side>`` for the side of the image in
        pixels; the library's own by default.
    batch_size : int, default=1
        Images at a time.

    Returns
    -------
    Graph
        As the model is in evaluation mode.

    Raises
    ------
    UnknownNameError
        If the library has no such model.
    ArchcostError
        If the model takes no image of that side.
    MissingDataError
        If the library is not installed, or fits no installed torch.
    """
    from archcost.reading.module_reading import read_module

    model, shape = library_module(reference)
    return read_module(model, shape=shape, batch_size=batch_size)


def library_module(reference: str) -> tuple[Any, tuple[int, ...]]:
    """Return a model of timm or torchvision, and the shape of its image.

    Parameters
    ----------
    reference : str
        As for ``read_library_model``.

    Returns
    -------
    torch.nn.Module, tuple of int
        The model in evaluation mode, on the device ``meta`` where it can be built there, and
        ``(channels, side, side)``.

    Raises
    ------
    UnknownNameError
        If the library has no such model.
    MissingDataError
        If the library is not installed, or fits no installed torch.
    """
    import torch

    found = REFERENCE.fullmatch(reference)
    if found is None:
        raise ArchcostError(
            "a model of a library must be written like 'timm:resnet18' or "
            f"'torchvision:resnet18@160', but got {reference!r}"
        )
    library, name, side = found.groups()
    installed_version(f"reading {reference!r}", "timm", library)
    _check_import(library)
    build = {"timm": _timm_model, "torchvision": _torchvision_model}[library]
    pixels = int(side) if side else None
    try:
        with torch.device("meta"):
            model, shape = build(name, pixels)
    except NotImplementedError:  # it is built by computing with tensors
        model, shape = build(name, pixels)
    return model.eval(), shape


def _check_import(library: str) -> None:
    """Import a library, whose compiled parts fail with any error where they fit no torch."""
    try:
        import_module({"timm": "timm", "torchvision": "torchvision.models"}[library])
    except Exception as error:
        raise MissingDataError(
            f"{library} must be one that can be imported, but it fails ({error}); install versions "
            "of torch, torchvision and timm that fit together"
        ) from error


def _check_model(library: str, name: str, known: Sequence[str]) -> None:
    """Raise an error for an unknown model; there are too many to list."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        listing = {"timm": "timm", "torchvision": "torchvision.models"}[library]
        raise UnknownNameError(
            f"a model of {library} must be one of its {len(known)}, but got {name!r}; {hint}"
            f"{listing}.list_models() lists them"
        )


def _timm_model(name: str, side: int | None) -> tuple[Any, tuple[int, ...]]:
    import timm

    known = timm.list_models(include_tags=False)
    _check_model("timm", name.partition(".")[0], known)
    shape: tuple[int, ...]
    model: Any
    if side is not None:
        try:  # those whose weights depend on the resolution take it
            model = timm.create_model(name, pretrained=False, img_size=side)
        except TypeError:
            model = timm.create_model(name, pretrained=False)
        return model, (int(getattr(model, "in_chans", 3) or 3), side, side)
    model = timm.create_model(name, pretrained=False)
    shape = tuple(model.pretrained_cfg.get("input_size") or (3, DEFAULT_SIDE, DEFAULT_SIDE))
    return model, shape


def _torchvision_model(name: str, side: int | None) -> tuple[Any, tuple[int, ...]]:
    from torchvision import models

    _check_model("torchvision", name, models.list_models())
    model = models.get_model(name, weights=None, **_without_backbone(name))
    if side is None:
        weights = models.get_model_weights(name)
        known = next(iter(weights)).transforms.keywords if len(weights) else {}
        side = known.get("crop_size", DEFAULT_SIDE)
        side = side if isinstance(side, int) else DEFAULT_SIDE
    return model, (3, side, side)


def _without_backbone(name: str) -> dict[str, None]:
    """Return what keeps a model for dense tasks from fetching the weights of its backbone."""
    from torchvision import models

    module = models.get_model_builder(name).__module__
    return {"weights_backbone": None} if ".segmentation" in module or ".detection" in module else {}
