"""The front door: settings, logs, the pipeline in a few readable lines, and the ``cordon`` command."""
