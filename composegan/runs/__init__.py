"""A training run on disk: run folder, checkpoints, recording, rollback, resuming, adaptation."""
