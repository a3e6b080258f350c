"""What a run shows to other programs while it trains, and what they may ask of it.

All goes through files in the model's folder: no viewer can hold up the run.
"""
