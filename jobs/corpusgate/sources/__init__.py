"""Sources as declared: which licence holds for which part, and what it allows (clause 4.1.3)."""
