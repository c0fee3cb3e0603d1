"""Templates and texts of the pages that borrowers see."""
