"""Annotation: what labelling tools hand over, who did it, whether it may be used (GB/T 45674-2025)."""
