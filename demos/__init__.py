"""Lessons: short scripts that explain by running. `python -m demos` lists them, `python -m demos 1` runs one."""
