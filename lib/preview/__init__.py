"""Contact sheets and time-lapses."""
