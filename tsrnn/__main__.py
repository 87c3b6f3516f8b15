"""``python -m tsrnn`` is ``tsrnn``."""

import sys

from tsrnn.cli import main

if __name__ == "__main__":
    sys.exit(main())
