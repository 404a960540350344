-- Pruning takes ended runs by the instant of their end, the oldest first.
CREATE INDEX workflow_run_ended ON workflow_run (ended_at, id) WHERE status IN ('completed', 'faulted', 'cancelled');
