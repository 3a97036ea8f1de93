"""How long and how often to measure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from archcost.errors import ArchcostError, check_name, check_number
from archcost.measuring.clocks import CLOCKS, Clock, clock_for
from archcost.measuring.runtime import Runtime


@dataclass(frozen=True, slots=True)
class MeasureSettings:
    """How long and how often to measure.

    Parameters
    ----------
    rounds : int, default=20
        How often to go over the architectures. A neighbour on the machine slows some in one round
        and others in the next, so many short rounds beat one long one.
    runs : int, default=3
        Timed inferences of an architecture in a round.
    warmup : int, default=1
        Inferences before them that are not timed.
    threads : int, default=1
        Threads of one inference.
    loaded : int, default=200
        Networks held in memory at a time; rounds go over them before the next are loaded.
    rounds_per_load : int, default=20
        Rounds after which all networks are loaded anew, at another time and place in memory.
    repeatability : float, optional
        Spearman between the halves of the rounds to reach: after `rounds` more follow, a few at a
        time, until it is reached.
    max_rounds : int, default=100
        Rounds after which to stop if it is not reached.
    time_budget_s : float, optional
        Seconds after which to stop and keep what was measured.
    clock : {"cpu", "wall"}, optional
        Which time is the cost, see ``clock_for``; both are recorded.
    max_temperature_c : float, optional
        Wait before a network while the machine is warmer, in degrees Celsius.
    seed : int, default=0
        Fixes the order of the architectures in each round.

    Raises
    ------
    ArchcostError
        If a value breaks a rule.
    """

    rounds: int = 20
    runs: int = 3
    warmup: int = 1
    threads: int = 1
    loaded: int = 200
    rounds_per_load: int = 20
    repeatability: float | None = None
    max_rounds: int = 100
    time_budget_s: float | None = None
    clock: Clock | None = None
    max_temperature_c: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"rounds": 1, "runs": 1, "warmup": 0, "threads": 1, "loaded": 1}
        for name, bound in {**least, "rounds_per_load": 1}.items():
            if check_number(name, getattr(self, name), whole=True) < bound:
                raise ArchcostError(
                    f"{name} must be {bound} or more, but got {getattr(self, name)}"
                )
        check_number("seed", self.seed, 0, whole=True)
        for name in ("time_budget_s", "max_temperature_c", "repeatability"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name))
        check_number("max_rounds", self.max_rounds, whole=True)
        if self.time_budget_s is not None and not self.time_budget_s > 0:
            raise ArchcostError(f"the time budget must be positive, but got {self.time_budget_s} s")
        if self.max_temperature_c is not None and not 0 < self.max_temperature_c < 150:
            raise ArchcostError(
                "the highest temperature must be between 0 and 150 degrees Celsius, but got "
                f"{self.max_temperature_c}"
            )
        if self.clock is not None:
            check_name("clock", self.clock, CLOCKS)
        if self.repeatability is not None:
            self._check_goal(self.repeatability)

    def _check_goal(self, repeatability: float) -> None:
        if not 0 < repeatability < 1:
            raise ArchcostError(
                f"the repeatability to reach must lie between 0 and 1, but got {repeatability}"
            )
        if self.rounds < 2:
            raise ArchcostError(
                f"rounds must be 2 or more to be split in halves, but got {self.rounds}"
            )
        if self.max_rounds < self.rounds:
            raise ArchcostError(
                f"the greatest number of rounds must be at least rounds, {self.rounds}, but got "
                f"{self.max_rounds}"
            )

    def for_runtime(self, runtime: Runtime) -> MeasureSettings:
        """Return the settings for a runtime; one that warms up and repeats is called once.

        Raises
        ------
        ArchcostError
            If the clock is that of the process, and the runtime does not run in it alone.
        """
        clock = clock_for(runtime, self.threads, self.clock)
        once = {"runs": 1, "warmup": 0} if runtime.repeats_itself else {}
        return replace(self, clock=clock, **once)
