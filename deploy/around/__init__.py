"""What surrounds a rollout: what is looked at before it, and what is set, tidied up and told after it."""
