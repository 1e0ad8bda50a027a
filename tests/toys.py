"""Small real networks and the folder of weights they come in."""

import hashlib
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def network(slope=1.0, size=4):
    """Return a network ``probability = sigmoid(slope * mean of x)``, batch size free."""
    weight = numpy_helper.from_array(np.full((size, 1), slope / size, np.float32), "w")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], ["probability"]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", size])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["batch", 1])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    onnx.checker.check_model(model)
    return model.SerializeToString()


def lay_out(root, slope=1.0, threshold=0.7, model="toy"):
    """Write the weights of a model, as a site would lay them out; return its folder."""
    folder = root / model
    folder.mkdir(parents=True)
    data = network(slope)
    (folder / "toy.onnx").write_bytes(data)
    manifest = {
        "model": model,
        "version": "1",
        "trained_on": "simulated patients",
        "training": "none",
        "operating_points": {"toy": {"threshold": threshold, "source": "made up"}},
        "engines": {"toy": {"file": "toy.onnx", "sha256": hashlib.sha256(data).hexdigest()}},
        "parameters": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
