"""The sections of a report's page, in the order of a forensic report; each is a function of the record alone."""
