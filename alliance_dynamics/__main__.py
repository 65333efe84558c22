"""`python -m alliance_dynamics` is the command `alliance`."""

import sys

from alliance_dynamics.cli import main

sys.exit(main())
