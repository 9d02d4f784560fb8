"""``verify calibrate`` on published tables of scores."""
