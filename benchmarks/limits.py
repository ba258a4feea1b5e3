"""What the machine can do at most: matrix products in float32 and bfloat16, a copy of memory."""

from collections.abc import Callable, Iterator

from benchmarks.harness import Experiment, Side
from benchmarks.rows import Row
from benchmarks.worker import Stopwatch, tensorflow_as_ours, torch_as_tuned

KINDS = ("float32", "bfloat16")
SIZE = 2048  # rows and columns of the matrices: far above any cache
SMALL_SIZE = 512  # where a product of that size takes more than `MOST_SECONDS`, so without instructions for it
MOST_SECONDS = 0.05
COPIED_BYTES = 1 << 29
LEAST_SECONDS = 0.2  # of a measurement


def tensorflow_products() -> Iterator[dict[str, float]]:
    """GFLOP/s of TensorFlow's matrix product."""
    tf = tensorflow_as_ours()
    product = tf.function(lambda a: tf.reduce_max(tf.linalg.matmul(a, a)), autograph=False)

    def make(kind: str, size: int) -> Callable[[], float]:
        matrix = tf.cast(tf.random.stateless_normal([size, size], [0, 0]), kind)
        return lambda: float(product(matrix))

    yield from _measured(make)


def torch_products() -> Iterator[dict[str, float]]:
    """GFLOP/s of PyTorch's matrix product."""
    torch = torch_as_tuned()

    def make(kind: str, size: int) -> Callable[[], float]:
        matrix = torch.randn(size, size).to(getattr(torch, kind))
        return lambda: float((matrix @ matrix).max())

    yield from _measured(make)


def _measured(make: Callable[[str, int], Callable[[], float]]) -> Iterator[dict[str, float]]:
    """GFLOP/s of each kind of product; `make` gives the product of two such matrices as something to call."""
    sizes, products = {}, {}
    for kind in KINDS:
        small = make(kind, SMALL_SIZE)
        small()
        watch = Stopwatch()
        small()
        sizes[kind] = SMALL_SIZE if watch.lap() > MOST_SECONDS else SIZE
        products[kind] = make(kind, sizes[kind])
        products[kind]()
    yield {"sizes": sizes}
    while True:
        yield {kind: _gigaflops(products[kind], sizes[kind]) for kind in KINDS}


def _gigaflops(product: Callable[[], float], size: int) -> float:
    watch, seconds, count = Stopwatch(), 0.0, 0
    while seconds < LEAST_SECONDS:
        product()
        seconds, count = seconds + watch.lap(), count + 1
    return count * 2 * size**3 / seconds / 1e9


def memory_copy() -> Iterator[dict[str, float]]:
    """GB/s at which numpy copies memory, each byte counted once."""
    import numpy as np

    source = np.ones(COPIED_BYTES // 8)
    target = np.empty_like(source)
    np.copyto(target, source)  # has the system give the memory
    yield {}
    while True:
        watch = Stopwatch()
        np.copyto(target, source)
        yield {"gigabytes": COPIED_BYTES / watch.lap() / 1e9}


def experiments(materials) -> list[Experiment]:
    """The experiment `limits`."""
    sides = {
        "tensorflow": Side(function="benchmarks.limits:tensorflow_products"),
        "torch": Side(function="benchmarks.limits:torch_products"),
        "memory": Side(function="benchmarks.limits:memory_copy"),
    }
    return [Experiment(name="limits", sides=sides, repeats=materials.repeats(5))]


def rows() -> list[Row]:
    """Its lines of the table."""
    note = (
        f"two {SIZE} × {SIZE} matrices, all threads; {SMALL_SIZE} × {SMALL_SIZE} where there are no instructions for it"
        " and the library is slow"
    )
    found = [
        Row(name=f"limit: {kind} product, {words}", unit="GFLOP/s", ours=f"limits/{side}.{kind}", note=note)
        for kind in KINDS
        for side, words in (("tensorflow", "TensorFlow"), ("torch", "PyTorch"))
    ]
    return [
        *found,
        Row(name="limit: copy of memory", unit="GB/s", ours="limits/memory.gigabytes", note="numpy, one thread"),
    ]
