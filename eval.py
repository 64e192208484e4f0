"""Measures codecs: python eval.py --codec NAME|FILE ... --images DIR --out DIR; the same as python
-m jaxcodec.evaluate.
"""

import sys

from jaxcodec.evaluate import main

if __name__ == "__main__":
    sys.exit(main())
