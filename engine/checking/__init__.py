"""How a gradient is checked: what goes in, what is compared, what may have gone wrong, what is said.

Read `inputs` (the function under test), `judging` and `reference` (what agrees), `patterns`, `blunders`, `roles`,
`making` and `slips` (what a mistake looks like), `diagnosis` (which it was), `report` (how it is said).
`engine.gradcheck` is the door.
"""
