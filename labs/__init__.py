"""The labs: numbered exercises, each a claim to predict, build, measure and judge."""
