"""Pictures of how a run fares: sheets, time-lapses, curves, comparisons."""
