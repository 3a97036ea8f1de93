"""Small networks that use the whole vocabulary of graphs between them."""

from archcost.networks import GraphBuilder


def mobile(batch_size=1):
    """Inverted residual with squeeze-and-excitation, and what other networks of images use."""
    builder = GraphBuilder(batch_size)
    x = builder.input((3, 20, 24))
    with builder.at(part="stem"):
        x = builder.conv(x, 8, 3, stride=2, name="stem.conv")
        x = builder.activation(builder.batch_norm(x, name="stem.norm"), "hswish")
    with builder.at(0, "block", stage=1):
        y = builder.conv(x, 16, name="expand.conv")
        y = builder.activation(builder.batch_norm(y, name="expand.norm"), "relu6")
        y = builder.conv(y, 16, (3, 5), groups=16, name="depthwise.conv")
        y = builder.activation(builder.batch_norm(y, name="depthwise.norm"), "silu")
        gate = builder.conv(builder.global_pool(y), 4, bias=True, name="squeeze")
        gate = builder.conv(builder.relu(gate), 16, bias=True, name="excite")
        y = builder.multiply(y, builder.activation(gate, "hsigmoid"))
        y = builder.conv(y, 8, name="project.conv")
        x = builder.add(builder.batch_norm(y, name="project.norm"), x)
    with builder.at(1, "inception", stage=2):
        a = builder.conv(x, 6, 3, dilation=2, groups=2, bias=True, name="dilated")
        b = builder.max_pool(x, 3, stride=1, padding=1)
        c = builder.avg_pool(x, 3, stride=1, padding=1)
        d = builder.activation(builder.split(x, 2, 4), "tanh")
        x = builder.concat(a, b, builder.activation(c, "leaky_relu"), d)
        x = builder.channel_shuffle(x, 2)
        x = builder.pad(x, ((0, 1), (1, 0)))
        x = builder.conv(x, 10, 3, stride=2, padding=((0, 1), (1, 1)), name="uneven")
        x = builder.resize(x, (8, 9))
        x = builder.activation(x, "sigmoid")
        x = builder.add(x, builder.zero(x))
    with builder.at(part="head", stage=3):
        x = builder.transpose(builder.reshape(x, (5, 16, 9)), (0, 2, 3, 1))
        x = builder.linear(builder.flatten(x), 12, bias=False, name="hidden")
        x = builder.activation(builder.batch_norm(x, name="hidden_norm"), "elu")
        return builder.graph(builder.softmax(builder.linear(x, 10, name="classifier")))


def transformer(batch_size=1):
    """A vision transformer of one block, and a product of matrices."""
    builder = GraphBuilder(batch_size)
    x = builder.conv(
        builder.input((3, 16, 16)), 24, 4, stride=4, padding=0, bias=True, name="patch"
    )
    x = builder.group_norm(x, 4, name="patch_norm")
    x = builder.transpose(builder.reshape(x, (24, 16)), (0, 2, 1))
    x = builder.add(x, builder.constant((1, 16, 24), name="position"))
    with builder.at(0, "attention", stage=1):
        y = builder.layer_norm(x, name="norm1")
        heads = [
            builder.transpose(
                builder.reshape(builder.linear(y, 24, name=f"attention.{part}"), (16, 3, 8)),
                (0, 2, 1, 3),
            )
            for part in ("queries", "keys", "values")
        ]
        y = builder.transpose(builder.attention(*heads), (0, 2, 1, 3))
        x = builder.add(x, builder.linear(builder.reshape(y, (16, 24)), 24, name="attention.out"))
    with builder.at(1, "mlp", stage=1):
        y = builder.linear(builder.layer_norm(x, name="norm2"), 48, bias=False, name="mlp.0")
        x = builder.add(x, builder.linear(builder.activation(y, "gelu"), 24, name="mlp.1"))
    similar = builder.softmax(builder.matmul(x, builder.transpose(x, (0, 2, 1))))
    x = builder.matmul(similar, x)
    first = builder.reshape(builder.split(x, 0, 1, axis=1), (24,))
    return builder.graph(builder.linear(first, 10, name="classifier"), x)


def embedded():
    """A table of embeddings, read at given places, and a one-dimensional convolution."""
    builder = GraphBuilder(1)
    places = builder.input((6,), precision="int64")
    table = builder.constant((11, 4), name="table")
    x = builder.gather(table, places)
    x = builder.transpose(
        builder.add(x, builder.constant((1, 6, 4), name="half", fill=0.5)), (0, 2, 1)
    )
    x = builder.batch_norm(builder.conv(x, 5, 3, name="conv"), name="norm")
    return builder.graph(builder.flatten(x))


NETWORKS = {"mobile": mobile, "transformer": transformer}
