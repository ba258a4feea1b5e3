"""Uses an exported model without Keras and without this package: python bare_loading.py VERSION_FOLDER.

Prints one JSON object: sha256 of what each signature answers, by TensorFlow's loader and by that of version 1.
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
        """What the finder finds."""
        return None if name.split(".")[0] in ABSENT else self.finder.find_spec(name, path, target)


def questions():
    """Signature → its inputs."""
    import numpy as np

    primer = (np.arange(2 * 5 * 84).reshape(2, 5, 84) % 13 == 0).astype(np.uint8)
    simple = {"primer": primer, "steps": np.int32(40), "seed": np.int64(7)}
    full = simple | {
        name: np.float32(value) for name, value in (("temperature", 1.2), ("top_p", 0.9), ("density", 1.5))
    }
    return {"serving_default": full, "generate": full, "generate_simple": simple, "predict": {"roll": primer}}


def digest(array):
    """sha256 of an answer; probabilities are rounded."""
    if array.dtype.kind == "f":
        array = (array * 1e4).round().astype("int32")
    return hashlib.sha256(array.tobytes()).hexdigest()


def main(folder):
    """Asks all signatures in both ways."""
    sys.meta_path[:] = [WithoutThem(finder) for finder in sys.meta_path]
    import tensorflow as tf

    answers = {}
    program = tf.saved_model.load(folder)
    for name, inputs in questions().items():
        (output,) = program.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()}).values()
        answers[name] = digest(output.numpy())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signatures = tf.compat.v1.saved_model.load(session, ["serve"], folder).signature_def
        for name, inputs in questions().items():
            feed = {signatures[name].inputs[key].name: value for key, value in inputs.items()}
            ((_, output),) = signatures[name].outputs.items()
            answers[name + " v1"] = digest(session.run(output.name, feed))
    assert not set(ABSENT) & set(sys.modules)
    print(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1])
