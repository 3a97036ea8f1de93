"""Learn what the models that ship say of a new device, so that `transfer` need not.

    python benchmarks/transfer_priors.py

To be run after ``pretrain.py``; a prior that does not fit the models is not used.
"""

from archcost.spaces import SPACES
from archcost.training.shipped_prior import FOLDER, write_prior
from archcost.training.transfer_sources import default_sources, transfer_prior


def main() -> None:
    """Write the prior of each space for its default dataset."""
    for space in SPACES.values():
        keys = default_sources(space, space.default_dataset)
        for old in FOLDER.glob(f"{space.name}-*.npz"):
            old.unlink()
        prior = transfer_prior(space, None, space.default_dataset)
        path = write_prior(prior, space, space.default_dataset, keys)
        print(f"{path.name}: {len(prior.names)} sources, {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
