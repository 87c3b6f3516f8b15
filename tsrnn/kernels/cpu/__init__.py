"""The CPU target: drivers over chunks of rows, and the trainer that calls them."""
