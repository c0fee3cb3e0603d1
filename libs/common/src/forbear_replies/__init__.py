"""Reading borrower replies in English, Chinese and Spanish: labels, extracted facts, confidence, action."""

from forbear_replies.labels import Action, Label, Lang, WantedChannel
from forbear_replies.reader import Reader
from forbear_replies.reading import Extract, Reading

__all__ = ["Action", "Extract", "Label", "Lang", "Reader", "Reading", "WantedChannel"]
