"""Refuses a SavedModel with operations that do more than compute, because a graph is a program."""

from collections.abc import Iterable
from pathlib import Path

from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

CONTROL = """
Assert Case Enter Exit Identity IdentityN If LoopCond Merge NextIteration NoOp PartitionedCall Placeholder Select
SelectV2 StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile StopGradient Switch While
"""
VARIABLES = """
DisableCopyOnRead ReadVariableOp ResourceGather VarHandleOp VarIsInitializedOp
"""
SHAPES = """
BroadcastArgs BroadcastTo ConcatV2 Const EnsureShape ExpandDims Fill GatherNd GatherV2 InvertPermutation OneHot
OnesLike Pack Pad PadV2 Range Rank Reshape ReverseV2 ScatterNd Shape Size Slice Split SplitV Squeeze StridedSlice
TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGetItem TensorListLength TensorListPopBack
TensorListPushBack TensorListReserve TensorListResize TensorListSetItem TensorListStack Tile Transpose Unpack Where
ZerosLike
"""
ARITHMETIC = """
Abs Add AddN AddV2 All Any ArgMax ArgMin BatchMatMulV2 BiasAdd Bitcast Cast Ceil ClipByValue Conv2D Cumsum Div
DivNoNan Einsum Elu Equal Erf Exp Expm1 Floor FloorDiv FloorMod FusedBatchNormV3 Gelu Greater GreaterEqual IsFinite
IsInf IsNan LeakyRelu Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean
Min Minimum Mul MulNoNan Neg NotEqual Pow Prod RealDiv Reciprocal Relu Relu6 Round Rsqrt SegmentSum Selu Sigmoid Sign
Softmax Softplus Sqrt Square SquaredDifference Sub Sum Tanh TopKV2 TruncateDiv XlogY
"""
RANDOM = """
BitwiseOr LeftShift StatelessRandomGetKeyCounter StatelessRandomUniformFullIntV2 StatelessRandomUniformV2
"""
ALLOWED = frozenset("".join((CONTROL, VARIABLES, SHAPES, ARITHMETIC, RANDOM)).split())
# Operations that only the two nodes that save and restore the variables may reach.
SAVER = """
AssignVariableOp MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename StaticRegexFullMatch StringJoin
"""
ALLOWED_TO_SAVER = ALLOWED | frozenset(SAVER.split())
ALLOWED_OUTSIDE = ALLOWED | {"AssignVariableOp"}  # outside of functions: initial values of variables


def check_operations(folder: Path) -> None:
    """Checks every operation of the graph and of all functions of the SavedModel in `folder`.

    Raises:
        ValueError: It has not the form of TensorFlow 2, an operation is not on the list, or a node other than those of
            the saver can reach one that accesses files.
    """
    graph = _read_graph(folder)
    functions = {function.signature.name: function.node_def for function in graph.graph_def.library.function}
    saver_names = {_node_name(graph.saver_def.save_tensor_name), _node_name(graph.saver_def.restore_op_name)}
    saver = [node for node in graph.graph_def.node if node.name in saver_names]
    others = [node for node in graph.graph_def.node if node.name not in saver_names]
    _check_apart(graph, saver_names, others, folder)
    of_saver = _reachable(_called_by(saver), functions)
    roots = (functions.keys() - of_saver) | _named_by_objects(graph) | set(_called_by(others))
    _refuse(saver, ALLOWED, folder)
    _refuse(others, ALLOWED_OUTSIDE, folder)
    for name in of_saver:
        _refuse(functions[name], ALLOWED_TO_SAVER, folder)
    for name in _reachable(roots, functions):
        _refuse(functions[name], ALLOWED, folder)


def _read_graph(folder: Path) -> MetaGraphDef:
    """The one graph of a SavedModel; any other form would be loaded differently from what is checked."""
    path = folder / "saved_model.pb"
    saved = SavedModel()
    try:
        saved.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf's own class depends on its implementation
        raise ValueError(f"saved_model.pb must be a SavedModel. Received: {path}") from error
    graphs = list(saved.meta_graphs)
    if len(graphs) != 1 or not graphs[0].object_graph_def.concrete_functions:
        form = "one graph with functions, as TensorFlow 2 saves it"
        raise ValueError(f"saved_model.pb must hold {form}. Received: {path}")
    return graphs[0]


def _check_apart(graph: MetaGraphDef, saver_names: set[str], others: Iterable[NodeDef], folder: Path) -> None:
    """Refuses a graph in which an output or another node depends on the nodes that save and restore."""
    outputs = [info.name for signature in graph.signature_def.values() for info in signature.outputs.values()]
    used = {_node_name(name) for name in (*outputs, *(name for node in others for name in node.input))}
    if used & saver_names:
        raise ValueError(f"model must hold only operations that compute. Received: a use of its saver in {folder}")


def _node_name(tensor: str) -> str:
    """The node of a tensor or control input: "^a" and "a:0" are of "a"."""
    return tensor.removeprefix("^").partition(":")[0]


def _named_by_objects(graph: MetaGraphDef) -> set[str]:
    """All functions that the object graph names; a loader takes each from the library, listed or not."""
    objects = graph.object_graph_def
    names = set(objects.concrete_functions)
    for node in objects.nodes:
        names.update(node.function.concrete_functions)
        names.update({node.bare_concrete_function.concrete_function_name, node.captured_tensor.concrete_function})
    return names


def _reachable(roots: Iterable[str], functions: dict[str, Iterable[NodeDef]]) -> set[str]:
    """The functions that are called from `roots`, directly or indirectly, including `roots`."""
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in functions and name not in reached:
            reached.add(name)
            waiting += _called_by(functions[name])
    return reached


def _called_by(nodes: Iterable[NodeDef]) -> list[str]:
    """The functions that nodes call."""
    called = []
    for node in nodes:
        called.append(node.op)
        for attribute in node.attr.values():
            called += [function.name for function in (attribute.func, *attribute.list.func)]
    return called


def _refuse(nodes: Iterable[NodeDef], allowed: frozenset[str], folder: Path) -> None:
    for node in nodes:
        if node.op not in allowed:
            raise ValueError(f"model must hold only operations that compute. Received: {node.op} in {folder}")
