"""Uses an exported model without Keras and without this package: python bare_loading.py VERSION_FOLDER.

Prints one JSON object: sha256 of the outputs of each signature, by the loaders of TensorFlow 2 and of version 1.
"""

import hashlib
import json
import sys

ABSENT = ("keras", "tf_keras", "pianoroll_tf")


class WithoutThem:
    """An import finder that does not find `ABSENT`, as on a machine where they are not installed."""

    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        """The spec of the wrapped finder; None for `ABSENT`."""
        return None if name.split(".")[0] in ABSENT else self.finder.find_spec(name, path, target)


def requests(state):
    """Signature → its inputs; `state` is that of `begin`."""
    import numpy as np

    primer = (np.arange(2 * 5 * 84).reshape(2, 5, 84) % 13 == 0).astype(np.uint8)
    simple = {"primer": primer, "steps": np.int32(40), "seed": np.int64(7)}
    full = simple | {
        name: np.float32(value) for name, value in (("temperature", 1.2), ("top_p", 0.9), ("density", 1.5))
    }
    clock = {"meter": np.array([3, 4], np.int32), "place": np.int32(5)}
    two = np.array([0.5, 1.0], np.float32)
    row_clock = {"meter": np.array([[3, 4], [4, 4]], np.int32), "place": np.array([0, 5], np.int32)}
    numbers = (np.arange(2 * 30 * 169).reshape(2, 30, 169) * 0.618 % 1).astype(np.float32)
    drawing = {"state": state, "numbers": numbers, "temperature": two, "top_p": two}
    return {
        "serving_default": full,
        "generate": full,
        "generate_simple": simple,
        "predict": {"roll": primer},
        "log_likelihood": {"roll": primer} | clock,
        "begin": {"primer": primer, "density": two} | row_clock,
        "uniforms": {"seed": np.array([5, 2**62]), "block": np.array([0, 7], np.int32)},
        "draw": drawing,
        "draw_steered": drawing
        | {"allowed": (numbers[..., :84] < 0.5).astype(np.uint8), "polyphony": np.array([84, 1], np.int32)},
    }


def begin(program):
    """The state that `begin` returns, for `requests`."""
    import tensorflow as tf

    inputs = {key: tf.constant(value) for key, value in requests(None)["begin"].items()}
    return program.signatures["begin"](**inputs)["next_state"].numpy()


def digest(outputs):
    """sha256 of a dict of arrays; floats are rounded."""
    whole = hashlib.sha256()
    for name, array in sorted(outputs.items()):
        if array.dtype.kind == "f":
            array = (array * 1e4).round().astype("int32")
        whole.update(name.encode() + array.tobytes())
    return whole.hexdigest()


def main(folder):
    """Calls all signatures by both loaders."""
    sys.meta_path[:] = [WithoutThem(finder) for finder in sys.meta_path]
    import tensorflow as tf

    answers = {}
    program = tf.saved_model.load(folder)
    state = begin(program)
    for name, inputs in requests(state).items():
        outputs = program.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        answers[name] = digest({key: output.numpy() for key, output in outputs.items()})
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signatures = tf.compat.v1.saved_model.load(session, ["serve"], folder).signature_def
        for name, inputs in requests(state).items():
            feed = {signatures[name].inputs[key].name: value for key, value in inputs.items()}
            outputs = {key: output.name for key, output in signatures[name].outputs.items()}
            answers[name + " v1"] = digest(session.run(outputs, feed))
    assert not set(ABSENT) & set(sys.modules)
    print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1])
