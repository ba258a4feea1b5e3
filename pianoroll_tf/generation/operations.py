"""Refuses a SavedModel whose graph could do more than compute: a SavedModel is a program, and may hold any operation."""

from collections.abc import Iterable
from pathlib import Path

from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

CONTROL = """Assert Case Identity IdentityN If NoOp PartitionedCall Placeholder Select SelectV2 StatefulPartitionedCall
StatelessIf StatelessWhile StatelessCase While LoopCond Enter Exit Merge NextIteration Switch StopGradient"""
VARIABLES = "DisableCopyOnRead ReadVariableOp ResourceGather VarHandleOp VarIsInitializedOp"
SHAPES = """BroadcastArgs BroadcastTo ConcatV2 Const ExpandDims Fill GatherNd GatherV2 InvertPermutation OneHot Pack Pad
PadV2 Range Rank Reshape ReverseV2 Shape Size Slice Split SplitV Squeeze StridedSlice Tile Transpose Unpack ZerosLike
OnesLike EnsureShape TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGetItem TensorListLength
TensorListPushBack TensorListPopBack TensorListReserve TensorListResize TensorListSetItem TensorListStack"""
ARITHMETIC = """Abs Add AddN AddV2 All Any ArgMax ArgMin BatchMatMulV2 BiasAdd Bitcast Cast Ceil ClipByValue Conv2D Cumsum
Div DivNoNan Elu Equal Erf Exp Expm1 Floor FloorDiv FloorMod FusedBatchNormV3 Gelu Greater GreaterEqual IsFinite IsInf
IsNan LeakyRelu Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum
Mul MulNoNan Neg NotEqual Pow Prod RealDiv Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Softmax Softplus Sqrt
Square SquaredDifference Sub Sum Tanh TopKV2 TruncateDiv XlogY Einsum"""
RANDOM = "BitwiseOr LeftShift StatelessRandomGetKeyCounter StatelessRandomUniformFullIntV2 StatelessRandomUniformV2"
ALLOWED = frozenset(" ".join((CONTROL, VARIABLES, SHAPES, ARITHMETIC, RANDOM)).split())
# What reads and writes the variables' own files; never within what an endpoint can reach.
SAVER = frozenset("MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename StaticRegexFullMatch StringJoin".split())


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
            _refuse(nodes, ALLOWED | SAVER, folder)
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
