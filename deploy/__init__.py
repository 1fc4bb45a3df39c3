"""How an approved model package reaches customers, guarded: the deploy stage of the release loop.

A rollout is reconciled, in three kinds of step that repeat until there is an outcome:

- observe (`observe.py`, `trials/state.py`, `around/surroundings.py`): reads AWS into frozen data. Only Describe, List,
  Get and Head calls, and one smoke request; it judges nothing.
- decide (`decide.py`, `trials/steps.py`, with `plan.py`, `strategies/`, `guardrails.py`, `preflight.py`): pure
  functions from (policy, observation, evidence, now) to the next AWS requests, or an outcome, with the reasons.
- execute (`execute.py`): sends those requests and waits. It decides nothing.

Nothing is kept between runs: names are made from the policy and the package, everything else is read from AWS, so a
run that was killed after any call is continued by the next one. SageMaker itself shifts the traffic and rolls back.
`deploy` must never import `local`, `pipelines` or `steps`.
"""
