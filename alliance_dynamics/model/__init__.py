"""What a model is: names, expressions, dimensions, reading, composing."""
