"""Improve architectures by other ops at two positions at a time, within additive limits."""

from __future__ import annotations

import numpy as np

from archcost.search.additive_program import TOLERANCE, Accept, AdditiveProgram
from archcost.spaces.space import Ops

MOST_ROUNDS = 60
"""Improvements in a row, at most."""

TRIED = 64
"""Best exchanges that are checked exactly in a round."""


def improved(program: AdditiveProgram, ops: Ops, accept: Accept) -> Ops:
    """Return what the best exchange of two ops gives, again and again, and what is near the last.

    Where score and limit say nearly the same, as parameters and bytes do, all relaxed bounds are
    alike and lead nowhere; exchanges fill a limit up to the last byte.

    Parameters
    ----------
    program : AdditiveProgram
        Score and limits.
    ops : array of int, shape (n_positions,)
        An architecture within the limits.
    accept : callable
        Tells of architectures ``(n_archs, n_positions)`` which count.

    Returns
    -------
    numpy.ndarray of int, shape (n_found, n_positions)
        Architectures that count, in no order.
    """
    places, names = np.nonzero(program.allowed)
    everywhere = np.arange(len(ops))
    found = [ops[None]]
    # Exchanges at two positions, or at one, which is one op with itself.
    first, second = np.nonzero((places[:, None] < places) | np.eye(len(places), dtype=bool))
    alone = first == second
    for _ in range(MOST_ROUNDS):
        gains = program.score[places, names] - program.score[places, ops[places]]
        added = program.rows[:, places, names] - program.rows[:, places, ops[places]]
        room = program.at_most - program.rows[:, everywhere, ops].sum(axis=1)
        more = np.where(alone, 0.0, added[:, second])
        within = np.flatnonzero((added[:, first] + more <= room[:, None]).all(axis=0))
        total = (gains[first] + np.where(alone, 0.0, gains[second]))[within]
        order = within[np.argsort(-total, kind="stable")[:TRIED]]
        trials = np.repeat(ops[None], len(order), axis=0)
        for trial, one, other in zip(trials, first[order], second[order], strict=True):
            trial[places[other]], trial[places[one]] = names[other], names[one]
        trials = trials[accept(trials)]
        found.append(trials)
        scores = program.scores(np.concatenate([ops[None], trials]))
        if scores.max() <= scores[0] + TOLERANCE * abs(scores[0]):
            break
        ops = trials[scores[1:].argmax()]
    return np.concatenate(found)
