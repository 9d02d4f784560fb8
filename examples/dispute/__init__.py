"""The dispute over r = 0.927, adjudicated: its base rate, a re-enactment, and the test that would decide."""
