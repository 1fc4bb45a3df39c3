"""What a person sees of a rollout: the plan as a page, the status, the live tree. It must never change anything."""
