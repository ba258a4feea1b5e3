"""The report of a plan: several studies, told like a short paper."""
