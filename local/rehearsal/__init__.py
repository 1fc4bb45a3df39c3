"""A rehearsal: a story told by running the project's own commands on this stand-in, and what was measured.

It plays the people and the pipelines around the project: it approves, sends traffic, and watches. It must never
import the project: what it knows of it stands in the story's YAML file.
"""
