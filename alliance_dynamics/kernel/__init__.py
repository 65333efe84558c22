"""How a model runs: flattening to a program, back-ends, integration."""
