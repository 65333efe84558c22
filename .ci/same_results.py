"""Exits with 1, naming the files, when two results folders differ in the content that their manifests vouch for."""

import json
import sys
from pathlib import Path

first, second = (json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8")) for folder in sys.argv[1:3])
hashes = [{each["path"]: each["sha256"] for each in manifest["outputs"]} for manifest in (first, second)]
different = sorted(path for path in set(hashes[0]) | set(hashes[1]) if hashes[0].get(path) != hashes[1].get(path))
if different:
    sys.exit("these results differ: " + ", ".join(different))
print(f"{len(hashes[0])} files, identical")
