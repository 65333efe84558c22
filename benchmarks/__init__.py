"""How fast the package is, beside other engines; `python -m benchmarks` measures and writes docs/performance.md."""
