"""Finds the versions and signatures that a REST or gRPC request names, with TensorFlow Serving's error messages."""

from contextlib import AbstractContextManager

from pianoroll_tf.serving.drawing.registry import Registry, ServedVersion, Status
from pianoroll_tf.serving.refusals import InvalidRequestError, NotFoundError
from pianoroll_tf.serving.tf_serving.tensors import InputSpec, inputs_of

DEFAULT_SIGNATURE = "serving_default"


def use_version(registry: Registry, name: str, version: int | None) -> AbstractContextManager[ServedVersion]:
    """A version of a model, which is not dropped before the `with` statement ends; None: the newest.

    Raises:
        NotFoundError: There is no such model, or no such version.
    """
    if name != registry.name or (version is not None and version not in registry.served):
        spec = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        raise NotFoundError(f"Servable not found for request: {spec}")
    return registry.use(version)


def find_statuses(registry: Registry, name: str, version: int | None) -> dict[int, Status]:
    """The status of a version of a model; None: of all versions, newest first.

    Raises:
        NotFoundError: There is no such model, or no such version.
    """
    statuses = registry.statuses if name == registry.name else {}
    if not statuses:
        raise NotFoundError(f"Could not find any versions of model {name}")
    if version is None:
        return statuses
    if version not in statuses:
        raise NotFoundError(f"Could not find version {version} of model {name}")
    return {version: statuses[version]}


def find_inputs(served: ServedVersion, signature: str) -> dict[str, InputSpec]:
    """The inputs of a signature, by name.

    Raises:
        InvalidRequestError: There is no such signature.
    """
    if signature not in served.signatures:
        raise InvalidRequestError(f'Serving signature name: "{signature}" not found in signature def')
    return inputs_of(served.signatures[signature])
