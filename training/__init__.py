"""Makes the weights of the classifier of free-text intent; at run time nothing needs it."""
