"""`python -m jaxcodec` is the command `jaxcodec`."""

import sys

from jaxcodec.cli import main

if __name__ == "__main__":
    sys.exit(main())
