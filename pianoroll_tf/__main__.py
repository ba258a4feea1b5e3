"""Lists the commands, or runs one of them by its short name: `pianoroll-tf train …`."""

import importlib
import sys

# Short name → (module, purpose)
COMMANDS = {
    "build": ("pianoroll_tf.build_records", "convert a folder of MIDI files to records"),
    "train": ("pianoroll_tf.train", "train a model on records, or resume"),
    "evaluate": ("pianoroll_tf.evaluate", "judge a trained model, or its music, on a split"),
    "export": ("pianoroll_tf.export", "export a trained model as a SavedModel"),
    "generate": ("pianoroll_tf.generate", "generate music with an exported model"),
    "serve": ("pianoroll_tf.serve", "serve exported models: page, API, TensorFlow Serving's REST and gRPC"),
    "demo": ("pianoroll_tf.demo", "run the whole workflow on the works of Bach"),
    "search": ("tuner.search", "search for the best losses, optimizers, sizes and settings"),
    "study": ("tuner.study", "compare losses and optimizers over several seeds"),
    "plan": ("tuner.plan", "execute several studies that answer one question, by a plan that is fixed first"),
    "report": ("tuner.report", "write the report of a study or a search"),
}


def usage() -> str:
    """The list of commands.

    >>> print(usage().splitlines()[0])
    usage: pianoroll-tf COMMAND … (COMMAND --help shows its flags)
    """
    lines = ["usage: pianoroll-tf COMMAND … (COMMAND --help shows its flags)", ""]
    lines += [f"  {name:<10}{purpose:<72}python -m {module}" for name, (module, purpose) in COMMANDS.items()]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns its exit code, 2 if there is no such command."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name not in COMMANDS:
        print(f"pianoroll-tf: the command must be one of: {', '.join(COMMANDS)}. Received: {name}", file=sys.stderr)
        return 2
    module = COMMANDS[name][0]
    if module.startswith("tuner."):
        module += ".__main__"
    return importlib.import_module(module).main(rest)


if __name__ == "__main__":
    sys.exit(main())
