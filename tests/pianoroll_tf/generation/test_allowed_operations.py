"""Graphs that could do more than compute are refused."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from pianoroll_tf.generation.allowed_operations import ALLOWED, SAVER, check_operations


def save(folder, function):
    module = tf.Module()
    module.weight = tf.Variable(2.0)
    module.function = tf.function(lambda x: function(module.weight * x), input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, str(folder), signatures=module.function)
    return folder


def read(x):
    return x + tf.strings.to_number(tf.io.read_file("/etc/hostname"))


def write(x):
    with tf.control_dependencies([tf.io.write_file("/tmp/never", "")]):
        return x + 1


def python(x):
    return tf.reshape(tf.numpy_function(np.sin, [x], tf.float32), [])


def restore(x):
    [value] = tf.raw_ops.RestoreV2(prefix="p", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32])
    return x + tf.reshape(value, [])


def in_a_branch(function):
    return lambda x: tf.cond(x > 0, lambda: function(x), lambda: x)


def in_a_loop(function):
    return lambda x: tf.while_loop(lambda x: x < 3, lambda x: [function(x)], [x])[0]


def test_a_graph_that_computes_is_allowed(tmp_path):
    check_operations(save(tmp_path / "m", in_a_loop(in_a_branch(lambda x: tf.tanh(x) + 2))))


@pytest.mark.parametrize("where", [lambda function: function, in_a_branch, in_a_loop])
@pytest.mark.parametrize(
    ("function", "operation"),
    [(read, "ReadFile"), (write, "WriteFile"), (python, "PyFunc"), (restore, "RestoreV2")],
)
def test_a_graph_that_does_more_is_refused(tmp_path, function, operation, where):
    with pytest.raises(ValueError, match=r"only operations that compute. Received: (\w+) in ") as caught:
        check_operations(save(tmp_path / "m", where(function)))
    if operation != "ReadFile":  # which comes with operations on texts, one of which may be met first
        assert operation in str(caught.value)


def test_no_file_operation_is_on_the_list():
    assert not ALLOWED & set(SAVER.split())
    assert not [name for name in ALLOWED if "File" in name or "Py" in name or "Xla" in name or "Print" in name]


# What an export consists of: core operations of TensorFlow, which the stock TensorFlow Serving is linked with
STOCK = """
Abs AddV2 All Any ArgMax Assert BiasAdd BitwiseOr BroadcastTo Cast ConcatV2 Const Conv2D Cumsum DisableCopyOnRead
Einsum Equal Exp ExpandDims Fill FloorDiv FloorMod GatherNd GatherV2 Greater GreaterEqual Identity If LeftShift Less
LessEqual Log Log1p LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Min Minimum Mul Neg NoOp NotEqual OnesLike Pack
Pad PadV2 PartitionedCall Placeholder Pow Prod Range ReadVariableOp RealDiv Relu Reshape ReverseV2 Round ScatterNd
SegmentSum Select SelectV2 Shape Sigmoid Slice Softmax Softplus Split SplitV Sqrt Square Squeeze
StatefulPartitionedCall StatelessIf StatelessRandomUniformFullIntV2 StatelessRandomUniformV2 StatelessWhile
StridedSlice Sub Sum Tanh TensorListConcatV2 TensorListFromTensor TensorListGetItem TensorListLength TensorListReserve
TensorListSetItem TensorListStack Tile TopKV2 Transpose Unpack VarHandleOp VarIsInitializedOp Where While ZerosLike
"""


def test_an_export_needs_nothing_that_the_stock_server_has_not(exported):
    """No operation of an add-on, none of XLA's, and no function that is to be compiled by it."""
    (graph,) = SavedModel.FromString((exported / "1" / "saved_model.pb").read_bytes()).meta_graphs
    library = graph.graph_def.library.function
    nodes = [*graph.graph_def.node, *(node for function in library for node in function.node_def)]
    found = {node.op for node in nodes} - {function.signature.name for function in library} - set(SAVER.split())
    assert found <= set(STOCK.split()), sorted(found - set(STOCK.split()))
    compiled = [item for item in (*nodes, *library) if item.attr["_XlaMustCompile"].b]
    assert not compiled


def change(folder, function):
    """Applies `function` to the one graph in `saved_model.pb`."""
    path = folder / "saved_model.pb"
    saved = SavedModel.FromString(path.read_bytes())
    function(saved.meta_graphs[0])
    path.write_bytes(saved.SerializeToString())


def test_a_graph_of_tensorflow_1_is_refused(tmp_path):
    """It has no functions: its signature is a node, here one that writes a file."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        x = tf.compat.v1.placeholder(tf.float32, [], "x")
        with tf.control_dependencies(
            [tf.raw_ops.SaveV2(prefix="p", tensor_names=["x"], shape_and_slices=[""], tensors=[x])]
        ):
            y = tf.identity(x)
        signature = tf.compat.v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder = tf.compat.v1.saved_model.Builder(str(tmp_path / "m"))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    with pytest.raises(ValueError, match="must hold one graph with functions, as TensorFlow 2 saves it"):
        check_operations(tmp_path / "m")


def test_two_graphs_are_refused(tmp_path):
    folder = save(tmp_path / "m", tf.tanh)
    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    saved.meta_graphs.append(saved.meta_graphs[0])
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    with pytest.raises(ValueError, match="must hold one graph"):
        check_operations(folder)


def saving_function(graph):
    return next(f.signature.name for f in graph.graph_def.library.function if "traced_save" in f.signature.name)


def as_a_node(graph):
    graph.graph_def.node.add(name="more", op="SaveV2")


def by_a_node(graph):
    graph.graph_def.node.add(name="more", op="PartitionedCall").attr["f"].func.name = saving_function(graph)


def as_an_answer(graph):
    graph.signature_def["serving_default"].outputs["output_0"].name = graph.saver_def.save_tensor_name


def before_a_node(graph):
    graph.graph_def.node.add(name="more", op="NoOp", input=["^" + graph.saver_def.restore_op_name])


def by_an_object(graph):
    graph.object_graph_def.nodes.add().bare_concrete_function.concrete_function_name = saving_function(graph)


def by_a_method(graph):
    graph.object_graph_def.nodes.add().function.concrete_functions.append(saving_function(graph))


def without_a_saver(graph):
    graph.ClearField("saver_def")


@pytest.mark.parametrize(
    "use", [as_a_node, by_a_node, as_an_answer, before_a_node, by_an_object, by_a_method, without_a_saver]
)
def test_what_saves_the_variables_serves_nothing_else(tmp_path, use):
    folder = save(tmp_path / "m", tf.tanh)
    check_operations(folder)
    change(folder, use)
    with pytest.raises(ValueError, match="only operations that compute"):
        check_operations(folder)


@pytest.mark.parametrize("content", [b"", b"\xff\xff", b"hello"])
def test_what_is_no_graph(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ValueError, match=r"saved_model\.pb must (be a SavedModel|hold one graph)"):
        check_operations(tmp_path)
