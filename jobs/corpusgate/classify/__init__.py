"""The content classifier: trained on labels that people accepted, judged on texts it has not seen, promoted or not."""
