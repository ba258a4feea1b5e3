"""The limits of the machine: matrix products in float32 and bfloat16, copies of memory."""

from collections.abc import Callable, Iterator

from benchmarks.harness import Experiment, Variant
from benchmarks.results_table import Row
from benchmarks.worker import Stopwatch, import_tensorflow, import_torch

KINDS = ("float32", "bfloat16")
SIZE = 2048  # rows and columns of the matrices, which exceed any cache
SMALL_SIZE = 512  # used if a product of this size takes longer than `MAX_SECONDS`, as without instructions for it
MAX_SECONDS = 0.05
COPIED_BYTES = 1 << 29
MIN_SECONDS = 0.2  # of a measurement


def tensorflow_products() -> Iterator[dict[str, float]]:
    """GFLOP/s of TensorFlow's matrix product."""
    tf = import_tensorflow()
    product = tf.function(lambda a: tf.reduce_max(tf.linalg.matmul(a, a)), autograph=False)

    def make(kind: str, size: int) -> Callable[[], float]:
        matrix = tf.cast(tf.random.stateless_normal([size, size], [0, 0]), kind)
        return lambda: float(product(matrix))

    yield from _measured(make)


def torch_products() -> Iterator[dict[str, float]]:
    """GFLOP/s of PyTorch's matrix product."""
    torch = import_torch()

    def make(kind: str, size: int) -> Callable[[], float]:
        matrix = torch.randn(size, size).to(getattr(torch, kind))
        return lambda: float((matrix @ matrix).max())

    yield from _measured(make)


def _measured(make: Callable[[str, int], Callable[[], float]]) -> Iterator[dict[str, float]]:
    """GFLOP/s of each kind of product; `make` returns a function that multiplies two matrices of a kind and size."""
    sizes, products = {}, {}
    for kind in KINDS:
        small = make(kind, SMALL_SIZE)
        small()
        watch = Stopwatch()
        small()
        sizes[kind] = SMALL_SIZE if watch.lap() > MAX_SECONDS else SIZE
        products[kind] = make(kind, sizes[kind])
        products[kind]()
    yield {"sizes": sizes}
    while True:
        yield {kind: _gigaflops(products[kind], sizes[kind]) for kind in KINDS}


def _gigaflops(product: Callable[[], float], size: int) -> float:
    watch, seconds, count = Stopwatch(), 0.0, 0
    while seconds < MIN_SECONDS:
        product()
        seconds, count = seconds + watch.lap(), count + 1
    return count * 2 * size**3 / seconds / 1e9


def memory_copy() -> Iterator[dict[str, float]]:
    """GB/s of numpy's copy of memory; each byte is counted once."""
    import numpy as np

    source = np.ones(COPIED_BYTES // 8)
    target = np.empty_like(source)
    np.copyto(target, source)  # so that the system allocates the memory
    yield {}
    while True:
        watch = Stopwatch()
        np.copyto(target, source)
        yield {"gigabytes": COPIED_BYTES / watch.lap() / 1e9}


def experiments(fixtures) -> list[Experiment]:
    """The experiment `limits`."""
    variants = {
        "tensorflow": Variant(function="benchmarks.rows.limits:tensorflow_products"),
        "torch": Variant(function="benchmarks.rows.limits:torch_products"),
        "memory": Variant(function="benchmarks.rows.limits:memory_copy"),
    }
    return [Experiment(name="limits", variants=variants, repeats=fixtures.repeats(5))]


def rows() -> list[Row]:
    """Its rows of the table."""
    note = (
        f"two {SIZE} × {SIZE} matrices, all threads; {SMALL_SIZE} × {SMALL_SIZE} if there are no instructions for it"
        " and the library is slow"
    )
    products = [
        Row(name=f"limit: {kind} product, {words}", unit="GFLOP/s", ours=f"limits/{variant}.{kind}", note=note)
        for kind in KINDS
        for variant, words in (("tensorflow", "TensorFlow"), ("torch", "PyTorch"))
    ]
    return [
        *products,
        Row(name="limit: copy of memory", unit="GB/s", ours="limits/memory.gigabytes", note="numpy, one thread"),
    ]
