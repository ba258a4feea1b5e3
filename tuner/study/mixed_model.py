"""A linear mixed model over corpora: loss, optimizer and their interaction as fixed effects, corpora as random ones.

For the value y of a run, relative to its corpus (`across.relative`):

    y = mean + loss + optimizer + loss:optimizer + corpus + corpus:loss + corpus:optimizer + corpus:loss:optimizer
        + corpus:seed + rest

The first four are fixed, in sum-to-zero coding. The others are random with a variance each: corpus is the random
intercept, the three products with it are random slopes (a corpus on which an effect is larger), and corpus:seed holds
what the combinations of a seed share, as they are paired. The variances are estimated by restricted maximum
likelihood. A fixed effect is tested by Wald's F; its denominator has the degrees of freedom of the random effect that
contains it (the effect's own times corpora - 1), not those of the runs. Runs without a value, such as diverged ones,
are left out here; ranks count them as the worst. In a design without gaps this is the exact F
test against the interaction with the corpora, unless a variance is estimated as 0.

Why not `statsmodels.MixedLM`: with few corpora variances lie at 0, where its optimizers stop short, and it has z tests
only, which take four corpora for very many.

Reference:
    Pinheiro, Bates 2000, "Mixed-Effects Models in S and S-PLUS", sections 2.2 and 2.4.2.
"""

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import optimize, stats

from tuner.study.statistics import LEVEL, holm

Row = tuple[str, str, str, int, float]  # corpus, loss, optimizer, seed, value
LOWEST, HIGHEST = math.log(1e-8), math.log(1e8)  # of a variance over that of the rest; the lowest counts as 0
ROUNDING = 1e-12  # of values: what is left of them below this share is no spread


@dataclasses.dataclass(frozen=True)
class Effect:
    """The F test of a fixed effect: "loss", "optimizer" or "loss:optimizer"."""

    name: str
    f: float
    numerator: int  # degrees of freedom
    denominator: int
    p: float


@dataclasses.dataclass(frozen=True)
class Contrast:
    """The difference of two losses, averaged over the optimizers, or of two optimizers, first minus second.

    Attributes:
        mean: In the unit of the values.
        low, high: Its t interval, with the effect's degrees of freedom.
        p: Two-sided.
        adjusted: After Holm's correction for all pairs of losses, or of optimizers.
    """

    effect: str
    first: str
    second: str
    mean: float
    low: float
    high: float
    p: float
    adjusted: float


@dataclasses.dataclass(frozen=True)
class MixedModel:
    """A fitted model.

    Attributes:
        effects: Those of which there are at least two levels.
        contrasts: Of losses and of optimizers.
        deviations: Random effect → standard deviation; "rest" is that of single runs.
        corpora: How many there are; effects are generalized over these.
        runs: How many values there are.
        left_out: (loss, optimizer) of the combinations that are not part of the largest complete design.
    """

    effects: list[Effect]
    contrasts: list[Contrast]
    deviations: dict[str, float]
    corpora: int
    runs: int
    left_out: list[tuple[str, str]] = dataclasses.field(default_factory=list)


def fit(rows: Sequence[Row]) -> MixedModel | None:
    """Fits the model to the runs that have a value, as `fit_or_reason`; None where it cannot be fit."""
    return fit_or_reason(rows)[0]


def fit_or_reason(rows: Sequence[Row]) -> tuple[MixedModel | None, str]:
    """Fits the model to the runs that have a value, of the largest design in which each loss has each optimizer.

    Returns:
        (model, ""), or (None, why there is none).
    """
    chosen, left_out = _complete(rows)
    rows = [row for row in rows if row[1:3] in chosen]
    if len({row[0] for row in rows}) < 2:
        return None, "fewer than two corpora"
    if len(chosen) < 2:
        return None, "no two losses with the same optimizer, or optimizers with the same loss"
    corpora, losses, optimizers = (list(dict.fromkeys(names)) for names in zip(*(row[:3] for row in rows), strict=True))
    values = np.array([row[4] for row in rows], np.float64)
    fixed, spans = _fixed(rows, losses, optimizers)
    products = _products(rows, fixed)
    if len(values) <= fixed.shape[1] + 1:
        return None, "too few runs"
    if _without_spread(rows, values, fixed, spans):
        return None, "an effect without any spread over corpora and seeds"
    blocks = [np.flatnonzero([row[0] == corpus for row in rows]) for corpus in corpora]
    design = _Design(fixed, list(products.values()), blocks)
    ratios = _ratios(values, design)
    estimate, covariance, rest = _solve(values, design, ratios)
    freedom = {name: (span.stop - span.start) * (len(corpora) - 1) for name, span in spans.items()}
    variances = {name: ratio * rest for name, ratio in zip(products, ratios, strict=True)}
    model = MixedModel(
        effects=[_effect(name, span, estimate, covariance, freedom[name]) for name, span in spans.items()],
        contrasts=[
            contrast
            for name, levels in (("loss", losses), ("optimizer", optimizers))
            if name in spans
            for contrast in _contrasts(name, levels, spans[name], estimate, covariance, freedom[name])
        ],
        deviations={name: math.sqrt(value) for name, value in (variances | {"rest": rest}).items()},
        corpora=len(corpora),
        runs=len(values),
        left_out=left_out,
    )
    return model, ""


def _complete(rows: Sequence[Row]) -> tuple[set[tuple[str, str]], list[tuple[str, str]]]:
    """The (loss, optimizer) of the largest complete design, of several that with more runs, and those left out."""
    counts = Counter(row[1:3] for row in rows)
    losses = list(dict.fromkeys(loss for loss, _ in counts))
    best: set[tuple[str, str]] = set()
    for size in range(1, len(losses) + 1):
        for some in itertools.combinations(losses, size):
            shared = {optimizer for _, optimizer in counts if all((loss, optimizer) in counts for loss in some)}
            found = set(itertools.product(some, shared))
            best = max(best, found, key=lambda each: (len(each), sum(counts[key] for key in each)))
    return best, [key for key in counts if key not in best]


def _without_spread(rows: Sequence[Row], values: np.ndarray, fixed: np.ndarray, spans: Mapping[str, slice]) -> bool:
    """Whether the values leave nothing that differences of losses, or of optimizers, could be held against.

    So it is where they follow, up to rounding, from the fixed effects, the seeds of the corpora and, for one of the
    two factors, the levels of the other in each corpus.
    """
    for name, other in (("loss", 2), ("optimizer", 1)):
        keys: list[list[tuple]] = [[(row[0], row[3]) for row in rows], [(row[0], row[other]) for row in rows]]
        levels = [np.unique(np.array([str(key) for key in each]), return_inverse=True)[1] for each in keys]
        known = np.concatenate([fixed, *(np.eye(level.max() + 1)[level] for level in levels)], axis=1)
        solution, _, size, _ = np.linalg.lstsq(known, values, rcond=None)
        left = np.abs(values - known @ solution).max()
        if name in spans and size < len(values) and left <= ROUNDING * np.abs(values).max():
            return True
    return False


def _fixed(rows: Sequence[Row], losses: list[str], optimizers: list[str]) -> tuple[np.ndarray, dict[str, slice]]:
    """The columns of the fixed effects, [runs, columns], the mean first, and which belong to each effect."""
    of_loss = _sum_coded(len(losses))[[losses.index(row[1]) for row in rows]]
    of_optimizer = _sum_coded(len(optimizers))[[optimizers.index(row[2]) for row in rows]]
    both = (of_loss[:, :, np.newaxis] * of_optimizer[:, np.newaxis, :]).reshape(len(rows), -1)
    parts, spans, column = [np.ones((len(rows), 1))], {}, 1
    for name, part in (("loss", of_loss), ("optimizer", of_optimizer), ("loss:optimizer", both)):
        if part.shape[1]:
            spans[name] = slice(column, column + part.shape[1])
            parts.append(part)
            column += part.shape[1]
    return np.concatenate(parts, axis=1), spans


def _sum_coded(levels: int) -> np.ndarray:
    """Sum-to-zero coding, [levels, levels - 1]."""
    return np.concatenate([np.eye(levels - 1), -np.ones((1, levels - 1))])


def _products(rows: Sequence[Row], fixed: np.ndarray) -> dict[str, np.ndarray]:
    """Z Zᵀ of each random effect that can be estimated: 1 where two runs share its level, [runs, runs]."""
    keys: dict[str, list[tuple]] = {
        "corpus": [row[:1] for row in rows],
        "corpus:loss": [row[:2] for row in rows],
        "corpus:optimizer": [(row[0], row[2]) for row in rows],
        "corpus:loss:optimizer": [row[:3] for row in rows],
        "corpus:seed": [(row[0], row[3]) for row in rows],
    }
    found: dict[str, np.ndarray] = {}
    for name, levels in keys.items():
        number = np.array([sorted(set(levels)).index(level) for level in levels])
        shared = (number[:, np.newaxis] == number[np.newaxis]).astype(np.float64)
        distinct = not any(np.array_equal(shared, other) for other in (np.eye(len(rows)), *found.values()))
        if distinct:  # with one seed, one loss or one optimizer, some are the same, or that of single runs
            found[name] = shared
    return found


@dataclasses.dataclass(frozen=True)
class _Design:
    """Columns of the fixed effects, Z Zᵀ of each random effect, and the rows of each corpus, which are independent."""

    fixed: np.ndarray
    products: list[np.ndarray]
    blocks: list[np.ndarray]

    def weights(self, ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """V⁻¹, (Xᵀ V⁻¹ X)⁻¹ and log |V|, in units of the variance of single runs."""
        total = np.eye(len(self.fixed))
        for ratio, product in zip(ratios, self.products, strict=True):
            total += ratio * product
        inverse, size = np.zeros_like(total), 0.0
        for block in self.blocks:
            part = np.ix_(block, block)
            inverse[part] = np.linalg.inv(total[part])
            size += np.linalg.slogdet(total[part])[1]
        return inverse, np.linalg.inv(self.fixed.T @ inverse @ self.fixed), float(size)


def _solve(values: np.ndarray, design: _Design, ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Estimates of the fixed effects, their covariance, and the variance of single runs, for ratios of variances."""
    inverse, bread, _ = design.weights(ratios)
    estimate = bread @ (design.fixed.T @ (inverse @ values))
    left = values - design.fixed @ estimate
    rest = float(left @ inverse @ left / (len(values) - design.fixed.shape[1]))
    return estimate, bread * rest, rest


def _ratios(values: np.ndarray, design: _Design) -> np.ndarray:
    """The variances of the random effects over that of single runs, by restricted maximum likelihood."""
    free = len(values) - design.fixed.shape[1]

    def deviance(logs: np.ndarray) -> tuple[float, np.ndarray]:
        ratios = np.exp(logs)
        inverse, bread, size = design.weights(ratios)
        weighted = inverse @ design.fixed
        within = inverse - weighted @ bread @ weighted.T
        left = within @ values
        square = float(values @ left)
        size -= np.linalg.slogdet(bread)[1]
        slopes = [np.sum(within * each) - free * (left @ each @ left) / square for each in design.products]
        return size + free * math.log(square), ratios * np.array(slopes)

    bounds = [(LOWEST, HIGHEST)] * len(design.products)
    starts = (np.full(len(design.products), math.log(start)) for start in (1.0, 0.01))
    found = [optimize.minimize(deviance, start, jac=True, method="L-BFGS-B", bounds=bounds) for start in starts]
    return np.exp(min(found, key=lambda each: each.fun).x)


def _effect(name: str, span: slice, estimate: np.ndarray, covariance: np.ndarray, denominator: int) -> Effect:
    """Wald's F test that all columns of an effect are 0."""
    numerator = span.stop - span.start
    f = float(estimate[span] @ np.linalg.solve(covariance[span, span], estimate[span]) / numerator)
    return Effect(name, f, numerator, denominator, float(stats.f.sf(f, numerator, denominator)))


def _contrasts(
    name: str, levels: list[str], span: slice, estimate: np.ndarray, covariance: np.ndarray, freedom: int
) -> list[Contrast]:
    """Each level of an effect with each."""
    coding, reach = _sum_coded(len(levels)), stats.t.ppf((1 + LEVEL) / 2, freedom)
    found = []
    for first, second in itertools.combinations(range(len(levels)), 2):
        weights = coding[first] - coding[second]
        mean, error = weights @ estimate[span], math.sqrt(weights @ covariance[span, span] @ weights)
        p = float(2 * stats.t.sf(abs(mean) / error, freedom))
        found.append((levels[first], levels[second], float(mean), float(mean - reach * error), mean + reach * error, p))
    adjusted = holm([each[-1] for each in found])
    return [Contrast(name, *each[:4], float(each[4]), each[5], p) for each, p in zip(found, adjusted, strict=True)]
