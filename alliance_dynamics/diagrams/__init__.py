"""Stock-and-flow and causal-loop diagrams made from the equations of a model."""

from alliance_dynamics.diagrams.diagram import Diagram, Style, diagram_of, modules_of
from alliance_dynamics.diagrams.draw import draw, write_diagram
from alliance_dynamics.diagrams.sketch import sketch_text, with_sketch

__all__ = ["Diagram", "Style", "diagram_of", "draw", "modules_of", "sketch_text", "with_sketch", "write_diagram"]
