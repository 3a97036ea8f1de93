from some_networks import mobile, transformer

from archcost.networks import GraphBuilder, graph_layers


def test_layers_of_a_network_with_squeeze_and_excitation():
    layers = graph_layers(mobile())
    block = [layer for layer in layers if layer.position == 0]
    assert [layer.kind for layer in block] == [
        "conv", "conv", "global_pool", "conv", "conv", "multiply", "conv", "add",
    ]  # fmt: skip
    depthwise = block[1]
    assert (depthwise.kernel, depthwise.kernel_w, depthwise.groups) == (3, 5, 16)
    assert (depthwise.norm_channels, depthwise.params) == (16, 16 * 15 + 32)
    gate = block[5]
    assert (gate.c_in, gate.h_in, gate.w_in) == (gate.c_out, gate.h_out, gate.w_out) == (16, 10, 12)
    assert {layer.op for layer in block} == {"block"} and {layer.stage for layer in block} == {1}
    assert [layer.kind for layer in layers if layer.stage == 2] == [
        "conv", "pool", "pool", "concat", "pad", "conv", "resize", "zero", "add",
    ]  # fmt: skip


def test_layers_of_sequences():
    layers = graph_layers(transformer())
    kinds = [layer.kind for layer in layers if layer.stage == 1]
    assert kinds == [
        "layer_norm", "linear", "linear", "linear", "attention", "linear", "add",
        "layer_norm", "linear", "linear", "add",
    ]  # fmt: skip
    norm, linear, *_ = (layer for layer in layers if layer.position == 1)
    assert (norm.c_in, norm.h_in, norm.w_in, norm.params) == (24, 16, 1, 48)
    assert (linear.c_in, linear.c_out, linear.h_out, linear.macs) == (24, 48, 16, 16 * 24 * 48)
    assert (
        next(x for x in layers if x.kind == "add").params == 16 * 24
    )  # the embedding that it adds


def test_normalisation_before_a_convolution_belongs_to_it():
    builder = GraphBuilder()
    x = builder.relu(builder.batch_norm(builder.input((4, 8, 8)), name="norm"))
    x = builder.batch_norm(builder.conv(x, 6, name="conv"), name="norm2")
    (conv,) = graph_layers(builder.graph(x))
    assert (conv.norm_channels, conv.params) == (10, 4 * 6 + 2 * 10)
    last = builder.batch_norm(builder.global_pool(x), name="norm3")
    kinds = [(layer.kind, layer.params) for layer in graph_layers(builder.graph(last))]
    assert kinds == [("conv", 44), ("global_pool", 0), ("batch_norm", 12)]
