"""Fills a gap in a piece: continuations drawn through the gap, of which one is chosen by how well the rest follows it.

A model continues music from left to right, so it cannot look ahead. Instead, several continuations of the part before
the gap, the particles, are drawn from the sampling distribution q, and one is chosen with the probabilities

    weight_i = p(after | before, particle_i) / sum over j of p(after | before, particle_j)

`after` are up to `LOOK_AHEAD_STEPS` steps that follow the gap, p the model's likelihood. With many particles this
samples q(gap | before) p(after | before, gap), up to a constant: sampling importance resampling. The number of
particles that effectively took part is 1 / sum of weight_i^2: near 1 where one alone leads to what follows.

What follows is as it was in the piece: a note that begins at the first step after the gap is struck, and a note that is
held there continues one that the particle holds, or else is struck there.

Reference:
    Rubin 1988, "Using the SIR algorithm to simulate posterior distributions"; Kong, Liu and Wong 1994, "Sequential
    Imputations and Bayesian Missing Data Problems", on the effective number.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation.continuation import Primer, continue_music
from pianoroll_tf.generation.piece_options import MAX_PARTICLES, MIN_PARTICLES
from pianoroll_tf.generation.saved_model import MusicModel
from pianoroll_tf.generation.steering import NO_STEERING, Steering

LOOK_AHEAD_STEPS = 64  # after the gap, by which particles are weighted: 4 bars of 4/4 in sixteenths
MAX_GAP_STEPS = 4096
SCORED_ROLLS = 8  # whose likelihood is computed at once


@dataclasses.dataclass(frozen=True)
class Gap:
    """The steps of a piece from `start` to before `end`, to be filled.

    Attributes:
        whole: The piece.
        before: The part of it before the gap that is continued.
        meter: Time signature at the gap; of the likelihood of what follows, too.
        place: Position in its bar of the first step of `before`.
    """

    whole: np.ndarray
    start: int
    end: int
    before: np.ndarray
    meter: Meter
    place: int

    @classmethod
    def of(
        cls, piece: Primer, start: int, end: int, context_steps: int, steps_per_beat: int | None, usual: Meter
    ) -> "Gap":
        """The gap of a piece, after up to `context_steps` steps from a bar line.

        Args:
            piece: The whole piece, with what is in the gap now.
            start: First step of the gap.
            end: Step after its last.
            context_steps: Steps before the gap that are continued, at most.
            steps_per_beat: Of the grid; None: a grid of seconds.
            usual: Time signature of a piece that has none.

        Raises:
            ValueError: The gap is not within the piece, or too long.
        """
        if not 0 <= start < end <= len(piece.roll):
            allowed = f"start < end within the piece of {len(piece.roll)} steps"
            raise ValueError(f"the gap must be from start to end, {allowed}. Received: start={start}, end={end}")
        if end - start > MAX_GAP_STEPS:
            received = f"start={start}, end={end}"
            raise ValueError(f"the gap must have at most {MAX_GAP_STEPS} steps. Received: {received}")
        meters = tuple(change for change in piece.meters if change[0] <= start)
        before = dataclasses.replace(piece.first(start), meters=meters).last(context_steps, steps_per_beat)
        meter, place = before.clock(steps_per_beat)
        return cls(piece.roll, start, end, before.roll, meter or usual, place)

    @property
    def steps(self) -> int:
        """Length of the gap."""
        return self.end - self.start

    @property
    def look_ahead(self) -> int:
        """Number of steps after the gap by which particles are weighted."""
        return min(LOOK_AHEAD_STEPS, len(self.whole) - self.end)

    def filled(self, music: np.ndarray) -> np.ndarray:
        """The piece with `music`, uint8 [steps, 84], in the gap: 0 silent, 1 held, 2 struck."""
        return as_states(np.concatenate([self.whole[: self.start], music, self.whole[self.end :]]))

    def candidates(self, particles: np.ndarray) -> np.ndarray:
        """What the model reads to weight each of `particles` [n, steps, 84]: before, particle, and what follows."""
        after = self.whole[self.end : self.end + self.look_ahead]
        parts = (np.repeat(part[np.newaxis], len(particles), axis=0) for part in (self.before, after))
        before, following = parts
        return as_states(np.concatenate([before, particles, following], axis=1))

    def of_what_follows(self, nats: np.ndarray) -> np.ndarray:
        """Log-likelihood of what follows each candidate, float64 [n], from nats of their steps [n, steps]."""
        return nats[:, len(self.before) + self.steps :].sum(axis=1, dtype=np.float64)


class Filling(NamedTuple):
    """A filled gap.

    Attributes:
        music: What fills it, uint8 [steps, 84]: 0 silent, 1 held, 2 struck.
        chosen: Number of the particle, from 0.
        effective: Number of particles that effectively took part, 1 to their number.
        log_likelihoods: Of what follows, given each particle: nats of all steps together, float64 [particles].
    """

    music: np.ndarray
    chosen: int
    effective: float
    log_likelihoods: np.ndarray

    def after(self, steps: int) -> dict[str, float]:
        """Log-likelihood of the `steps` that follow, in nats of all of them: of the chosen particle, and the mean."""
        chosen, mean = self.log_likelihoods[self.chosen], self.log_likelihoods.mean()
        return {"chosen": float(chosen), "mean": float(mean), "steps": steps}


def choose(particles: np.ndarray, log_likelihoods: np.ndarray, seed: int) -> Filling:
    """Chooses one of `particles` [n, steps, 84] with the weights of `log_likelihoods` [n]; `seed` decides which."""
    shares = weights(log_likelihoods)
    number = np.random.default_rng(seed).random()
    chosen = min(int(np.searchsorted(np.cumsum(shares), number, side="right")), len(shares) - 1)
    return Filling(particles[chosen], chosen, effective_particles(shares), np.asarray(log_likelihoods))


def weights(log_likelihoods: np.ndarray) -> np.ndarray:
    """The probabilities of the particles, proportional to the likelihoods, float64 [n].

    >>> weights(np.log([0.2, 0.6])).round(3).tolist()
    [0.25, 0.75]
    """
    values = np.exp(np.asarray(log_likelihoods, np.float64) - np.max(log_likelihoods))
    return values / values.sum()


def effective_particles(shares: np.ndarray) -> float:
    """How many equal particles these weights are worth: 1 / sum of their squares.

    >>> effective_particles(np.array([0.25] * 4)), effective_particles(np.array([1.0, 0.0]))
    (4.0, 1.0)
    """
    return float(1 / np.square(shares).sum())


def check_particles(particles: int) -> None:
    """Raises ValueError for a number of particles that is not allowed."""
    if isinstance(particles, bool) or not isinstance(particles, int) or not MIN_PARTICLES <= particles <= MAX_PARTICLES:
        allowed = f"a whole number >= {MIN_PARTICLES} and <= {MAX_PARTICLES}"
        raise ValueError(f"particles must be {allowed}. Received: particles={particles!r}")


def fill(
    model: MusicModel, gap: Gap, sampling: SamplingConfig, particles: int, steering: Steering = NO_STEERING
) -> Filling:
    """Fills a gap; particle i is drawn with `sampling.seed` + i, and `sampling.seed` chooses among them.

    Raises:
        ValueError: The number of particles is not allowed, or the model cannot be steered.
    """
    check_particles(particles)
    music = draw_particles(model, gap, sampling, particles, steering)
    nats = score(model, gap, gap.candidates(music))
    return choose(music, gap.of_what_follows(nats), sampling.seed)


def draw_particles(
    model: MusicModel, gap: Gap, sampling: SamplingConfig, particles: int, steering: Steering = NO_STEERING
) -> np.ndarray:
    """Continuations of what is before a gap, uint8 [particles, steps, 84]; particle i has `sampling.seed` + i."""
    drawn = continue_music(model, gap.before, gap.steps, sampling, particles, gap.meter, gap.place, steering)
    return np.stack([music for music, _ in drawn])


def score(model: MusicModel, gap: Gap, rolls: np.ndarray) -> np.ndarray:
    """Nats of the cells and strikes of each step of `rolls` uint8 [n, steps, 84], which begin as the candidates do."""
    parts = [
        model.log_likelihood(rolls[first : first + SCORED_ROLLS], gap.meter, gap.place)
        for first in range(0, len(rolls), SCORED_ROLLS)
    ]
    return np.concatenate([part["cells"] + part["strikes"] for part in parts])
