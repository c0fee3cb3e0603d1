"""The contact scheduler: whom to reach, by which channel, when.

The matrices of a plan are small (181 terms). One thread factors one in a tenth of a millisecond; a thread for each
core, on cores that other processes use as well, takes up to fifty, and rounds differently from machine to machine. The
library reads this setting when numpy is loaded.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
