"""Refuses a SavedModel whose endpoints could do more than compute: it is a program, and may hold any operation."""

from collections.abc import Iterable
from pathlib import Path

from tensorflow.core.framework.node_def_pb2 import NodeDef
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
OnesLike Pack Pad PadV2 Range Rank Reshape ReverseV2 Shape Size Slice Split SplitV Squeeze StridedSlice
TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGetItem TensorListLength TensorListPopBack
TensorListPushBack TensorListReserve TensorListResize TensorListSetItem TensorListStack Tile Transpose Unpack
ZerosLike
"""
ARITHMETIC = """
Abs Add AddN AddV2 All Any ArgMax ArgMin BatchMatMulV2 BiasAdd Bitcast Cast Ceil ClipByValue Conv2D Cumsum Div
DivNoNan Einsum Elu Equal Erf Exp Expm1 Floor FloorDiv FloorMod FusedBatchNormV3 Gelu Greater GreaterEqual IsFinite
IsInf IsNan LeakyRelu Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean
Min Minimum Mul MulNoNan Neg NotEqual Pow Prod RealDiv Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Softmax
Softplus Sqrt Square SquaredDifference Sub Sum Tanh TopKV2 TruncateDiv XlogY
"""
RANDOM = """
BitwiseOr LeftShift StatelessRandomGetKeyCounter StatelessRandomUniformFullIntV2 StatelessRandomUniformV2
"""
ALLOWED = frozenset("".join((CONTROL, VARIABLES, SHAPES, ARITHMETIC, RANDOM)).split())
# What reads and writes the files of the variables; no endpoint may reach it.
SAVER = """
AssignVariableOp MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename StaticRegexFullMatch StringJoin
"""
ALLOWED_TO_SAVER = ALLOWED | frozenset(SAVER.split())


def check_operations(folder: Path) -> None:
    """Checks every operation of the graph and of all its functions.

    Args:
        folder: Of a SavedModel.

    Raises:
        ValueError: An operation is not on the list, or an endpoint can reach one that touches files.
    """
    saved = SavedModel()
    try:
        saved.ParseFromString((folder / "saved_model.pb").read_bytes())
    except Exception as error:  # protobuf's own class depends on its implementation
        raise ValueError(f"saved_model.pb must be a SavedModel. Received: {folder / 'saved_model.pb'}") from error
    for graph in saved.meta_graphs:
        functions = {function.signature.name: function.node_def for function in graph.graph_def.library.function}
        for nodes in (graph.graph_def.node, *functions.values()):
            _refuse(nodes, ALLOWED_TO_SAVER, folder)
        for name in _reachable(list(graph.object_graph_def.concrete_functions), functions):
            _refuse(functions[name], ALLOWED, folder)


def _reachable(roots: list[str], functions: dict[str, Iterable[NodeDef]]) -> set[str]:
    """The functions that are called from `roots`, directly or not, and these themselves."""
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in functions and name not in reached:
            reached.add(name)
            waiting += [called for node in functions[name] for called in _called(node)]
    return reached


def _called(node: NodeDef) -> list[str]:
    """The functions that a node calls."""
    functions = [attribute.func for attribute in node.attr.values() if attribute.HasField("func")]
    functions += [function for attribute in node.attr.values() for function in attribute.list.func]
    return [node.op, *(function.name for function in functions)]


def _refuse(nodes: Iterable[NodeDef], allowed: frozenset[str], folder: Path) -> None:
    for node in nodes:
        if node.op not in allowed:
            raise ValueError(f"model must hold only operations that compute. Received: {node.op} in {folder}")
