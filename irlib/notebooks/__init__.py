"""Run a notebook headless into its run folder: the only place that knows papermill.

``python -m irlib.notebooks 02_train outputs/demo/train-arcface-s1 -p seed=1`` checks the parameters
before a kernel starts, runs the notebook with this environment's own kernel from the repository's
root, tells how far it is, and publishes the executed copy once it ended.
"""
