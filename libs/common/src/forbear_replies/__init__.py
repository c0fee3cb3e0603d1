"""Reading borrower replies in English, Chinese and Spanish: labels, extracted facts, confidence, action."""

import os

# The matrices of one reply are small: a thread for each core takes ten times the time of one thread.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from forbear_replies.labels import Action, Label, Lang, WantedChannel
from forbear_replies.reader import Reader
from forbear_replies.reading import Extract, Reading

__all__ = ["Action", "Extract", "Label", "Lang", "Reader", "Reading", "WantedChannel"]
