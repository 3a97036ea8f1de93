"""Read networks from torch modules, ONNX files and model libraries, as graphs."""

from archcost.reading.read_network import read_network

__all__ = ["read_network"]
